// What every path that throws says: one table, and no `fail` in the sources without a row.
#include "errors.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

using namespace ebb;
using namespace ebb::test;

namespace {

// A call of fail as the sources have it: who throws where that is written there, else nothing; and the format.
struct FailCall {
  std::string where, format, place;
};

// The string literals that stand together from `at` on, joined; `at` ends behind them.
std::string literals(const std::string& text, std::size_t& at) {
  std::string result;
  while ((at = text.find_first_not_of(" \n", at)) != text.npos && text[at] == '"')
    for (++at; text[at++] != '"';) {
      if (text[at - 1] == '\\') ++at;
      result += text[at - 1];
    }
  return result;
}

std::vector<FailCall> fail_calls(const std::filesystem::path& file) {
  std::ifstream in(file);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  std::vector<FailCall> calls;
  for (std::size_t at = text.find("fail"); at != text.npos; at = text.find("fail", at + 1)) {
    std::size_t end = at + 4;
    if (text[end] == '<') end = text.find('>', end) + 1;
    if (text[end] != '(') continue;
    FailCall call{.where = {}, .format = {}, .place = fmt::format("{}: {}", file.string(), text.substr(at, 60))};
    call.where = literals(text, ++end);
    end = text.find(',', end);
    if (end == text.npos) continue;
    call.format = literals(text, ++end);
    if (!call.format.empty()) calls.push_back(std::move(call));
  }
  return calls;
}

// Whether fmt could have made the message of the format.
bool could_be(const std::string& message, const FailCall& call) {
  const std::size_t begin = message.find("] ");
  if (begin == message.npos || (!call.where.empty() && message.substr(0, begin + 1) != "[" + call.where + "]"))
    return false;
  std::size_t at = begin + 2;
  std::string fixed;
  bool open = false;  // after something that varies
  const auto pass = [&](bool last) {
    const std::size_t found =
        !open  ? (message.compare(at, fixed.size(), fixed) == 0 ? at : message.npos)
        : last ? (message.size() >= at + fixed.size() && message.ends_with(fixed) ? message.size() - fixed.size()
                                                                                  : message.npos)
               : message.find(fixed, at);
    if (found == message.npos) return false;
    at = found + fixed.size();
    fixed.clear();
    return true;
  };
  const std::string& format = call.format;
  for (std::size_t i = 0; i < format.size(); ++i) {
    const bool doubled = i + 1 < format.size() && format[i + 1] == format[i];
    if (format[i] == '{' && !doubled) {
      if (!pass(false)) return false;
      open = true;
      i = format.find('}', i);
    } else {
      fixed += format[i];
      if (doubled && (format[i] == '{' || format[i] == '}')) ++i;
    }
  }
  return pass(true) && at == message.size();
}

}  // namespace

TEST_CASE("errors: every path that throws says exactly what the table has") {
  for (const auto* rows : {&op_error_rows(), &tape_error_rows(), &nn_error_rows()})
    for (const ErrorRow& row : *rows) {
      std::string message = "(nothing was thrown)";
      try {
        row.throwing();
      } catch (const Error& error) {
        message = error.what();
        CHECK_MESSAGE(typeid(error) == row.type, row.message);
      }
      CHECK(message == row.message);
    }
}

TEST_CASE("errors: every fail in the sources has a row in the table") {
  // What no test can bring about: 2³² records need 256 GiB.
  const std::set<std::string> out_of_reach = {"{} records are too many"};
  std::size_t calls = 0;
  for (const char* folder : {"autograd", "nn"})
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(std::filesystem::path(EBB_SOURCE_DIR) / folder)) {
      if (!entry.is_regular_file()) continue;
      for (const FailCall& call : fail_calls(entry.path())) {
        ++calls;
        if (out_of_reach.contains(call.format)) continue;
        bool found = false;
        for (const auto* rows : {&op_error_rows(), &tape_error_rows(), &nn_error_rows()})
          for (const ErrorRow& row : *rows) found |= could_be(row.message, call);
        CHECK_MESSAGE(found,
                      "no row in errors_{ops,tape,nn}_test.cpp for " << call.place << " … \"" << call.format << "\"");
      }
    }
  CHECK(calls > 110);
}
