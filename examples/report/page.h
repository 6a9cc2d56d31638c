// The report: one HTML file that needs nothing else, from the page that examples/report/page builds.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "report/json.h"

namespace report {

// Whether the page was built; it needs Node when ebb is.
bool has_page();
// Why there is no report, in one line, and how to get one.
extern const char* const no_page;

// The page with the payload in it. Hostile names stay text: every "<" in the data is escaped. Error unless has_page().
std::string page_of(const Json& payload);

// Writes the page for the logs in these folders (DIR/log.jsonl). LogError, OutputError. Error unless has_page().
void write_report(const std::filesystem::path& html, const std::string& title,
                  const std::vector<std::filesystem::path>& folders);

}  // namespace report
