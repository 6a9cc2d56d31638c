// What a record costs: chains of additions of tensors so small that nothing else counts.
#include <autograd/autograd.h>

#include <optional>

#include "interleaved.h"
#include "row_list.h"

namespace ebb::benchmarks {
namespace {

void add_chain(benchmark::State& state) {
  const Index length = state.range(0), elements = state.range(1);
  const Tensor x = full({elements}, 1e-3), seed = ones({elements});
  std::vector<double> forward, backward, end;
  const auto nanoseconds_an_op = [&](double start, double stop) {
    return (stop - start) / static_cast<double>(length) * 1e9;
  };

  for (auto _ : state) {
    std::optional<Tape> tape;
    const double at_start = seconds_now(Clock::process);
    tape.emplace();
    Tensor y = x;
    for (Index k = 0; k < length; ++k) y = y + x;
    const double recorded = seconds_now(Clock::process);
    benchmark::DoNotOptimize(tape->gradient(y, x, {.seed = seed}));
    const double swept = seconds_now(Clock::process);
    y = Tensor();
    tape.reset();
    const double at_end = seconds_now(Clock::process);
    forward.push_back(nanoseconds_an_op(at_start, recorded));
    backward.push_back(nanoseconds_an_op(recorded, swept));
    end.push_back(nanoseconds_an_op(swept, at_end));
    state.SetIterationTime(at_end - at_start);
  }

  state.counters["forward_ns"] = median(forward);
  state.counters["backward_ns"] = median(backward);
  state.counters["end_ns"] = median(end);
  set_row({add_chain_row(elements, length), "15 / 10 / 8 ns (40 / 25 / 15)", "",
           fmt::format("{:.1f} / {:.1f} / {:.1f} ns", median(forward), median(backward), median(end)), ""});
}
BENCHMARK(add_chain)->ArgsProduct({{1000, 100'000}, {1, 16}})->UseManualTime();

}  // namespace
}  // namespace ebb::benchmarks
