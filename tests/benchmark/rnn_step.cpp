// A training step of a vanilla network against the handwritten one.
//
//   rnn_step [--seconds S] [--rnn-only] [TIME BATCH HIDDEN]...
//   rnn_step --instruction-set
//
// S seconds a size (4), of nn::Rnn alone or of all ways; without sizes, those of the table. Or what ebb uses.
#include <algorithm>
#include <memory>

#include "handwritten_rnn.h"
#include "instruction_sets.h"
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

// What is timed, and what it works on.
class Programs {
 public:
  Programs(const Problem& problem, const std::vector<Way>& ways) : handwritten_(problem) {
    models_.reserve(ways.size());
    handwritten_.step();
    programs_.emplace_back([this] { handwritten_.step(); });
    for (const Way& way : ways) {
      Model& model = models_.emplace_back(problem);
      way.step(model);
      require_agreement(way.name.c_str(), model.sums(), handwritten_.sums());
      programs_.emplace_back([&way, &model] { way.step(model); });
    }
  }
  Programs(const Programs&) = delete;
  Programs& operator=(const Programs&) = delete;

  Times times(double seconds) const { return interleaved(programs_, {.seconds = seconds}); }

 private:
  HandwrittenRnn handwritten_;
  std::vector<Model> models_;
  std::vector<std::function<void()>> programs_;
};

// Small steps take up to a tenth more or less by where their data lie. So their programs are made several times.
int layouts_of(const Size& size) { return size.time * size.batch * size.hidden < 10'000 ? 11 : 1; }

void compare(const Size& size, bool rnn_only, double seconds) {
  const Problem problem(size);
  std::vector<Way> all = ways(size);
  if (rnn_only) all.resize(1);
  std::vector<std::unique_ptr<Programs>> programs;
  std::vector<std::unique_ptr<std::byte[]>> between;  // so that what is freed isn't taken again in the same place
  Times times(all.size() + 1);
  const int layouts = layouts_of(size);
  for (int i = 0; i < layouts; ++i) {
    ebb::release_memory();
    between.push_back(std::make_unique<std::byte[]>(static_cast<std::size_t>(1 + 1360 * i)));
    programs.push_back(std::make_unique<Programs>(problem, all));
    times.add(programs.back()->times(seconds / layouts));
  }

  for (std::size_t k = 0; k < all.size(); ++k) {
    const std::size_t ours = k + 1, other = all[k].against;
    print({step_row(size, all[k].name), all[k].goal, other == 0 ? duration(times.median_of(0)) : "",
           duration(times.median_of(ours)),
           fmt::format("{:.3f} (least {:.3f})", times.ratio(ours, other), times.ratio_of_least(ours, other))});
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  double seconds = 4;
  bool rnn_only = false;
  std::vector<int> numbers;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--instruction-set") {
      fmt::print("{}\n", ebb::instruction_set());
      return 0;
    }
    if (arguments[i] == "--rnn-only")
      rnn_only = true;
    else if (arguments[i] == "--seconds" && i + 1 < arguments.size())
      seconds = std::atof(arguments[++i].c_str());
    else
      numbers.push_back(std::atoi(arguments[i].c_str()));
  }
  if (numbers.size() % 3 != 0 || std::any_of(numbers.begin(), numbers.end(), [](int n) { return n < 1; })) {
    fmt::print(stderr, "usage: rnn_step [--seconds S] [--rnn-only] [TIME BATCH HIDDEN]...\n");
    return 2;
  }

  require_same_instruction_set();
  std::vector<Size> sizes;
  for (std::size_t i = 0; i < numbers.size(); i += 3) sizes.push_back({numbers[i], numbers[i + 1], numbers[i + 2]});
  if (sizes.empty()) sizes.assign(std::begin(all_sizes), std::end(all_sizes));
  for (const Size& size : sizes) compare(size, rnn_only, seconds);
}
