// What takes memory from the system, and when that fails. The steady state of training takes none. Fault 6: each
// allocation of a call fails in its turn. What comes out is std::bad_alloc, the tape and the parameters are as they
// were, the next call works, and in the end nothing is held. A program of its own: it replaces operator new.
#include <nn/nn.h>

#include <cstdlib>
#include <functional>
#include <new>

#include "op_table.h"

using namespace ebb;
using namespace ebb::test;

namespace {

constinit long until_failure = 0;  // 0: none fails
constinit long living = 0;         // blocks
constinit long taken = 0;          // of them, ever

bool fails_now() { return until_failure > 0 && --until_failure == 0; }

void* take(std::size_t size, std::size_t alignment) noexcept {
  if (fails_now()) return nullptr;
  void* block = alignment <= alignof(std::max_align_t)
                    ? std::malloc(size == 0 ? 1 : size)
                    : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (block) ++living, ++taken;
  return block;
}

void* take_or_throw(std::size_t size, std::size_t alignment) {
  if (void* block = take(size, alignment)) return block;
  throw std::bad_alloc();
}

void give_back(void* block) noexcept {
  if (block) --living;
  std::free(block);
}

}  // namespace

// The array forms and the sized deletes call these.
void* operator new(std::size_t size) { return take_or_throw(size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return take_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return take(size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return take(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* block) noexcept { give_back(block); }
void operator delete(void* block, std::align_val_t) noexcept { give_back(block); }
void operator delete(void* block, std::size_t) noexcept { give_back(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { give_back(block); }

namespace {

// A model, its data and optimiser, all new.
struct Setting {
  Rng rng{1};
  nn::Rnn rnn{{.inputs = 3, .hidden = 4, .dtype = f64}, rng};
  nn::Linear readout{{.inputs = 4, .outputs = 2, .dtype = f64}, rng};
  nn::Parameters parameters{{"rnn", rnn}, {"readout", readout}};
  nn::Adam optimizer{parameters};
  Tensor x = varied({5, 2, 3});
  Tensor target = varied({2, 2}, 9);
  std::vector<Tensor> before = copies();

  std::vector<Tensor> copies() const {
    std::vector<Tensor> result;
    for (const Tensor& p : parameters.tensors()) result.push_back(detach(p));
    return result;
  }
  bool untouched() const {
    for (std::size_t i = 0; i < before.size(); ++i)
      if (!same_bits(before[i], parameters.tensors()[i])) return false;
    return true;
  }
  Tensor loss() const { return nn::mse(readout(rnn(x).last()), target); }
};

// Calls f with its k-th allocation failing; whether that came out as std::bad_alloc.
template <class F>
bool fails_at(long k, F f) {
  until_failure = k;
  try {
    f();
  } catch (const std::bad_alloc&) {
    until_failure = 0;
    return true;
  } catch (...) {
    until_failure = 0;
    throw;
  }
  const bool survived = k > 0 && until_failure == 0;
  until_failure = 0;
  CHECK_MESSAGE(!survived, "allocation " << k << " failed and nobody said so");
  return false;
}

// Runs attempt(k), which says whether the k-th allocation failed, for k = 1, 2, … until none does. Nothing is held
// afterwards that wasn't before.
template <class F>
void for_every_allocation(F attempt) {
  (void)attempt(0);  // what is made once and kept
  release_memory();
  const long blocks = living;
  const std::size_t bytes = detail::system_bytes_held();
  long k = 1;
  for (bool failed = true; failed; ++k) {
    failed = attempt(k);
    release_memory();
    CHECK_MESSAGE(living == blocks, "after failure " << k);
    CHECK_MESSAGE(detail::system_bytes_held() == bytes, "after failure " << k);
    if (k > 5000) FAIL("no end of allocations");
  }
  CHECK(k > 2);
}

// The call, on a tape that has records already.
void survives(const std::string& what, const std::function<void(Setting&, Tape&, const Tensor& y)>& call) {
  INFO(what);
  for_every_allocation([&](long k) {
    Setting setting;
    Tape tape;
    const Tensor y = setting.loss();
    const Tensor expected = tape.gradient(y, setting.rnn.W);
    const Index size = tape.size();
    release_memory();
    const bool failed = fails_at(k, [&] { call(setting, tape, y); });
    CHECK(Tape::current() == &tape);
    CHECK(setting.untouched());
    if (failed) CHECK_MESSAGE(tape.size() == size, "after failure " << k);
    CHECK(same_bits(tape.gradient(y, setting.rnn.W), expected));
    const Tensor next = setting.loss();
    CHECK(same_bits(tape.gradient(next, setting.rnn.W), expected));
    return failed;
  });
}

}  // namespace

TEST_CASE("faults 6: any allocation of a training step may fail") {
  for_every_allocation([](long k) {
    Setting setting;
    const auto step = [&] {
      Tape tape({.check_finite = true});
      const Scope scope("step");
      const nn::Unrolled run = setting.rnn(setting.x);
      const Tensor loss = nn::mse(setting.readout(run.last()), setting.target);
      nn::GradientFlow flow(setting.rnn, run, {.contributions = true});
      std::vector<Tensor> gradients = tape.gradients(loss, setting.parameters.tensors(), {.observer = flow.observer()});
      nn::clip_norm(gradients, 1.0);
      setting.optimizer.step(gradients);
    };
    release_memory();
    const bool failed = fails_at(k, step);
    CHECK(Tape::current() == nullptr);
    CHECK(setting.untouched() == failed);
    if (failed) {
      step();
      CHECK_FALSE(setting.untouched());
    }
    return failed;
  });
}

TEST_CASE("faults 6: any allocation of an op may fail") {
  survives("tanh", [](Setting& s, Tape&, const Tensor&) { (void)tanh(s.x); });
  survives("product of new sources",
           [](Setting& s, Tape&, const Tensor&) { (void)matmul(s.target, detach(s.target)); });
  survives("reduction", [](Setting& s, Tape&, const Tensor&) { (void)sum(s.x, 1); });
  survives("take_rows", [](Setting& s, Tape&, const Tensor&) { (void)take_rows(s.x, indices({1, 0, 4})); });
  survives("concat of many", [](Setting& s, Tape&, const Tensor&) {
    const Tensor x = s.x;
    (void)concat({x, x, x, x, x, x, x, x, detach(x)});
  });
  survives("assemble", [](Setting& s, Tape&, const Tensor&) {
    const std::array<Tensor, 2> pieces{s.target, s.target};
    const Region places[] = {{.begin = 0}, {.begin = 2}};
    (void)assemble(pieces, places, {4, 2});
  });
  survives("cross_entropy", [](Setting& s, Tape&, const Tensor&) {
    (void)nn::cross_entropy(s.target, indices({0, 1}));
  });
  survives("split", [](Setting& s, Tape&, const Tensor&) { (void)split(s.x, 2); });
  survives("clamp", [](Setting& s, Tape&, const Tensor&) { (void)clamp(s.x, -0.5, 0.5); });
  survives("outer", [](Setting& s, Tape&, const Tensor&) { (void)outer(s.rnn.b, s.readout.b); });
  survives("mean", [](Setting& s, Tape&, const Tensor&) { (void)mean(s.x, 1); });
  survives("mean of all", [](Setting& s, Tape&, const Tensor&) { (void)mean(s.x); });
  survives("Rnn", [](Setting& s, Tape&, const Tensor&) { (void)s.rnn(s.x); });
  survives("Linear", [](Setting& s, Tape&, const Tensor&) { (void)s.readout(zeros({3, 2, 4}, f64)); });
  survives("mse", [](Setting& s, Tape&, const Tensor&) { (void)nn::mse(s.target, detach(s.target)); });
  survives("checkpointed", [](Setting& s, Tape&, const Tensor&) {
    (void)checkpointed([&](const Tensor& x) { return tanh(matmul(x, s.rnn.W)); }, zeros({2, 4}, f64));
  });
  survives("print", [](Setting& s, Tape& tape, const Tensor& y) { (void)fmt::format("{} {}", s.x, tape.find(y)->op); });
}

TEST_CASE("faults 6: any allocation of a sweep may fail") {
  survives("gradients",
           [](Setting& s, Tape& tape, const Tensor& y) { (void)tape.gradients(y, s.parameters.tensors()); });
  survives("recorded",
           [](Setting& s, Tape& tape, const Tensor& y) { (void)tape.gradient(y, s.rnn.W, {.recorded = true}); });
  survives("jvp", [](Setting& s, Tape& tape, const Tensor& y) { (void)tape.jvp(y, s.rnn.W, ones_like(s.rnn.W)); });
  survives("recorded jvp", [](Setting& s, Tape& tape, const Tensor& y) {
    (void)tape.jvp(y, s.rnn.W, ones_like(s.rnn.W), {.recorded = true});
  });
  survives("Jacobian", [](Setting& s, Tape& tape, const Tensor& y) { (void)tape.jacobian(y, s.rnn.W).matrix(); });
  survives("spectral norm",
           [](Setting& s, Tape& tape, const Tensor& y) { (void)spectral_norm(tape.jacobian(y, s.rnn.W)); });
  survives("Hessian's product", [](Setting& s, Tape& tape, const Tensor& y) {
    (void)tape.hessian_vector_product(y, s.readout.b, ones_like(s.readout.b));
  });
  survives("Hessian", [](Setting& s, Tape& tape, const Tensor& y) { (void)tape.hessian(y, s.readout.b); });
  survives("observer that sweeps", [](Setting& s, Tape& tape, const Tensor& y) {
    (void)tape.gradient(
        y, s.rnn.W, {.observer = [&](const Record& record, const Tensor&) { (void)tape.gradient(y, record.output); }});
  });
}

TEST_CASE("faults 6: any allocation of any op of the table, or of a pass through it, may fail") {
  // A row with arguments of its own, on a tape that knows them.
  struct Setup {
    explicit Setup(const OpRow& row) {
      for (const Tensor& x : row.arguments) arguments.push_back(detach(x));
      for (const Tensor& x : arguments)
        if (x.dtype() != i64) xs.push_back(x), tangents.push_back(varied(x.shape(), 20, x.dtype()));
      for (const Tensor& x : arguments) (void)(x.dtype() == i64 ? Tensor() : sum(x));
    }
    Tape tape;
    std::vector<Tensor> arguments, xs, tangents;
  };
  for (const OpRow& row : op_table()) {
    INFO(row.op << " " << row.what);
    for_every_allocation([&](long k) {
      Setup s(row);
      const Index size = s.tape.size();
      release_memory();
      const bool failed = fails_at(k, [&] { (void)row.function(s.arguments); });
      CHECK(Tape::current() == &s.tape);
      const Index left = s.tape.size() - size;
      const Tensor y = row.function(s.arguments);
      // A row of several ops may come to some of them.
      if (failed && s.tape.size() - size - left == 1) CHECK_MESSAGE(left == 0, "after failure " << k);
      return failed;
    });
    for (const bool forwards : {false, true}) {
      if (Setup s(row); row.function(s.arguments).dtype() == i64 || !s.tape.find(row.function(s.arguments))) continue;
      for_every_allocation([&](long k) {
        Setup s(row);
        const Tensor y = row.function(s.arguments), seed = varied(y.shape(), 7, y.dtype());
        const Index size = s.tape.size();
        release_memory();
        const bool failed = fails_at(k, [&] {
          if (forwards)
            (void)s.tape.jvp(y, s.xs, s.tangents, {.recorded = true});
          else
            (void)s.tape.gradients(y, s.xs, {.recorded = true, .seed = seed});
        });
        CHECK(Tape::current() == &s.tape);
        if (failed) CHECK_MESSAGE(s.tape.size() == size, "after failure " << k);
        return failed;
      });
    }
  }
}

namespace {

// From the fourth call on, `step` takes no memory from the system.
void takes_none_after_three(const std::string& what, const std::function<void()>& step) {
  for (int i = 0; i < 3; ++i) step();
  const long before = taken;
  for (int i = 0; i < 10; ++i) step();
  const long more = taken - before;  // the check itself may take some
  CHECK_MESSAGE(more == 0, what << " took " << more << " blocks in ten steps");
}

}  // namespace

TEST_CASE("allocations: from the fourth on a training step takes no memory from the system") {
  Setting setting;
  std::vector<Tensor> gradients(setting.parameters.count());
  const auto update = [&] {
    nn::clip_norm(gradients, 1.0);
    setting.optimizer.step(gradients);
  };
  takes_none_after_three("nn::Rnn", [&] {
    Tape tape;
    tape.gradients(setting.loss(), setting.parameters.tensors(), gradients);
    update();
  });
  takes_none_after_three("op by op", [&] {
    Tape tape;
    const Scope scope("op by op");
    Tensor s = zeros({2, 4}, f64);
    for (Index t = 0; t < setting.x.extent(0); ++t)
      s = tanh(matmul(setting.x[t], setting.rnn.U) + matmul(s, setting.rnn.W) + setting.rnn.b);
    const Tensor loss = nn::mse(setting.readout(s), setting.target);
    tape.gradients(loss, setting.parameters.tensors(), gradients);
    update();
  });
}

TEST_CASE("allocations: neither does a step that is watched, or one in shards") {
  Setting setting;
  std::vector<Tensor> gradients(setting.parameters.count());
  for (const bool contributions : {false, true})
    takes_none_after_three(contributions ? "watched with contributions" : "watched", [&] {
      Tape tape;
      const nn::Unrolled run = setting.rnn(setting.x);
      const Tensor loss = nn::mse(setting.readout(run.last()), setting.target);
      nn::GradientFlow flow(setting.rnn, run, {.contributions = contributions});
      tape.gradients(loss, setting.parameters.tensors(), gradients, {.observer = flow.observer()});
      setting.optimizer.step(gradients);
    });

  nn::DataParallel parallel({.shards = 2});  // threads of its own would count among each other
  takes_none_after_three("in shards", [&] {
    parallel.loss_and_gradients(2, gradients, [&](const nn::Shard& shard, std::span<Tensor> results) {
      Tape tape;
      const Tensor state = setting.rnn(shard.rows(setting.x, 1)).last();
      Tensor loss = nn::mse(setting.readout(state), shard.rows(setting.target));
      tape.gradients(loss, setting.parameters.tensors(), results);
      return loss;
    });
    setting.optimizer.step(gradients);
  });
}
