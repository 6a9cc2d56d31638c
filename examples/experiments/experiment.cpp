#include "experiments/experiment.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <csignal>
#include <exception>

#include "report/page.h"
#include "sequence/seed.h"

namespace experiments {

using report::Json;

namespace {

std::filesystem::path made(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw report::OutputError(fmt::format("cannot make the folder {}: {}", folder.string(), error.message()));
  return folder;
}

Json axis(const Axis& axis) { return {{"label", axis.label}, {"from", axis.from}, {"to", axis.to}}; }

Json number_or_null(double x) { return std::isfinite(x) ? Json(x) : Json(); }

}  // namespace

Experiment::Experiment(const Description& description, std::uint64_t seed, Index seeds, bool is_short,
                       std::filesystem::path folder)
    : description_(description),
      seed_(seed),
      seeds_(seeds),
      short_(is_short),
      folder_(made(folder)),
      log_(folder_ / "log.jsonl") {
  log_.write(report::line({{"program", "experiment"},
                           {"version", EBB_VERSION},
                           {"instruction_set", ebb::instruction_set()},
                           {"run", description.name},
                           {"claim", description.claim},
                           {"seed", seed},
                           {"seeds", seeds},
                           {"short", is_short}}));
  out_.write(fmt::format("{}: {}\n", description.name, description.claim));
}

std::vector<std::uint64_t> Experiment::seeds() const {
  std::vector<std::uint64_t> result;
  for (Index i = 0; i < seeds_; ++i) result.push_back(seed_ + static_cast<std::uint64_t>(i));
  return result;
}

void Experiment::say(std::string_view text) { out_.write(fmt::format("  {}\n", text)); }

void Experiment::check(const std::string& what, double value, const std::string& limit, bool passes) {
  passes_ = passes_ && passes;
  log_.write(report::line(
      {{"check", {{"what", what}, {"value", number_or_null(value)}, {"limit", limit}, {"passes", passes}}}}));
  out_.write(fmt::format("  {}  {}: {:.4g} ({})\n", passes ? "PASS" : "FAIL", what, value, limit));
}

void Experiment::check_below(const std::string& what, double value, double limit) {
  check(what, value, fmt::format("< {:.4g}", limit), value < limit);
}

void Experiment::check_above(const std::string& what, double value, double limit) {
  check(what, value, fmt::format("> {:.4g}", limit), value > limit);
}

void Experiment::check_near(const std::string& what, double value, double expected, double tolerance) {
  check(what, value, fmt::format("{:.6g} ± {:.2g}", expected, tolerance), std::abs(value - expected) <= tolerance);
}

void Experiment::curve(const Chart& chart, const std::string& name, const Points& points) {
  Json array = Json::array();
  for (const auto& [x, y] : points)
    if (std::isfinite(x) && std::isfinite(y) && (y > 0 || !chart.log_y)) array.push_back({x, y});
  log_.write(report::line({{"curve",
                            {{"chart", chart.title},
                             {"x", chart.x},
                             {"y", chart.y},
                             {"log_y", chart.log_y},
                             {"name", name},
                             {"points", array}}}}));
}

void Experiment::grid(const std::string& title, const Axis& x, const Axis& y, const std::string& label,
                      const std::vector<std::vector<double>>& values) {
  Json rows = Json::array();
  for (const std::vector<double>& row : values) {
    Json& cells = rows.emplace_back(Json::array());
    for (const double value : row) cells.push_back(number_or_null(std::round(1000 * value) / 1000));
  }
  log_.write(
      report::line({{"grid", {{"title", title}, {"x", axis(x)}, {"y", axis(y)}, {"label", label}, {"values", rows}}}}));
}

std::filesystem::path Experiment::run_folder(const std::string& name) {
  runs_.push_back(made(folder_ / name));
  return runs_.back();
}

int Experiment::finish() {
  log_.write(report::line({{"result", {{"passes", passes_}}}}));
  if (report::has_page()) {
    std::vector<std::filesystem::path> folders{folder_};
    folders.insert(folders.end(), runs_.begin(), runs_.end());
    report::write_report(folder_ / "report.html", description_.name, folders);
    say(fmt::format("open {}", (folder_ / "report.html").string()));
  } else {
    say(report::no_page);
  }
  out_.write(fmt::format("{} {}\n", passes_ ? "PASS" : "FAIL", description_.name));
  return passes_ ? 0 : 1;
}

int main(int argc, char** argv, const Description& description, const std::function<void(Experiment&)>& experiment) {
  CLI::App app(description.claim, description.name);
  std::uint64_t seed = 1;
  Index seeds = description.seeds;
  bool is_short = false;
  std::string output = "runs/experiments/" + description.name;
  const std::string note = description.random ? "" : "; nothing here is random, so that they change nothing";
  app.add_option("--seed", seed, "The first seed [1]" + note)
      ->type_name("N")
      ->check(CLI::Validator(sequence::fault_of_seed, ""));
  app.add_option("--seeds", seeds, fmt::format("How many from there on [{}]{}", seeds, note))
      ->type_name("N")
      ->check(CLI::Range(Index{1}, Index{1'000'000}));
  app.add_option("--output", output, fmt::format("The folder for log.jsonl and report.html [{}]", output))
      ->type_name("DIR");
  if (description.has_short_form) app.add_flag("--short", is_short, "A smaller form, of seconds instead of minutes");
  app.set_version_flag("--version", description.name + " " EBB_VERSION, "Print the version");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "{}: {} (try --help)\n", description.name, error.what());
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    Experiment run(description, seed, seeds, is_short, output);
    experiment(run);
    return run.finish();
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", description.name, error.what());
    return 1;
  }
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

Points numbered(const std::vector<double>& values, double first) {
  Points points;
  for (const double value : values) points.emplace_back(first++, value);
  return points;
}

}  // namespace experiments
