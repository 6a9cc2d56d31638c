#include "sequence/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "sequence/plot_svg.h"
#include "sequence/progress.h"

namespace sequence {

namespace {

// "1.3e-144" for a number given by its logarithm, which a double need not reach.
std::string from_log10(double log10) {
  if (!std::isfinite(log10)) return log10 < 0 ? "0" : "-";
  const double exponent = std::floor(log10);
  return fmt::format("{:.1f}e{:+03.0f}", std::min(std::pow(10, log10 - exponent), 9.9), exponent);
}

double bound_per_step(const History& run, const Logged& logged) {
  return ebb::gamma(run.options.activation) * logged.weights.lambda;
}

// The table: its head, and a line for one logged update.
constexpr std::string_view row_format = "{:<14} {:>7}  {:>10}  {:>9}  {:>9}  {:>7}  {:>9}  {:>7}\n";

std::string head(const RunOptions& options) {
  return fmt::format(row_format, "", "update", fmt::format("at k = {}", options.time), "at k = 1", "ratio", "γλ",
                     fmt::format("(γλ)^{}", options.time - 1), "loss");
}

std::string row(const History& run, const Logged& logged, const std::string& name) {
  const Observation& seen = logged.seen;
  return fmt::format(
      row_format, name, seen.update, to_text(seen.state_gradient.back()), to_text(seen.state_gradient[1]),
      to_text(run.way_back(seen).ratio()), fmt::format("{:.3g}", bound_per_step(run, logged)),
      run.scored == 1 ? from_log10(run.log10_bound(logged, run.anchor() - 1)) : "-", to_text(seen.loss, "{:.4f}"));
}

std::string bound_in_words(const History& run) {
  if (run.anchor() == 1) return "";
  const double per_step = bound_per_step(run, run.first());
  if (run.scored > 1)
    return fmt::format("The loss reads the last {} states; before these, a step multiplies by at most γλ = {:.3g}.",
                       run.scored, per_step);
  const std::string says = report::bound_says(per_step);
  return says.empty() ? "" : fmt::format("By the bound, with γλ = {:.3g}, {}.", per_step, says);
}

// For a gradient that was there at first: when it was gone.
std::string loss_of_gradient(const History& run) {
  if (!run.first_zero || run.first_zero->update == 0) return "";
  const Observation& gone = *run.first_zero;
  const std::string size = run.options.optimizer == "sgd" ? fmt::format(", {} times a gradient of norm {:.2g},",
                                                                        run.options.learning_rate, run.norm_before_zero)
                                                          : "";
  return fmt::format(
      "The step of update {}{} {}: ∂L/∂s_1 was exactly zero ({}) at update {}, and at {} of the {} updates from there "
      "on.",
      gone.update - 1, size,
      gone.state_gradient[1].kind == nn::Kind::saturated ? "threw the network into saturation" : "put an end to that",
      nn::name(gone.state_gradient[1].kind), gone.update, run.zeros, run.updates_done - gone.update);
}

std::string at_update(const History& run, const Logged& logged) {
  return fmt::format("At update {}, {}.", logged.seen.update, report::verdict(run.way_back(logged.seen)));
}

std::string learned(const History& run) {
  if (run.tested && run.classes)
    return fmt::format("On fresh sequences: {:.1f} % errors, loss {:.4f} ({}: {:.4f}).", 100 * run.tested->error_rate,
                       run.tested->loss, run.trivial_answer, run.trivial_loss);
  if (run.tested)
    return fmt::format("On fresh sequences: mean squared error {:.4f} ({}: {:.4f}).", run.tested->loss,
                       run.trivial_answer, run.trivial_loss);
  if (run.options.task != "text" || !run.last().seen.is_finite()) return "";
  return fmt::format("Loss {:.4f} nats ({:.4f} bits) a byte; {}: {:.4f}{}.", run.last().seen.loss.value,
                     run.last().seen.loss / std::log(2.0), run.trivial_answer, run.trivial_loss,
                     run.below_trivial ? fmt::format(", passed at update {}", *run.below_trivial) : ", not reached");
}

}  // namespace

std::string introduction(const RunOptions& options, std::size_t runs, const std::string& output) {
  std::string text = fmt::format("{}{}: T = {}, {} hidden units, batch {}, {} updates{}, seed {}\n", options.task,
                                 runs > 1 ? fmt::format(" {} ways", runs) : "", options.time, options.hidden,
                                 options.batch, options.updates, runs > 1 ? " each" : "", options.seed);
  return text + fmt::format("logs and picture: {}\n\n", output);
}

std::string crossing(const History& run, double seconds) {
  return fmt::format("  update {}, {:.1f} s: the loss fell below {:.4f} nats ({:.4f} bits) a byte, {}",
                     *run.below_trivial, seconds, run.trivial_loss, run.trivial_loss / std::log(2.0),
                     run.trivial_answer);
}

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::vector<std::string> story(const History& run) {
  const bool several = run.anchor() > 1 && run.last().seen.update != run.first().seen.update;
  std::vector<std::string> sentences{at_update(run, run.first()), bound_in_words(run), loss_of_gradient(run)};
  if (several) sentences.push_back(at_update(run, run.last()));
  if (several && run.least_ratio > 0)
    sentences.push_back(fmt::format("Over all logged updates ‖∂L/∂s_1‖ was {:.2g} to {:.2g} times ‖∂L/∂s_{}‖.",
                                    run.least_ratio, run.greatest_ratio, run.anchor()));
  sentences.push_back(learned(run));
  std::erase(sentences, "");
  return sentences;
}

std::string summary(const std::vector<History>& runs) {
  std::string text = fmt::format("‖∂L/∂s_k‖ from the last step back to the first, and the bound on the ratio\n\n{}",
                                 head(runs.front().options));
  for (const History& run : runs) {
    text += row(run, run.first(), run.options.name);
    if (run.kept.size() > 1) text += row(run, run.last(), "");
  }
  for (const History& run : runs) text += fmt::format("\n{}\n  {}\n", run.options.name, fmt::join(story(run), "\n  "));
  return text;
}

std::string picture(const std::vector<History>& runs) {
  std::vector<Panel> panels;
  for (const History& run : runs) {
    const RunOptions& options = run.options;
    const std::string clip = options.clip > 0 ? fmt::format("clipped at {:.3g}", options.clip) : "not clipped";
    Panel panel{options.name,
                fmt::format("{}, W {}({:.3g}), {}", ebb::name(options.activation), options.init, options.gain, clip),
                {}};
    for (const Logged& logged : run.kept) {
      const bool is_end = logged.seen.update == run.first().seen.update || logged.seen.update == run.last().seen.update;
      if (runs.size() > 1 && !is_end) continue;
      Curve curve{fmt::format("update {}", logged.seen.update), logged.seen.state_gradient};
      const Magnitude& at_anchor = logged.seen.state_gradient[static_cast<std::size_t>(run.anchor())];
      if (is_end && run.anchor() > 1 && at_anchor > 0.0)
        curve.bound = BoundLine{run.anchor(), std::log10(at_anchor), run.log10_bound(logged, 1)};
      panel.curves.push_back(std::move(curve));
    }
    panels.push_back(std::move(panel));
  }
  const History& run = runs.front();
  const std::string loss = run.scored == 1                  ? "loss at the last step"
                           : run.scored == run.options.time ? "a loss at every step"
                                                            : fmt::format("loss at the last {} steps", run.scored);
  return draw_svg(fmt::format("The gradient at each time step: {}, {}", run.options.task, loss), "time step k", panels);
}

}  // namespace sequence
