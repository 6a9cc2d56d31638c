// What became of the gradients: a table, a paragraph a run, and a picture.
#pragma once

#include <string>
#include <vector>

#include "sequence/history.h"

namespace sequence {

// What is about to be done, in a line or two.
std::string introduction(const RunOptions& options, std::size_t runs, const std::string& output);

// For a text: that its loss fell below the entropy of its bytes.
std::string crossing(const History& run, double seconds);

// A text in double quotes, on one line, in valid UTF-8.
std::string quoted(const std::string& text);

// What became of a run's gradients, in sentences: the words of its report too.
std::vector<std::string> story(const History& run);

// ‖∂L/∂s_k‖ at the last step and at the first, at the first logged update and the last, beside the bound (γλ)^(T−1);
// then for each run what that means. At least one run, each with an update.
std::string summary(const std::vector<History>& runs);

// The curves behind the table, by step.
std::string picture(const std::vector<History>& runs);

}  // namespace sequence
