// A training step of a vanilla network against the handwritten one.
//
//   rnn_step [--seconds S] [TIME BATCH HIDDEN]...    S seconds a size; without sizes, those of the table
//   rnn_step --instruction-set                       prints what ebb uses
#include <autograd/instruction_set.h>

#include <cstring>

#include "handwritten_rnn.h"
#include "interleaved.h"
#include "row.h"
#include "training.h"

namespace {

using namespace ebb::benchmarks;

std::string through_rnn_goal(const Size& size) {
  if (size.hidden >= 128) return goal_and_floor(1.0, 1.15);
  return size.batch > 1 ? goal_and_floor(0.95, 1.25) : goal_and_floor(0.85, 1.6);
}

// One way to make the step, and which other one it is a multiple of.
struct Way {
  std::string name;
  std::string goal;
  std::function<void(Model&)> step;
  std::size_t against = 0;  // 0: the handwritten one, else ways()[against − 1]
};

std::vector<Way> ways(const Size& size) {
  const auto watched = [](bool contributions) {
    return [contributions](Model& model) { step_watched(model, {.contributions = contributions}); };
  };
  return {{"nn::Rnn", through_rnn_goal(size), step_through_rnn},
          {"op by op", goal_and_floor(2, 4), step_op_by_op},
          {"every ‖∂L/∂s_k‖ / none", goal_and_floor(size.batch == 1 ? 1.06 : 1.03, 1.1), watched(false), 1},
          {"every ‖C_k‖ too / none", goal_and_floor(1.25, 1.4), watched(true), 1}};
}

void compare(const Size& size, double seconds) {
  const Problem problem(size);
  HandwrittenRnn handwritten(problem);
  const std::vector<Way> all = ways(size);
  std::vector<Model> models;
  for (std::size_t k = 0; k < all.size(); ++k) models.emplace_back(problem);

  handwritten.step();
  std::vector<std::function<void()>> programs{[&] { handwritten.step(); }};
  for (std::size_t k = 0; k < all.size(); ++k) {
    all[k].step(models[k]);
    require_agreement(all[k].name.c_str(), models[k].sums(), handwritten.sums());
    programs.push_back([&, k] { all[k].step(models[k]); });
  }

  const Times times = interleaved(programs, {.seconds = seconds});
  for (std::size_t k = 0; k < all.size(); ++k) {
    const std::size_t ours = k + 1, other = all[k].against;
    print({step_row(size, all[k].name), all[k].goal, other == 0 ? duration(times.median_of(0)) : "",
           duration(times.median_of(ours)),
           fmt::format("{:.3f} (least {:.3f})", times.ratio(ours, other), times.ratio_of_least(ours, other))});
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--instruction-set") == 0) {
    fmt::print("{}\n", ebb::instruction_set());
    return 0;
  }
  double seconds = 4;
  std::vector<int> numbers;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--seconds") == 0 && i + 1 < argc)
      seconds = std::atof(argv[++i]);
    else
      numbers.push_back(std::atoi(argv[i]));
  }
  if (std::strcmp(ebb::instruction_set(), HandwrittenRnn::instruction_set()) != 0) {
    fmt::print(stderr, "rnn_step: ebb uses {}, the handwritten program {}; EBB_INSTRUCTION_SET={} makes it fair\n",
               ebb::instruction_set(), HandwrittenRnn::instruction_set(), HandwrittenRnn::instruction_set());
    return 1;
  }
  std::vector<Size> sizes;
  for (std::size_t i = 0; i + 2 < numbers.size(); i += 3) sizes.push_back({numbers[i], numbers[i + 1], numbers[i + 2]});
  if (sizes.empty()) sizes.assign(std::begin(all_sizes), std::end(all_sizes));
  for (const Size& size : sizes) compare(size, seconds);
}
