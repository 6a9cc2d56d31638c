#pragma once

#include <cstdint>

namespace ebb {

// Counts, extents, offsets and steps: signed, so that differences are what they look like.
using Index = std::int64_t;

}  // namespace ebb
