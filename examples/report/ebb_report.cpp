// Makes a report of runs that are logged already: ebb-report DIR, or several side by side on one scale:
// ebb-report A B C -o compare.html.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "report/line_writer.h"
#include "report/page.h"

namespace {

int run(const std::vector<std::string>& names, std::string output, std::string title) {
  const std::vector<std::filesystem::path> folders(names.begin(), names.end());
  if (output.empty()) output = names.size() == 1 ? (folders[0] / "report.html").string() : "compare.html";
  if (title.empty())
    for (const std::filesystem::path& folder : folders)
      title += fmt::format("{}{}", title.empty() ? "" : ", ", folder.lexically_normal().filename().string());
  report::write_report(output, title, folders);
  report::LineWriter::standard_output().write(output + "\n");
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
  std::string text;  // to be printed, and nothing else done
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    text = app.help();
  } catch (const CLI::CallForVersion& version) {
    text = version.what() + std::string("\n");
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "ebb-report: {} (try --help)\n", error.what());
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    if (text.empty()) return run(folders, output, title);
    report::LineWriter::standard_output().write(text);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "ebb-report: {}\n", error.what());
    return 1;
  }
}
