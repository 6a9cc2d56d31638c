// How costs grow: a training step's with the number of time steps, over how the handwritten program's grows; a sweep's
// with the number of slices of one tensor, which must never be quadratic.
//
//   growth [--seconds S]    S seconds a row
#include <autograd/autograd.h>

#include "handwritten_rnn.h"
#include "instruction_sets.h"
#include "interleaved.h"
#include "row.h"
#include "training.h"

namespace {

using namespace ebb;
using namespace ebb::benchmarks;

struct Case {
  int batch, hidden;
  int few, many;  // time steps
};

constexpr Case cases[] = {{1, 16, 100, 10'000}, {1, 16, 100, 100'000}, {20, 50, 100, 10'000}};

void compare(const Case& c, double seconds) {
  const Problem few({c.few, c.batch, c.hidden}), many({c.many, c.batch, c.hidden});
  HandwrittenRnn handwritten_few(few), handwritten_many(many);
  Model few_steps(few), many_steps(many);

  handwritten_many.step();
  step_through_rnn(many_steps);
  require_agreement("nn::Rnn", many_steps.sums(), handwritten_many.sums());

  const Times times = interleaved({[&] { step_through_rnn(few_steps); }, [&] { step_through_rnn(many_steps); },
                                   [&] { handwritten_few.step(); }, [&] { handwritten_many.step(); }},
                                  {.seconds = seconds});
  const double ours = times.ratio(1, 0), handwritten = times.ratio(3, 2);
  print({fmt::format("growth from T = {} to {} at ({}, {})", c.few, c.many, c.batch, c.hidden),
         goal_and_floor(1.05, 1.25), fmt::format("× {:.1f}", handwritten), fmt::format("× {:.1f}", ours),
         fmt::format("{:.3f} (least {:.3f})", ours / handwritten,
                     times.ratio_of_least(1, 0) / times.ratio_of_least(3, 2))});
}

// Reads each of so many slices of one tensor, and differentiates by it.
void read_slices(const Tensor& source, bool recorded) {
  Tape tape;
  const Tensor x = 2.0 * source;
  Tensor s = x[0];
  for (Index k = 1; k < x.extent(0); ++k) s = tanh(s + x[k]);
  (void)tape.gradient(sum(s), x, {.recorded = recorded});
}

void compare_slices(bool recorded, double seconds) {
  constexpr Index few = 100, many = 10'000;
  Rng rng(1);
  const Tensor little = uniform({few, 16}, -1, 1, rng), much = uniform({many, 16}, -1, 1, rng);
  const Times times =
      interleaved({[&] { read_slices(little, recorded); }, [&] { read_slices(much, recorded); }}, {.seconds = seconds});
  constexpr double growth = static_cast<double>(many) / few;
  print({fmt::format("{} sweep over {} slices against {}, a slice", recorded ? "recorded" : "plain", many, few),
         goal_and_floor(1.5, 2), "", duration(times.median_of(1) / many),
         fmt::format("{:.3f} (least {:.3f})", times.ratio(1, 0) / growth, times.ratio_of_least(1, 0) / growth)});
}

}  // namespace

int main(int argc, char** argv) {
  require_same_instruction_set();
  const double seconds = argc > 2 ? std::atof(argv[2]) : 4;
  for (const Case& c : cases) compare(c, seconds);
  for (bool recorded : {false, true}) compare_slices(recorded, seconds);
}
