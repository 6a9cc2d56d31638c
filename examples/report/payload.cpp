#include "report/payload.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "report/thin.h"
#include "report/words.h"

namespace report {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t most_cells = 800'000;  // of all maps together
constexpr std::size_t most_units = 256, most_unit_steps = 200;
constexpr std::size_t most_records = 5000;

using Places = std::vector<std::size_t>;

double rounded(double x, double unit) { return std::round(x / unit) * unit; }

// Three digits after the point say more than a screen shows.
Json rounded_number(double x) { return std::round(x * 1000) / 1000; }

Json cell(const Magnitude& magnitude) {
  constexpr const char* codes[] = {"z", "p", "s", "u", "i", "n"};
  if (magnitude.kind != nn::Kind::number) return codes[static_cast<std::size_t>(magnitude.kind)];
  if (magnitude.value == 0) return codes[0];
  return std::round(1e5 * std::log10(magnitude.value)) / 1e5;  // enough to tell a step from the next by
}

// As it is, to six digits, or its code.
Json plain(const Magnitude& magnitude) {
  if (magnitude.kind != nn::Kind::number) return cell(magnitude);
  if (magnitude.value == 0) return 0.0;
  const double unit = std::pow(10.0, std::floor(std::log10(std::abs(magnitude.value))) - 5);
  return unit > 0 && std::isfinite(unit) ? rounded(magnitude.value, unit) : magnitude.value;
}

// For thinning: where it lies, with zeros below and what isn't finite above all numbers.
double score(const Magnitude& magnitude) {
  if (magnitude.kind == nn::Kind::infinite || magnitude.kind == nn::Kind::nan) return infinity;
  if (magnitude.kind == nn::Kind::no_path) return 0;
  return magnitude.value == 0 ? -infinity : std::log10(magnitude.value);
}

template <class Score>
std::pair<double, double> range(std::size_t count, const Score& at) {
  double low = infinity, high = -infinity;
  for (std::size_t i = 0; i < count; ++i) {
    const double value = at(i);
    low = std::min(low, value);
    high = std::max(high, value);
  }
  return {low, high};
}

// Which rows and columns of the map are shown.
struct Shown {
  Places rows, columns;
};

Shown shown(const std::vector<Update>& updates, std::size_t cells) {
  const std::size_t steps = updates.empty() ? 0 : updates.front().state_gradient.size();
  const auto side = static_cast<std::size_t>(std::sqrt(static_cast<double>(cells)));
  const std::size_t most_rows =
      std::max<std::size_t>(16, steps <= side ? cells / std::max<std::size_t>(steps, 1) : side);
  const auto row_range = [&](std::size_t r) {
    return range(steps, [&](std::size_t k) { return score(updates[r].state_gradient[k]); });
  };
  Shown result;
  result.rows = thinned(
      updates.size(), most_rows, [&](std::size_t r) { return row_range(r).first; },
      [&](std::size_t r) { return row_range(r).second; });
  const std::size_t most_columns = std::max<std::size_t>(16, cells / std::max<std::size_t>(result.rows.size(), 1));
  const auto column_range = [&](std::size_t k) {
    return range(result.rows.size(), [&](std::size_t i) { return score(updates[result.rows[i]].state_gradient[k]); });
  };
  result.columns = thinned(
      steps, most_columns, [&](std::size_t k) { return column_range(k).first; },
      [&](std::size_t k) { return column_range(k).second; });
  return result;
}

Json row_of(const std::vector<Magnitude>& values, const Places& columns) {
  Json row = Json::array();
  for (const std::size_t k : columns) row.push_back(k < values.size() ? cell(values[k]) : Json("p"));
  return row;
}

template <class T>
Json row_of_numbers(const std::vector<T>& values, const Places& columns) {
  Json row = Json::array();
  for (const std::size_t k : columns)
    row.push_back(k < values.size() && std::isfinite(values[k]) ? rounded_number(static_cast<double>(values[k]))
                                                                : Json());
  return row;
}

bool any(const std::vector<Update>& updates, bool has(const Update&)) {
  return std::any_of(updates.begin(), updates.end(), has);
}

std::size_t maps_of(const LogFile& log) {
  return 1 + static_cast<std::size_t>(any(log.updates, [](const Update& u) { return !u.contribution.empty(); })) +
         2 * static_cast<std::size_t>(any(log.updates, [](const Update& u) { return !u.saturation.empty(); }));
}

// The first and last map of units, evenly thinned.
Json unit_maps(const LogFile& log) {
  Json maps = Json::array();
  for (const Update& update : log.updates) {
    const Json& values = update.saturation_by_unit;
    if (!values.is_array() || values.empty()) continue;
    const std::size_t steps = values.size(), units = values[0].size();
    const std::size_t step_stride = (steps + most_unit_steps - 1) / most_unit_steps;
    const std::size_t unit_stride = (units + most_units - 1) / most_units;
    Json rows = Json::array(), unit_steps = Json::array();
    for (std::size_t t = 0; t < steps; t += step_stride) {
      unit_steps.push_back(t + 1);
      Json& row = rows.emplace_back(Json::array());
      for (std::size_t i = 0; i < units; i += unit_stride) row.push_back(rounded_number(values[t][i].get<double>()));
    }
    maps.push_back(
        {{"update", update.update}, {"unit_steps", unit_steps}, {"unit_stride", unit_stride}, {"values", rows}});
  }
  return maps;
}

Json tapes(const LogFile& log) {
  Json result = Json::array();
  for (const Json& tape : log.tapes)
    if (tape.is_object() && tape.value("records", Json::array()).size() <= most_records) result.push_back(tape);
  return result;
}

// What a row says beyond its maps.
void add_row(Json& run, const LogFile& log, const Update& update) {
  for (const auto& [key, value] : {std::pair{"loss", &update.loss},
                                   {"gradient_norm", &update.gradient_norm},
                                   {"clipped_gradient_norm", &update.clipped_gradient_norm},
                                   {"lambda", &update.lambda},
                                   {"sigma_mean", &update.sigma_mean},
                                   {"sigma_min", &update.sigma_min},
                                   {"rho", &update.rho}})
    run[key].push_back(plain(*value));
  run["clipped"].push_back(update.clipped);
  run["lyapunov"].push_back(update.lyapunov.kind == nn::Kind::number ? Json(update.lyapunov.value) : Json());

  const WayBack way{update.state_gradient, static_cast<std::size_t>(log.anchor())};
  const nn::Decay decay = way.decay();
  const double half_life = decay.half_life();
  run["half_life"].push_back(std::isfinite(half_life) ? plain(Magnitude::of(half_life)) : Json());
  run["grows"].push_back(decay.rate > 0);
  run["verdict"].push_back(verdict(way));
  run["bound_says"].push_back(bound_says(log.header.value("gamma", not_a_number) * update.lambda));
}

Json run_of(const LogFile& log, std::size_t cells) {
  const Shown picked = shown(log.updates, cells / maps_of(log));
  Json run{{"name", log.header.value("run", log.header.value("task", std::string("run")))},
           {"config", log.header},
           {"time", log.time()},
           {"anchor", log.anchor()},
           {"gamma", log.header.value("gamma", Json())},
           {"clip", log.header.value("clip", 0.0)},
           {"logged", log.updates.size()},
           {"updates", Json::array()},
           {"steps", picked.columns}};
  for (const char* key : {"heat", "loss", "gradient_norm", "clipped_gradient_norm", "clipped", "lambda", "sigma_mean",
                          "sigma_min", "rho", "lyapunov", "half_life", "grows", "verdict", "bound_says", "transport"})
    run[key] = Json::array();
  for (std::size_t row = 0; row < picked.rows.size(); ++row) {
    const Update& update = log.updates[picked.rows[row]];
    run["updates"].push_back(update.update);
    run["heat"].push_back(row_of(update.state_gradient, picked.columns));
    add_row(run, log, update);
    if (!update.contribution.empty()) run["contribution"].push_back(row_of(update.contribution, picked.columns));
    if (!update.saturation.empty()) {
      run["saturation"].push_back(row_of_numbers(update.saturation, picked.columns));
      run["shut"].push_back(row_of_numbers(update.shut, picked.columns));
    } else {
      run["saturation"].push_back(nullptr);
      run["shut"].push_back(nullptr);
    }
    if (!update.log10_transport.empty())
      run["transport"].push_back({{"row", row},
                                  {"log10_norm", row_of_numbers(update.log10_transport, picked.columns)},
                                  {"log10_product", row_of_numbers(update.log10_product, picked.columns)}});
  }
  run["by_unit"] = unit_maps(log);
  run["tapes"] = tapes(log);
  run["result"] = log.result;
  run["story"] = log.result.is_object() ? log.result.value("story", Json::array()) : Json::array();
  return run;
}

Json experiment_of(const LogFile& log) {
  Json charts = Json::array();
  for (const Json& curve : log.curves) {
    const auto same = [&](const Json& chart) { return chart["title"] == curve.at("chart"); };
    auto chart = std::find_if(charts.begin(), charts.end(), same);
    if (chart == charts.end()) {
      charts.push_back({{"title", curve.at("chart")},
                        {"x", curve.at("x")},
                        {"y", curve.at("y")},
                        {"log_y", curve.at("log_y")},
                        {"curves", Json::array()}});
      chart = charts.end() - 1;
    }
    (*chart)["curves"].push_back({{"name", curve.at("name")}, {"points", curve.at("points")}});
  }
  return {{"name", log.header.value("run", std::string())},
          {"claim", log.header.value("claim", std::string())},
          {"passes", log.result.is_object() ? log.result.value("passes", Json()) : Json()},
          {"checks", log.checks},
          {"charts", charts},
          {"grids", log.grids}};
}

}  // namespace

Json payload(const std::string& title, const std::vector<LogFile>& logs) {
  Json result{{"title", title},
              {"version", logs.empty() ? Json() : logs.front().header.value("version", Json())},
              {"runs", Json::array()},
              {"experiments", Json::array()}};
  const auto is_run = [](const LogFile& log) { return !log.updates.empty(); };
  const auto runs = static_cast<std::size_t>(std::count_if(logs.begin(), logs.end(), is_run));
  for (const LogFile& log : logs) {
    if (is_run(log)) result["runs"].push_back(run_of(log, most_cells / runs));
    if (!log.checks.empty() || !log.curves.empty() || !log.grids.empty())
      result["experiments"].push_back(experiment_of(log));
  }
  return result;
}

}  // namespace report
