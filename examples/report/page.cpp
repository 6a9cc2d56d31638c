#include "report/page.h"

#include <stdexcept>

#include "report/line_writer.h"
#include "report/payload.h"

namespace report {

// The page with EBB_DATA where the data goes; empty where Node was missing. Made by examples/report/embed.cmake.
extern const char* const page_template;
extern const std::size_t page_template_size;

bool has_page() { return page_template_size > 0; }

const char* const no_page =
    "no report.html: the page wasn't built; install nodejs and npm, build again, and `ebb-report DIR` makes it";

namespace {

constexpr std::string_view placeholder = "EBB_DATA";

// JSON within a script element: no "<" may begin "</script" or "<!--".
std::string escaped(const std::string& json) {
  std::string result;
  result.reserve(json.size() + json.size() / 64);
  for (const char c : json) {
    if (c == '<')
      result += "\\u003c";
    else
      result += c;
  }
  return result;
}

// A file that is there stays as it was until the new one is whole; what is no file (a pipe) is written to.
void replace_whole(const std::filesystem::path& file, const std::string& text) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(file, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    LineWriter(file).write(text);
    return;
  }
  std::filesystem::path part = file;
  part += ".part";
  try {
    LineWriter(part).write(text);
    std::filesystem::rename(part, file);
  } catch (...) {
    std::filesystem::remove(part, error);
    throw;
  }
}

}  // namespace

std::string page_of(const Json& payload) {
  if (!has_page()) throw std::runtime_error(no_page);
  const std::string_view page(page_template, page_template_size);
  const std::size_t at = page.find(placeholder);
  std::string result(page.substr(0, at));
  result += escaped(payload.dump(-1, ' ', false, Json::error_handler_t::replace));
  result += page.substr(at + placeholder.size());
  return result;
}

void write_report(const std::filesystem::path& html, const std::string& title,
                  const std::vector<std::filesystem::path>& folders) {
  std::vector<LogFile> logs;
  logs.reserve(folders.size());
  for (const std::filesystem::path& folder : folders) logs.push_back(read_log(folder / "log.jsonl"));
  replace_whole(html, page_of(payload(title, logs)));
}

}  // namespace report
