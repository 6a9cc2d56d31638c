#include "report/json.h"

#include <limits>

namespace report {

using ebb::nn::Kind;
using ebb::nn::Magnitude;

Json to_json(const Magnitude& magnitude) {
  if (magnitude.kind == Kind::number) return magnitude.value;
  return std::string(ebb::nn::name(magnitude.kind));
}

Json to_json(std::span<const Magnitude> magnitudes) {
  Json array = Json::array();
  for (const Magnitude& magnitude : magnitudes) array.push_back(to_json(magnitude));
  return array;
}

Magnitude magnitude_of(const Json& json) {
  if (json.is_number()) return Magnitude::of(json.get<double>());
  for (const Kind kind : {Kind::no_path, Kind::saturated, Kind::underflow, Kind::infinite})
    if (json == ebb::nn::name(kind)) {
      if (kind == Kind::no_path) return Magnitude::no_path();
      return {kind == Kind::infinite ? std::numeric_limits<double>::infinity() : 0, kind};
    }
  return Magnitude::of(std::numeric_limits<double>::quiet_NaN());
}

std::string line(const Json& json) {
  std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  text += '\n';
  return text;
}

}  // namespace report
