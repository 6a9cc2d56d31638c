#include "sequence/run_log.h"

#include <fmt/format.h>

#include <cmath>
#include <system_error>

#include "report/json.h"

namespace sequence {

using report::Json;
using report::line;
using report::to_json;

namespace {

// Where there is no path there is no value.
std::string to_csv(const Magnitude& magnitude) {
  if (magnitude.kind == nn::Kind::no_path) return fmt::format(",{}", nn::name(magnitude.kind));
  return fmt::format("{},{}", std::abs(magnitude.value), nn::name(magnitude.kind));  // NaN has a sign, too
}

std::filesystem::path created(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw report::OutputError(fmt::format("cannot make the folder {}: {}", folder.string(), error.message()));
  return folder;
}

}  // namespace

RunLog::RunLog(const std::filesystem::path& folder, const RunOptions& options, const Task& task)
    : json_(created(folder) / "log.jsonl"), csv_(folder / "gradients.csv"), log_omega_(options.omega > 0) {
  Json header{{"program", "train_sequence"},
              {"version", EBB_VERSION},
              {"instruction_set", ebb::instruction_set()},
              {"run", options.name},
              {"task", options.task}};
  if (options.task == "text") header["input"] = options.input;
  if (options.task == "copy") header["symbols"] = options.symbols;
  header.update({{"time", options.time},
                 {"scored", task.scored},
                 {"trivial_loss", task.trivial_loss},
                 {"trivial_answer", task.trivial_answer},
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
                 {"omega", options.omega},
                 {"updates", options.updates},
                 {"seed", options.seed},
                 {"log_every", options.log_every},
                 {"transport_every", options.transport_every},
                 {"contributions", options.contributions}});
  if (options.shards > 1) header["shards"] = options.shards;  // without threads: any number gives the same bytes
  json_.write(line(header));
  csv_.write(options.contributions ? "update,step,state_gradient,state_gradient_kind,contribution,contribution_kind\n"
                                   : "update,step,state_gradient,state_gradient_kind\n");
}

namespace {

// By k; there is none for the initial state.
Json by_step(const std::vector<double>& values) {
  Json array(values);
  array[0] = nullptr;
  return array;
}

// Natural logarithms to powers of ten; null for an exact zero.
Json as_log10(const std::vector<double>& logs) {
  Json array = Json::array();
  for (const double log : logs) array.push_back(std::isfinite(log) ? Json(log / std::log(10.0)) : Json());
  return array;
}

Json rows_of(const ebb::Tensor& matrix) {
  Json rows = Json::array();
  const auto values = matrix.values<double>();
  for (auto row = values.begin(); row != values.end(); row += matrix.extent(1)) {
    Json& cells = rows.emplace_back(Json::array());
    for (Index i = 0; i < matrix.extent(1); ++i) cells.push_back(std::round(1e4 * row[i]) / 1e4);
  }
  return rows;
}

Json tape_line(Index update, const TapeCopy& tape) {
  Json json = Json::parse(tape.records);
  for (std::size_t i = 0; i < tape.norms.size(); ++i) {
    Json& record = json["records"][i];
    if (!tape.names[i].empty()) record["name"] = tape.names[i];
    record["step"] = tape.steps[i] < 0 ? Json() : Json(tape.steps[i]);
    record["value_norm"] = to_json(Magnitude::of(tape.norms[i]));
    record["gradient_norm"] = to_json(tape.gradients[i]);
  }
  return Json{{"tape", {{"update", update}, {"records", std::move(json["records"])}}}};
}

}  // namespace

void RunLog::add(const Observation& seen, const Weights& weights, bool map) {
  Json json{{"update", seen.update},
            {"loss", to_json(seen.loss)},
            {"gradient_norm", to_json(seen.gradient_norm)},
            {"clipped_gradient_norm", to_json(seen.clipped_gradient_norm)},
            {"clipped", seen.clipped},
            {"lambda", to_json(Magnitude::of(weights.lambda))},
            {"sigma_mean", to_json(Magnitude::of(weights.sigma_mean))},
            {"sigma_min", to_json(Magnitude::of(weights.sigma_min))},
            {"rho", to_json(Magnitude::of(weights.rho))},
            {"state_gradient", to_json(seen.state_gradient)}};
  if (log_omega_) json["omega"] = to_json(Magnitude::of(seen.omega));
  if (!seen.contribution.empty()) json["contribution"] = to_json(seen.contribution);
  if (seen.saturation) {
    json["saturation"] = by_step(seen.saturation->mean);
    json["shut"] = by_step(seen.saturation->shut);
    if (map) json["saturation_by_unit"] = rows_of(seen.saturation->by_unit);
  }
  if (seen.transport) {
    json["log10_transport"] = as_log10(seen.transport->transport.log_norm);
    json["log10_product"] = as_log10(seen.transport->transport.log_product);
    json["lyapunov"] = std::isfinite(seen.transport->lyapunov) ? Json(seen.transport->lyapunov) : Json();
  }
  json_.write(line(json));
  if (seen.tape) json_.write(line(tape_line(seen.update, *seen.tape)));

  std::string rows;
  for (std::size_t k = 0; k < seen.state_gradient.size(); ++k) {
    rows += fmt::format("{},{},{}", seen.update, k, to_csv(seen.state_gradient[k]));
    if (!seen.contribution.empty()) rows += fmt::format(",{}", to_csv(seen.contribution[k]));
    rows += '\n';
  }
  csv_.write(rows);
}

void RunLog::end(const Result& result) {
  Json json{{"updates", result.updates}, {"interrupted", result.interrupted}};
  if (result.tested) {
    json["test_loss"] = to_json(Magnitude::of(result.tested->loss));
    if (!std::isnan(result.tested->error_rate)) json["test_errors"] = result.tested->error_rate;
  }
  json["story"] = result.story;
  json_.write(line(Json{{"result", json}}));
}

}  // namespace sequence
