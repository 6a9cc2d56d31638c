#include "report/log_form.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <stdexcept>

namespace report {

namespace {

using Test = bool(const Json&);

constexpr std::uint64_t most_whole = std::uint64_t{1} << 53;
constexpr const char* whole = "a whole number from 0 to 2^53";

bool is_number(const Json& json) { return json.is_number(); }
bool is_number_or_null(const Json& json) { return json.is_number() || json.is_null(); }
// So small that sums of a few don't overflow, and that the page, whose numbers are float64, has them exactly.
bool is_whole(const Json& json) { return json.is_number_unsigned() && json.get<std::uint64_t>() <= most_whole; }
bool is_whole_or_null(const Json& json) { return is_whole(json) || json.is_null(); }
bool is_text(const Json& json) { return json.is_string(); }
bool is_bool(const Json& json) { return json.is_boolean(); }
bool is_object(const Json& json) { return json.is_object(); }
bool is_magnitude(const Json& json) { return json.is_number() || json.is_string(); }
bool is_norm(const Json& json) { return json.is_string() || (json.is_number() && json.get<double>() >= 0); }
bool is_point(const Json& json) {
  return json.is_array() && json.size() == 2 && json[0].is_number() && is_number_or_null(json[1]);
}

template <Test* is_element>
bool is_list(const Json& json) {
  return json.is_array() && std::all_of(json.begin(), json.end(), is_element);
}

template <Test* is_element>
bool is_matrix(const Json& json) {
  return is_list<is_list<is_element>>(json) &&
         std::all_of(json.begin(), json.end(), [&](const Json& row) { return row.size() == json.front().size(); });
}

void allow(const Json& json, const char* key, Test* is_right, const char* what) {
  if (const auto found = json.find(key); found != json.end() && !is_right(*found))
    throw std::invalid_argument(fmt::format("\"{}\" isn't {}", key, what));
}

void require(const Json& json, const char* key, Test* is_right, const char* what) {
  if (!json.contains(key)) throw std::invalid_argument(fmt::format("\"{}\" is missing", key));
  allow(json, key, is_right, what);
}

void require_object(const Json& json, const char* kind) {
  if (!json.is_object()) throw std::invalid_argument(fmt::format("\"{}\" isn't an object", kind));
}

void require_texts(const Json& json, std::initializer_list<const char*> keys) {
  for (const char* key : keys) require(json, key, is_text, "a text");
}

}  // namespace

void require_header(const Json& line) {
  for (const char* key : {"run", "task", "version", "claim"}) allow(line, key, is_text, "a text");
  for (const char* key : {"time", "scored"}) allow(line, key, is_whole, whole);
  for (const char* key : {"gamma", "clip"}) allow(line, key, is_number, "a number");
}

void require_update(const Json& line) {
  require(line, "update", is_whole, whole);
  allow(line, "loss", is_magnitude, "a magnitude");
  allow(line, "lyapunov", is_number_or_null, "a number or null");
  for (const char* key : {"gradient_norm", "clipped_gradient_norm", "lambda", "sigma_mean", "sigma_min", "rho"})
    allow(line, key, is_norm, "a magnitude of 0 or more");
  allow(line, "clipped", is_bool, "true or false");
  for (const char* key : {"state_gradient", "contribution"})
    allow(line, key, is_list<is_norm>, "a list of magnitudes of 0 or more");
  for (const char* key : {"saturation", "shut", "log10_transport", "log10_product"})
    allow(line, key, is_list<is_number_or_null>, "a list of numbers and nulls");
  allow(line, "saturation_by_unit", is_matrix<is_number>, "a list of equally long lists of numbers");
}

void require_tape(const Json& tape) {
  require_object(tape, "tape");
  require(tape, "update", is_whole, whole);
  require(tape, "records", is_list<is_object>, "a list of objects");
  for (const Json& record : tape["records"]) {
    require(record, "index", is_whole, whole);
    require(record, "op", is_text, "a text");
    for (const char* key : {"scope", "name", "dtype", "derivative"}) allow(record, key, is_text, "a text");
    allow(record, "inputs", is_list<is_whole_or_null>, "a list of indices and nulls");
    allow(record, "shape", is_list<is_whole>, "a list of whole numbers");
    allow(record, "keeps", is_list<is_whole>, "a list of indices");
    allow(record, "step", is_whole_or_null, "a whole number from 0 to 2^53 or null");
    allow(record, "bytes", is_number, "a number");
    for (const char* key : {"value_norm", "gradient_norm"}) allow(record, key, is_norm, "a magnitude of 0 or more");
  }
}

void require_result(const Json& result) {
  require_object(result, "result");
  allow(result, "updates", is_whole, whole);
  for (const char* key : {"interrupted", "passes"}) allow(result, key, is_bool, "true or false");
  allow(result, "test_loss", is_magnitude, "a magnitude");
  allow(result, "test_errors", is_number, "a number");
  allow(result, "story", is_list<is_text>, "a list of texts");
}

void require_check(const Json& check) {
  require_object(check, "check");
  require_texts(check, {"what", "limit"});
  require(check, "value", is_number_or_null, "a number or null");
  require(check, "passes", is_bool, "true or false");
}

void require_curve(const Json& curve) {
  require_object(curve, "curve");
  require_texts(curve, {"chart", "x", "y", "name"});
  require(curve, "log_y", is_bool, "true or false");
  require(curve, "points", is_list<is_point>, "a list of [x, y]");
}

void require_grid(const Json& grid) {
  require_object(grid, "grid");
  require_texts(grid, {"title", "label"});
  for (const char* key : {"x", "y"}) {
    require(grid, key, is_object, "an object");
    require_texts(grid[key], {"label"});
    for (const char* end : {"from", "to"}) require(grid[key], end, is_number, "a number");
  }
  require(grid, "values", is_matrix<is_number_or_null>, "a list of equally long lists of numbers and nulls");
}

}  // namespace report
