#include "report/log_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <string_view>

#include "report/log_form.h"

namespace report {

namespace {

std::vector<Magnitude> magnitudes(const Json& json, const char* key) {
  std::vector<Magnitude> result;
  if (const auto found = json.find(key); found != json.end())
    for (const Json& element : *found) result.push_back(magnitude_of(element));
  return result;
}

// Numbers; `none` for null.
template <class T>
std::vector<T> numbers(const Json& json, const char* key, T none) {
  std::vector<T> result;
  if (const auto found = json.find(key); found != json.end())
    for (const Json& element : *found) result.push_back(element.is_null() ? none : element.get<T>());
  return result;
}

Magnitude magnitude(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found == json.end() ? Magnitude::no_path() : magnitude_of(*found);
}

Update update_of(Json& json, std::size_t states) {
  Update update{.update = json.at("update").get<Index>(),
                .loss = magnitude(json, "loss"),
                .gradient_norm = magnitude(json, "gradient_norm"),
                .clipped_gradient_norm = magnitude(json, "clipped_gradient_norm"),
                .clipped = json.value("clipped", false),
                .lambda = magnitude(json, "lambda"),
                .sigma_mean = magnitude(json, "sigma_mean"),
                .sigma_min = magnitude(json, "sigma_min"),
                .rho = magnitude(json, "rho"),
                .state_gradient = magnitudes(json, "state_gradient"),
                .contribution = magnitudes(json, "contribution"),
                .saturation = numbers(json, "saturation", std::numeric_limits<float>::quiet_NaN()),
                .shut = numbers(json, "shut", std::numeric_limits<float>::quiet_NaN()),
                .log10_transport = numbers(json, "log10_transport", -std::numeric_limits<double>::infinity()),
                .log10_product = numbers(json, "log10_product", -std::numeric_limits<double>::infinity()),
                .lyapunov = magnitude(json, "lyapunov")};
  if (const auto map = json.find("saturation_by_unit"); map != json.end()) update.saturation_by_unit = std::move(*map);
  if (update.state_gradient.size() != states)
    throw std::invalid_argument(
        fmt::format("\"state_gradient\" has {} places; \"time\" asks for {}", update.state_gradient.size(), states));
  const auto require = [states](const char* key, std::size_t size) {
    if (size != 0 && size != states)
      throw std::invalid_argument(fmt::format("\"{}\" has {} places; \"time\" asks for {}", key, size, states));
  };
  require("contribution", update.contribution.size());
  require("saturation", update.saturation.size());
  require("shut", update.shut.size());
  require("log10_transport", update.log10_transport.size());
  require("log10_product", update.log10_product.size());
  return update;
}

void take(LogFile& log, Json json) {
  if (!json.is_object() || json.empty()) throw std::invalid_argument("not an object");
  const std::string kind = json.begin().key();
  const auto keep = [&json, &kind](std::vector<Json>& lines, void require(const Json&)) {
    require(json[kind]);
    lines.push_back(std::move(json[kind]));
  };
  if (kind == "update") {
    require_update(json);
    log.updates.push_back(update_of(json, static_cast<std::size_t>(log.time()) + 1));
    const std::size_t count = log.updates.size();
    if (count > 1 && log.updates[count - 1].update <= log.updates[count - 2].update)
      throw std::invalid_argument(
          fmt::format("update {} comes after update {}", log.updates[count - 1].update, log.updates[count - 2].update));
  } else if (kind == "tape") {
    keep(log.tapes, require_tape);
  } else if (kind == "result") {
    require_result(json[kind]);
    log.result = std::move(json[kind]);
  } else if (kind == "check") {
    keep(log.checks, require_check);
  } else if (kind == "curve") {
    keep(log.curves, require_curve);
  } else if (kind == "grid") {
    keep(log.grids, require_grid);
  } else {
    throw std::invalid_argument(fmt::format("a line of an unknown kind, \"{}\"", kind));
  }
}

// How deep brackets nest, those in strings aside. Where the JSON library copies or prints a value it takes a stack
// frame a level.
std::size_t nesting(std::string_view text) {
  std::size_t depth = 0, deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;  // what it escapes ends no string
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

Json parsed(const std::string& text) {
  constexpr std::size_t most_levels = 32;  // a log needs 6
  if (const std::size_t levels = nesting(text); levels > most_levels)
    throw std::invalid_argument(fmt::format("brackets nest {} deep; a log's nest at most {}", levels, most_levels));
  return Json::parse(text);
}

void require_steps(const LogFile& log) {
  const Index time = log.time(), scored = log.header.value("scored", Index{1}), most = std::max<Index>(time, 1);
  if (scored < 1 || scored > most)
    throw std::invalid_argument(
        fmt::format("\"scored\" is {}; with \"time\" {} it must be from 1 to {}", scored, time, most));
}

}  // namespace

LogFile read_log(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw LogError(fmt::format("cannot open {}", file.string()));
  LogFile log;
  std::string text;
  for (std::size_t number = 1; std::getline(in, text); ++number) {
    if (in.eof()) break;  // no end of line: it was cut off
    try {
      Json json = parsed(text);
      if (number > 1) {
        take(log, std::move(json));
        continue;
      }
      if (!json.is_object() || !json.contains("program")) throw std::invalid_argument("not the header of a log");
      require_header(json);
      log.header = std::move(json);
      require_steps(log);
    } catch (const std::exception& error) {
      throw LogError(fmt::format("{}, line {}: {}", file.string(), number, error.what()));
    }
  }
  if (log.header.is_null()) throw LogError(fmt::format("{} holds no log", file.string()));
  return log;
}

}  // namespace report
