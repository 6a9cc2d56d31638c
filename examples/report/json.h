// Magnitudes as log.jsonl has them (docs/log.md).
#pragma once

#include <nn/nn.h>

#include <nlohmann/json.hpp>
#include <span>
#include <string>

namespace report {

using Json = nlohmann::ordered_json;

// A number, or the name of its kind.
Json to_json(const ebb::nn::Magnitude& magnitude);
Json to_json(std::span<const ebb::nn::Magnitude> magnitudes);
// The other way round; nan for what is neither.
ebb::nn::Magnitude magnitude_of(const Json& json);

// One line of a log, in valid UTF-8 whatever a name or a text holds.
std::string line(const Json& json);

}  // namespace report
