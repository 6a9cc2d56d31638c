// Training steps on several threads: the gradients of the whole batch, in the same bits on any number of threads; what
// becomes of exceptions; and that neither threads nor memory are left behind.
#include <nn/nn.h>

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "support.h"

using namespace ebb;
using namespace ebb::test;

namespace {

// A network with a batch of sequences and their answers.
struct Setting {
  explicit Setting(Index batch, DType dtype = f64)
      : rnn({.inputs = 3, .hidden = 8, .dtype = dtype}, rng),
        readout({.inputs = 8, .outputs = 2, .dtype = dtype}, rng),
        x(varied({12, batch, 3}, 2, dtype)),
        y(varied({batch, 2}, 3, dtype)) {}

  // The usual step, on one tape.
  double step(const Tensor& inputs, const Tensor& targets, std::span<Tensor> gradients) const {
    Tape tape;
    const Tensor loss = nn::mse(readout(rnn(inputs).last()), targets);
    tape.gradients(loss, parameters.tensors(), gradients);
    return loss.item();
  }
  // The same in shards; with `before` called in each shard.
  template <class F>
  double step(nn::DataParallel& parallel, std::span<Tensor> results, F before) const {
    return parallel.loss_and_gradients(x.extent(1), results, [&](const nn::Shard& shard, std::span<Tensor> gradients) {
      before(shard);
      return full({}, step(shard.rows(x, 1), shard.rows(y), gradients), f64);
    });
  }
  double step(nn::DataParallel& parallel, std::span<Tensor> results) const {
    return step(parallel, results, [](const nn::Shard&) {});
  }
  std::vector<Tensor> blank() const { return std::vector<Tensor>(parameters.count()); }

  Rng rng{1};
  nn::Rnn rnn;
  nn::Linear readout;
  nn::Parameters parameters{{"rnn", rnn}, {"readout", readout}};
  Tensor x, y;
};

bool same_bits(std::span<const Tensor> a, std::span<const Tensor> b) {
  bool same = a.size() == b.size();
  for (std::size_t i = 0; same && i < a.size(); ++i) same = test::same_bits(a[i], b[i]);
  return same;
}

#ifdef __linux__
std::ptrdiff_t threads_of_this_process() {
  using Entries = std::filesystem::directory_iterator;
  return std::distance(Entries("/proc/self/task"), Entries());
}

// The system's list may lag behind a join by a moment.
bool threads_become(std::ptrdiff_t number) {
  for (int wait = 0; wait < 5000 && threads_of_this_process() != number; ++wait)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return threads_of_this_process() == number;
}
#endif

}  // namespace

TEST_CASE("data parallel: a batch is cut into shards that follow each other, of nearly one size") {
  for (const Index batch : {1, 2, 4, 7, 20, 21})
    for (const Index shards : {1, 2, 3, 4, 8}) {
      const std::vector<nn::Shard> cut = nn::cut(batch, shards);
      REQUIRE(static_cast<Index>(cut.size()) == std::min(batch, shards));
      double shares = 0;
      for (std::size_t i = 0; i < cut.size(); ++i) {
        CHECK(cut[i].index == static_cast<Index>(i));
        CHECK(cut[i].batch == batch);
        CHECK(cut[i].begin == (i == 0 ? 0 : cut[i - 1].end));
        CHECK(cut[i].size() >= cut.back().size());
        CHECK(cut[i].size() <= cut.back().size() + 1);
        shares += cut[i].share();
      }
      CHECK(cut.back().end == batch);
      CHECK(shares == doctest::Approx(1));
    }
}

TEST_CASE("data parallel: a shard's rows are those of its batch, and a source on its tape") {
  const Tensor x = varied({3, 7, 2}), y = varied({7});
  const nn::Shard shard = nn::cut(7, 4)[1];
  Tape tape;
  CHECK(same_bits(shard.rows(x, 1), slice(detach(x), 2, 4, 1)));
  CHECK(same_bits(shard.rows(x, -2), shard.rows(x, 1)));
  CHECK(tape.find(shard.rows(y)) == nullptr);
  CHECK(nn::cut(7, 1)[0].rows(x, 1).is(x));
}

TEST_CASE("data parallel: loss and gradients are those of the whole batch on one tape") {
  // Sums of the same products in another order, in float64.
  constexpr double tolerance = 1e-13;
  for (const Index batch : {1, 2, 7, 20})
    for (const Index shards : {1, 2, 3, 4, 8}) {
      CAPTURE(batch);
      CAPTURE(shards);
      const Setting setting(batch);
      std::vector<Tensor> expected = setting.blank(), gradients = setting.blank();
      const double expected_loss = setting.step(setting.x, setting.y, expected);
      nn::DataParallel parallel({.shards = shards, .threads = 2});
      CHECK(std::fabs(setting.step(parallel, gradients) - expected_loss) < tolerance);
      for (std::size_t i = 0; i < expected.size(); ++i) CHECK(distance(gradients[i], expected[i]) < tolerance);
    }
}

TEST_CASE("data parallel: one shard is one tape, to the bit") {
  const Setting setting(7, f32);
  std::vector<Tensor> expected = setting.blank(), gradients = setting.blank();
  const double loss = setting.step(setting.x, setting.y, expected);
  nn::DataParallel parallel({.shards = 1, .threads = 3});
  CHECK(parallel.threads() == 1);
  CHECK(setting.step(parallel, gradients) == loss);
  CHECK(same_bits(gradients, expected));
}

TEST_CASE("fault 22: the same shards give the same bits on any number of threads") {
  for (const DType dtype : {f32, f64})
    for (const Index batch : {2, 7, 20}) {
      const Setting setting(batch, dtype);
      std::vector<Tensor> expected = setting.blank();
      nn::DataParallel alone({.shards = 4, .threads = 1});
      const double loss = setting.step(alone, expected);
      for (const Index threads : {2, 3, 8}) {
        nn::DataParallel parallel({.shards = 4, .threads = threads});
        CHECK(parallel.threads() == std::min<Index>(threads, 4));
        for (int step = 0; step < 20; ++step) {
          std::vector<Tensor> gradients = setting.blank();
          CHECK(setting.step(parallel, gradients) == loss);
          CHECK(same_bits(gradients, expected));
        }
      }
    }
}

TEST_CASE(
    "fault 22: networks trained on one, two and three threads are the same, with noise from a generator a shard") {
  const auto trained = [](Index threads) {
    Setting setting(10, f32);
    nn::DataParallel parallel({.shards = 4, .threads = threads});
    nn::Adam optimizer(setting.parameters);
    std::vector<Rng> noise;
    for (Index i = 0; i < parallel.shards(); ++i) noise.push_back(setting.rng.split());
    std::vector<Tensor> gradients = setting.blank();
    for (int update = 0; update < 30; ++update) {
      parallel.loss_and_gradients(10, gradients, [&](const nn::Shard& shard, std::span<Tensor> results) {
        const Tensor x = shard.rows(setting.x, 1);
        Rng& rng = noise[static_cast<std::size_t>(shard.index)];
        const Tensor noisy = x + normal(x.shape(), 0, 0.1, rng);
        return full({}, setting.step(noisy, shard.rows(setting.y), results), f64);
      });
      nn::clip_norm(gradients, 0.5);
      optimizer.step(gradients);
    }
    return std::vector<Tensor>(setting.parameters.tensors().begin(), setting.parameters.tensors().end());
  };
  const std::vector<Tensor> expected = trained(1);
  CHECK(same_bits(trained(2), expected));
  CHECK(same_bits(trained(3), expected));
}

TEST_CASE("data parallel: gradients are the caller's own, also where a shard keeps them") {
  const Setting setting(4);
  std::vector<Tensor> kept(4), copies(4);
  nn::DataParallel parallel({.shards = 4, .threads = 2});
  std::vector<Tensor> gradients(1);
  const double loss = parallel.loss_and_gradients(4, gradients, [&](const nn::Shard& shard, std::span<Tensor> results) {
    const auto i = static_cast<std::size_t>(shard.index);
    results[0] = kept[i] = full({3}, 1.0 + static_cast<double>(i));
    copies[i] = detach(kept[i]);
    return full({1}, 8.0);
  });
  CHECK(loss == 8);
  CHECK(gradients[0].values<float>()[2] == 2.5);
  for (Tensor& gradient : gradients) gradient.edit<float>()[0] = 7;
  CHECK(same_bits(kept, copies));
}

TEST_CASE("data parallel: an exception comes out, that of the first shard, and the next call works") {
  const Setting setting(8);
  std::vector<Tensor> expected = setting.blank();
  for (const Index threads : {1, 2, 4}) {
    nn::DataParallel parallel({.shards = 4, .threads = threads});
    setting.step(parallel, expected);
    std::vector<Tensor> gradients = setting.blank();
    const Tensor before = ones({1});
    gradients[0] = before;
    for (int time = 0; time < 10; ++time) {
      std::atomic<int> ended = 0;
      const auto throws = [&](const nn::Shard& shard) {
        ++ended;
        if (shard.index == 1) std::this_thread::sleep_for(std::chrono::milliseconds(1));  // it is the last to throw
        if (shard.index != 0) throw std::out_of_range("shard " + std::to_string(shard.index));
      };
      CHECK(message_of<std::out_of_range>([&] { setting.step(parallel, gradients, throws); }) == "shard 1");
      CHECK(ended == 4);
      CHECK(gradients[0].is(before));
      CHECK(!gradients[1].defined());
    }
    setting.step(parallel, gradients);
    CHECK(same_bits(gradients, expected));
  }
}

TEST_CASE("data parallel: calls within calls, or from a second thread meanwhile, are refused") {
  const Setting setting(4);
  nn::DataParallel parallel({.shards = 2, .threads = 2});
  std::vector<Tensor> gradients = setting.blank();
  const auto calls_again = [&](const nn::Shard&) {
    std::vector<Tensor> others = setting.blank();
    setting.step(parallel, others);
  };
  CHECK_THROWS_AS(setting.step(parallel, gradients, calls_again), Error);
  const auto calls_elsewhere = [&](const nn::Shard& shard) {
    std::exception_ptr error;
    std::thread([&] {
      try {
        calls_again(shard);
      } catch (...) {
        error = std::current_exception();
      }
    }).join();
    std::rethrow_exception(error);
  };
  CHECK_THROWS_AS(setting.step(parallel, gradients, calls_elsewhere), Error);
  // Another one within is no harm.
  const auto uses_another = [&](const nn::Shard&) {
    nn::DataParallel inner({.shards = 3, .threads = 2});
    std::vector<Tensor> others = setting.blank();
    setting.step(inner, others);
  };
  CHECK_NOTHROW(setting.step(parallel, gradients, uses_another));
}

TEST_CASE("data parallel: batches may change from call to call, and threads may sleep in between") {
  nn::DataParallel parallel({.shards = 3, .threads = 3});
  for (const Index batch : {7, 1, 2, 20, 3, 7}) {
    const Setting setting(batch);
    std::vector<Tensor> expected = setting.blank(), gradients = setting.blank();
    setting.step(setting.x, setting.y, expected);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    setting.step(parallel, gradients);
    for (std::size_t i = 0; i < expected.size(); ++i) CHECK(distance(gradients[i], expected[i]) < 1e-13);
  }
}

TEST_CASE("data parallel: memory doesn't grow from step to step, and goes with it") {
  const Setting setting(7, f32);
  {
    std::vector<Tensor> gradients = setting.blank();
    // Parameters keep what they are laid out in for products, from the second on.
    for (int step = 0; step < 2; ++step) setting.step(setting.x, setting.y, gradients);
  }
  release_memory();
  const std::size_t before = detail::system_bytes_held();
  {
    nn::DataParallel parallel({.shards = 4, .threads = 2});
    std::vector<Tensor> gradients = setting.blank();
    for (int step = 0; step < 3; ++step) setting.step(parallel, gradients);
    const std::size_t after_three = detail::system_bytes_held();
    for (int step = 0; step < 1000; ++step) setting.step(parallel, gradients);
    CHECK(detail::system_bytes_held() == after_three);
  }
  release_memory();
  CHECK(detail::system_bytes_held() == before);
}

#ifdef __linux__
TEST_CASE("data parallel: its threads are there while it lives, and not before or after") {
  std::thread([] {}).join();  // with the first one ThreadSanitizer starts one of its own
  const std::ptrdiff_t before = threads_of_this_process();
  for (int time = 0; time < 50; ++time) {
    nn::DataParallel parallel({.shards = 4, .threads = 3});
    CHECK(threads_become(before + 2));
    if (time % 2 == 0) continue;  // it may never have worked
    const Setting setting(4);
    std::vector<Tensor> gradients = setting.blank();
    setting.step(parallel, gradients);
  }
  {
    const nn::DataParallel alone({.shards = 4});
    CHECK(threads_become(before));
  }
  CHECK(threads_become(before));
}
#endif

namespace {

// ‖∂L/∂s_k‖ as the flow on one tape has it, and joined from those of shards.
struct FlowPair {
  nn::Magnitudes whole, joined;
};

template <class Loss>
FlowPair flows(const nn::Rnn& rnn, const Tensor& x, Index shards, Loss loss_of) {
  const auto flow_of = [&](const Tensor& inputs, std::span<Tensor> gradients, const auto& rows) {
    Tape tape;
    const nn::Unrolled run = rnn(inputs);
    const Tensor loss = loss_of(run, rows);
    nn::GradientFlow flow(rnn, run);
    tape.gradients(loss, rnn.parameters().tensors(), gradients, {.observer = flow.observer()});
    return std::pair(loss.item(), flow.state_gradient);
  };
  const std::vector<nn::Shard> cut = nn::cut(x.extent(1), shards);
  std::vector<Tensor> gradients(3);
  FlowPair result{.whole = flow_of(x, gradients, nn::cut(x.extent(1), 1)[0]).second, .joined = {}};
  std::vector<nn::Magnitudes> parts(cut.size());
  std::vector<double> shares;
  shares.reserve(cut.size());
  for (const nn::Shard& shard : cut) shares.push_back(shard.share());
  nn::DataParallel parallel({.shards = shards, .threads = 2});
  parallel.loss_and_gradients(x.extent(1), gradients, [&](const nn::Shard& shard, std::span<Tensor> results) {
    const auto [loss, part] = flow_of(shard.rows(x, 1), results, shard);
    parts[static_cast<std::size_t>(shard.index)] = part;
    return full({}, loss, f64);
  });
  result.joined = nn::joined(parts, shares);
  return result;
}

}  // namespace

TEST_CASE("data parallel: the flows of shards join to the flow of the batch") {
  Rng rng(5);
  const nn::Rnn rnn({.inputs = 2, .hidden = 6, .dtype = f64}, rng);
  const Tensor x = varied({15, 7, 2}, 6);
  const Tensor target = varied({7, 6}, 7);
  for (const Index shards : {1, 2, 4}) {
    const FlowPair pair = flows(rnn, x, shards, [&](const nn::Unrolled& run, const nn::Shard& shard) {
      return nn::mse(run.states[12], shard.rows(target));
    });
    REQUIRE(pair.joined.size() == 16);
    for (std::size_t k = 0; k < 16; ++k) {
      CAPTURE(k);
      CHECK(pair.joined[k].kind == pair.whole[k].kind);
      CHECK(pair.joined[k].kind == (k >= 1 && k <= 12 ? nn::Kind::number : nn::Kind::no_path));
      if (pair.whole[k].kind == nn::Kind::no_path) continue;
      if (shards == 1) CHECK(pair.joined[k].value == pair.whole[k].value);
      CHECK(pair.joined[k].value == doctest::Approx(pair.whole[k].value).epsilon(1e-12));
    }
  }
}

TEST_CASE("data parallel: where joined flows are zero, the reason is that of the last shard to get there") {
  using nn::Kind, nn::Magnitude, nn::Magnitudes;
  const auto of = [](std::vector<double> values, std::vector<Kind> kinds) {
    Magnitudes result;
    for (std::size_t k = 0; k < values.size(); ++k) result.push_back({values[k], kinds[k]});
    return result;
  };
  const auto kinds = [](std::initializer_list<Magnitudes> flows) {
    const std::vector<double> shares(flows.size(), 1.0 / static_cast<double>(flows.size()));
    std::vector<Kind> result;
    for (const Magnitude& magnitude : nn::joined(std::vector(flows), shares)) result.push_back(magnitude.kind);
    return result;
  };
  constexpr Kind number = Kind::number, saturated = Kind::saturated, underflow = Kind::underflow;
  const Magnitudes early_underflow = of({0, 0, 0, 1}, {underflow, underflow, underflow, number});
  const Magnitudes late_saturation = of({0, 0, 1, 1}, {saturated, saturated, number, number});
  const Magnitudes late_underflow = of({0, 0, 1, 1}, {underflow, underflow, number, number});
  CHECK(kinds({early_underflow, late_saturation}) == std::vector{saturated, saturated, number, number});
  CHECK(kinds({late_saturation, early_underflow}) == std::vector{saturated, saturated, number, number});
  CHECK(kinds({late_saturation, late_underflow}) == std::vector{underflow, underflow, number, number});

  const Magnitudes odd =
      of({not_a_number, infinity, 3e200, not_a_number}, {Kind::nan, Kind::infinite, number, Kind::no_path});
  const Magnitudes even = of({infinity, 1, 4e200, 2}, {Kind::infinite, number, number, number});
  CHECK(kinds({odd, even}) == std::vector{Kind::nan, Kind::infinite, number, number});
  const Magnitudes joined = nn::joined(std::vector{odd, even}, std::vector{0.5, 0.5});
  CHECK(joined[2].value == doctest::Approx(2.5e200));  // no square overflows
  CHECK(joined[3].value == 1);
}
