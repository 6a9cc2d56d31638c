// What a page shows, as one JSON object: computed from logs alone, so that everything on it can be found there again.
#pragma once

#include <string>
#include <vector>

#include "report/log_file.h"

namespace report {

// {"title", "version", "runs": […], "experiments": […]}. A run has its header as "config", the numbers of the
// logged "updates" (rows) and the "steps" k (columns) that are shown, and, by row and column, "heat", "contribution",
// "saturation" and "shut": log₁₀ of magnitudes, where "z" is a zero, "p" no path, "s" saturated, "u" underflow,
// "i" infinity and "n" nan; then what there is of the other lines of docs/log.md, by row, with a verdict for each.
//
// Large runs are thinned out with the extremes kept: whatever their number and length, the maps of all runs together
// have at most 800 000 cells, which makes less than 9 MB.
Json payload(const std::string& title, const std::vector<LogFile>& logs);

}  // namespace report
