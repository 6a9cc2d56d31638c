// A seed as it is typed.
#pragma once

#include <string>

namespace sequence {

// Nothing where the text is a whole number from 0 to 2^64 − 1, else what is wrong with it. CLI11 alone takes −1 for the
// greatest of them.
std::string fault_of_seed(const std::string& text);

}  // namespace sequence
