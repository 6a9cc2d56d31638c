// Matrix products of the shapes that backpropagation through time has, as shares of the processor's peak, which is
// measured in turns with them.
#include <autograd/autograd.h>

#include "fma_peak.h"
#include "handwritten_product.h"
#include "interleaved.h"
#include "row_list.h"

namespace ebb::benchmarks {
namespace {

// s W, g Wᵀ, and sᵀ g over a block of rows.
enum class Kind { forward, backward, weights };

constexpr double flops_a_sample = 4e7;

double seconds_for(long times, const auto& body) {
  const double start = seconds_now(Clock::process);
  for (long i = 0; i < times; ++i) body();
  return seconds_now(Clock::process) - start;
}

std::string name_of(Kind kind, Index m, Index k, Index n) {
  if (kind == Kind::forward) return fmt::format("[{} × {}] [{} × {}]", m, k, k, n);
  if (kind == Kind::backward) return fmt::format("[{} × {}] [{} × {}]ᵀ", m, k, n, k);
  return fmt::format("[{} × {}]ᵀ [{} × {}]", k, m, k, n);
}

void product_share(benchmark::State& state, Kind kind, Index m, Index k, Index n) {
  Rng rng(1);
  const bool a_is_transposed = kind == Kind::weights, b_is_transposed = kind == Kind::backward;
  const Tensor a = uniform({m, k}, -1, 1, rng), b = uniform({k, n}, -1, 1, rng);
  const Tensor left = a_is_transposed ? transpose(a) : a, right = b_is_transposed ? transpose(b) : b;
  const HandwrittenProduct handwritten(b.values<float>().data(), static_cast<int>(k), static_cast<int>(n));
  std::vector<float> c(static_cast<std::size_t>(m * n));

  const double flops = 2 * static_cast<double>(m) * static_cast<double>(k) * static_cast<double>(n);
  const long times = std::max(1L, static_cast<long>(flops_a_sample / flops));
  const long rounds = static_cast<long>(flops_a_sample / multiply_and_add(1));
  std::vector<double> ours, theirs, shares, their_shares;
  for (auto _ : state) {
    double of_peak = 0;
    const double peak_seconds = seconds_for(1, [&] { of_peak = multiply_and_add(rounds); });
    const double our_seconds = seconds_for(times, [&] {
      benchmark::DoNotOptimize(matmul(left, right, {.transpose_a = a_is_transposed, .transpose_b = b_is_transposed}));
    });
    const double their_seconds = seconds_for(times, [&] {
      handwritten.multiply(a.values<float>().data(), static_cast<int>(m), c.data());
      benchmark::ClobberMemory();
    });
    const double all = flops * static_cast<double>(times), peak = of_peak / peak_seconds;
    ours.push_back(all / our_seconds * 1e-9);
    theirs.push_back(all / their_seconds * 1e-9);
    shares.push_back(all / our_seconds / peak);
    their_shares.push_back(all / their_seconds / peak);
    state.SetIterationTime(our_seconds);
  }

  state.counters["GFLOP/s"] = median(ours);
  state.counters["of_peak"] = median(shares);
  const auto cell = [](const std::vector<double>& rates, const std::vector<double>& of_peak) {
    return fmt::format("{:.0f} GFLOP/s, {:.0f} %", median(rates), 100 * median(of_peak));
  };
  set_row({fmt::format("product {}, of the peak", name_of(kind, m, k, n)), m >= 8 && n >= 64 ? "90 % (75 %)" : "",
           cell(theirs, their_shares), cell(ours, shares), fmt::format("{:.2f}", median(theirs) / median(ours))});
}

const bool registered = [] {
  struct {
    Index batch, hidden;
  } const sizes[] = {{1, 16}, {20, 50}, {32, 128}, {64, 256}, {16, 512}};
  const auto add = [](Kind kind, Index m, Index k, Index n) {
    benchmark::RegisterBenchmark(("product/" + name_of(kind, m, k, n)).c_str(), [=](benchmark::State& state) {
      product_share(state, kind, m, k, n);
    })->UseManualTime();
  };
  for (const auto& s : sizes) {
    add(Kind::forward, s.batch, s.hidden, s.hidden);
    add(Kind::backward, s.batch, s.hidden, s.hidden);
    add(Kind::weights, s.hidden, 256, s.hidden);
  }
  return true;
}();

}  // namespace
}  // namespace ebb::benchmarks
