// Makes a report of runs that are logged already: ebb-report DIR, or several side by side on one scale:
// ebb-report A B C -o compare.html.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "report/page.h"

namespace {

int run(const std::vector<std::string>& names, std::string output, std::string title) {
  const std::vector<std::filesystem::path> folders(names.begin(), names.end());
  if (output.empty()) output = names.size() == 1 ? (folders[0] / "report.html").string() : "compare.html";
  if (title.empty())
    for (const std::filesystem::path& folder : folders)
      title += fmt::format("{}{}", title.empty() ? "" : ", ", folder.lexically_normal().filename().string());
  report::write_report(output, title, folders);
  fmt::print("{}\n", output);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Makes one HTML file of runs that were logged (DIR/log.jsonl); it needs no network and no server.",
               "ebb-report");
  std::vector<std::string> folders;
  std::string output, title;
  app.add_option("DIR", folders, "Folders of runs, several to compare them side by side")->required();
  app.add_option("-o,--output", output, "The file [DIR/report.html; of several: compare.html]")->type_name("FILE");
  app.add_option("--title", title, "Its heading [the folders' names]");
  app.set_version_flag("--version", "ebb-report " EBB_VERSION, "Print the version");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return 0;
  } catch (const CLI::CallForVersion& version) {
    fmt::print("{}\n", version.what());
    return 0;
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "ebb-report: {} (try --help)\n", error.what());
    return 2;
  }
  try {
    return run(folders, output, title);
  } catch (const std::exception& error) {
    fmt::print(stderr, "ebb-report: {}\n", error.what());
    return 1;
  }
}
