// The wall in the error surface of the simplest recurrent network (Pascanu, Mikolov & Bengio 2013, figure 6): one unit,
// x_t = w σ(x_{t−1}) + b, E = (σ(x_50) − 0.7)². A step down that wall leaves the landscape; a clipped one does not.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "experiments/experiment.h"

namespace experiments {
namespace {

constexpr int steps = 50;

double number(const Tensor& x) { return x.item(); }

// On the grid w_i × b_j at once; elementwise.
Tensor error(const Tensor& w, const Tensor& b) {
  Tensor x = ebb::full(w.shape(), 0.5, ebb::f64);
  for (int t = 0; t < steps; ++t) x = w * ebb::sigmoid(x) + b;
  return ebb::square(ebb::sigmoid(x) - 0.7);
}

struct Slope {
  double by_w, by_b;
};

Slope slope_at(double w_value, double b_value) {
  const Tensor w = ebb::tensor(w_value, ebb::f64), b = ebb::tensor(b_value, ebb::f64);
  ebb::Tape tape;
  const auto [by_w, by_b] = tape.gradients(error(w, b), {w, b});
  return {number(by_w), number(by_b)};
}

// On b = ½ − w σ(½), where x stays at ½, with a = w σ'(½):
// ∂E/∂b = 2 (σ(½) − 0.7) σ'(½) (a^50 − 1) / (a − 1), and ∂E/∂w = σ(½) ∂E/∂b.
struct Wall {
  double half = number(ebb::sigmoid(ebb::tensor(0.5, ebb::f64)));  // the library's own, so that x stays there exactly

  double b(double w) const { return 0.5 - w * half; }
  double by_b(double w) const {
    const double flat = half * (1 - half), a = w * flat;
    return 2 * (half - 0.7) * flat * (std::pow(a, steps) - 1) / (a - 1);
  }
};

// The relative distance of the tape's gradients from the closed form, on the wall or beside it.
double off_closed_form(const Wall& wall, double w, double b) {
  const Slope seen = slope_at(w, b);
  const double by_b = wall.by_b(w), by_w = wall.half * by_b;
  return std::max(std::abs(seen.by_b / by_b - 1), std::abs(seen.by_w / by_w - 1));
}
double off_closed_form(const Wall& wall, double w) { return off_closed_form(wall, w, wall.b(w)); }

// The closed form needs x on ½ exactly. Two roundings, w σ(½) and its difference from ½, leave it there; any other b,
// and x is off by a times more at each step.
void say_beside_it(Experiment& experiment, const Wall& wall) {
  std::string text = "with b one unit in the last place off, the closed form is off by";
  for (const double w : {5.0, 7.0, 8.0})
    text +=
        fmt::format("{} {:.1g} at w = {}", w > 5 ? "," : "", off_closed_form(wall, w, std::nextafter(wall.b(w), 0)), w);
  experiment.say(text);
}

// The landscape, and where the wall stands in it.
void draw(Experiment& experiment) {
  constexpr Index cells = 300;
  const Axis w_axis{"w", 0, 8}, b_axis{"b", -6, 1};
  const Tensor w_line = ebb::linspace(w_axis.from, w_axis.to, cells, ebb::f64);
  const Tensor b_line = ebb::linspace(b_axis.from, b_axis.to, cells, ebb::f64);
  const Tensor w = ebb::broadcast_to(w_line, {cells, cells});
  const Tensor b = ebb::broadcast_to(ebb::reshape(b_line, {cells, 1}), {cells, cells});

  ebb::Tape tape;
  const Tensor E = error(w, b);
  const auto [by_w, by_b] = tape.gradients(ebb::sum(E), {w, b});
  const auto rows = [](const Tensor& x) {
    std::vector<std::vector<double>> result;
    const auto values = x.values<double>();
    for (Index j = 0; j < cells; ++j) result.emplace_back(values.begin() + j * cells, values.begin() + (j + 1) * cells);
    return result;
  };
  const ebb::Pause pause;
  experiment.grid("The error E", w_axis, b_axis, "E", rows(E));
  experiment.grid("The size of its gradient", w_axis, b_axis, "log₁₀ ‖∇E‖",
                  rows(ebb::log(ebb::sqrt(by_w * by_w + by_b * by_b) + 1e-12) / std::log(10.0)));
}

void run(Experiment& experiment) {
  const Wall wall;
  // a > 1 from w = 1/σ'(½) on: only there does the wall rise.
  experiment.check_near("the wall begins at w = 1/σ'(½)", 1 / (wall.half * (1 - wall.half)), 4.255, 5e-4);
  // A sum of fifty powers, rounded.
  for (const double w : {3.0, 4.0, 4.5}) {
    experiment.check_below(fmt::format("w = {}: off the closed form by", w), off_closed_form(wall, w), 1e-12);
  }
  experiment.check_below("w = 5: off the closed form by", off_closed_form(wall, 5), 1e-9);
  say_beside_it(experiment, wall);

  constexpr double rate = 0.01, limit = 1;
  const Slope at_wall = slope_at(5, wall.b(5));
  const double norm = std::hypot(at_wall.by_w, at_wall.by_b);
  experiment.say(fmt::format("at w = 5 on the wall: ∂E/∂w = {:.4g}, ∂E/∂b = {:.4g}", at_wall.by_w, at_wall.by_b));
  experiment.check_near("a step of rate 0.01 moves b by", rate * std::abs(at_wall.by_b), 6.6, 0.1);
  experiment.check("clipped at 1, it moves b by", rate * std::abs(at_wall.by_b) * limit / norm, "≤ 0.01",
                   rate * std::abs(at_wall.by_b) * limit / norm <= 0.01);
  draw(experiment);
}

}  // namespace
}  // namespace experiments

int main(int argc, char** argv) {
  return experiments::main(argc, argv, {.name = "cliff", .claim = "A wall, and clipping survives it.", .random = false},
                           experiments::run);
}
