#include "sequence/run_log.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <system_error>

namespace sequence {

namespace {

using Json = nlohmann::ordered_json;

Json to_json(const Magnitude& magnitude) {
  if (magnitude.kind == nn::Kind::number) return magnitude.value;
  return std::string(nn::name(magnitude.kind));
}

Json to_json(const std::vector<Magnitude>& magnitudes) {
  Json array = Json::array();
  for (const Magnitude& magnitude : magnitudes) array.push_back(to_json(magnitude));
  return array;
}

// Where there is no path there is no value.
std::string to_csv(const Magnitude& magnitude) {
  if (magnitude.kind == nn::Kind::no_path) return fmt::format(",{}", nn::name(magnitude.kind));
  return fmt::format("{},{}", std::abs(magnitude.value), nn::name(magnitude.kind));  // NaN has a sign, too
}

std::string line(const Json& json) {
  std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);  // a file's name need not be UTF-8
  text += '\n';
  return text;
}

std::filesystem::path created(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw OutputError(fmt::format("cannot make the folder {}: {}", folder.string(), error.message()));
  return folder;
}

}  // namespace

RunLog::RunLog(const std::filesystem::path& folder, const RunOptions& options)
    : json_(created(folder) / "log.jsonl"), csv_(folder / "gradients.csv") {
  Json header{{"program", "train_sequence"},
              {"version", EBB_VERSION},
              {"instruction_set", ebb::instruction_set()},
              {"run", options.name},
              {"task", options.task}};
  if (options.task == "text") header["input"] = options.input;
  if (options.task == "copy") header["symbols"] = options.symbols;
  header.update({{"time", options.time},
                 {"batch", options.batch},
                 {"hidden", options.hidden},
                 {"activation", ebb::name(options.activation)},
                 {"gamma", ebb::gamma(options.activation)},
                 {"init", options.init},
                 {"gain", options.gain},
                 {"input_init", options.input_std ? "normal" : "xavier"},
                 {"input_std", options.input_std ? Json(*options.input_std) : Json()},
                 {"readout_init", options.readout_std ? "normal" : "xavier"},
                 {"readout_std", options.readout_std ? Json(*options.readout_std) : Json()},
                 {"optimizer", options.optimizer},
                 {"learning_rate", options.learning_rate},
                 {"momentum", options.momentum},
                 {"clip", options.clip},
                 {"updates", options.updates},
                 {"seed", options.seed},
                 {"log_every", options.log_every},
                 {"contributions", options.contributions}});
  if (options.shards > 1) header["shards"] = options.shards;  // without threads: any number gives the same bytes
  json_.write(line(header));
  csv_.write(options.contributions ? "update,step,state_gradient,state_gradient_kind,contribution,contribution_kind\n"
                                   : "update,step,state_gradient,state_gradient_kind\n");
}

void RunLog::add(const Observation& seen, double lambda) {
  Json json{{"update", seen.update},
            {"loss", to_json(seen.loss)},
            {"gradient_norm", to_json(seen.gradient_norm)},
            {"clipped_gradient_norm", to_json(seen.clipped_gradient_norm)},
            {"clipped", seen.clipped},
            {"lambda", to_json(Magnitude::of(lambda))},
            {"state_gradient", to_json(seen.state_gradient)}};
  if (!seen.contribution.empty()) json["contribution"] = to_json(seen.contribution);
  json_.write(line(json));

  std::string rows;
  for (std::size_t k = 0; k < seen.state_gradient.size(); ++k) {
    rows += fmt::format("{},{},{}", seen.update, k, to_csv(seen.state_gradient[k]));
    if (!seen.contribution.empty()) rows += fmt::format(",{}", to_csv(seen.contribution[k]));
    rows += '\n';
  }
  csv_.write(rows);
}

}  // namespace sequence
