// What a second thread is worth: a training step in two shards on two threads, against the same step on one tape and
// one thread. By the clock on the wall, so that it says little where other processes want the cores.
//
//   threads [--seconds S]    S seconds a size (4)
#include "interleaved.h"
#include "row.h"
#include "training.h"

namespace {

using namespace ebb::benchmarks;
namespace nn = ebb::nn;

void compare(const Size& size, double seconds) {
  const Problem problem(size);
  Model whole(problem), cut(problem);
  nn::DataParallel parallel({.shards = 2, .threads = 2});

  step_through_rnn(whole);
  step_in_shards(cut, parallel);
  require_agreement("nn::DataParallel", cut.sums(), whole.sums());

  const Times times = interleaved({[&] { step_through_rnn(whole); }, [&] { step_in_shards(cut, parallel); }},
                                  {.seconds = seconds, .clock = Clock::wall});
  const bool large = size.batch * size.hidden >= 4096;
  print({step_row(size, "one thread / two"), large ? goal_and_floor(1.95, 1.7) : goal_and_floor(1.7, 1.4), "",
         duration(times.median_of(1)),
         fmt::format("{:.3f} (least {:.3f})", times.ratio(0, 1), times.ratio_of_least(0, 1))});
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 2 ? std::atof(argv[2]) : 4;
  for (const Size& size : all_sizes)
    if (size.batch > 1) compare(size, seconds);
}
