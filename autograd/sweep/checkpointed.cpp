#include "autograd/sweep/checkpointed.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "autograd/ops/elementwise.h"
#include "autograd/tape/state.h"
#include "autograd/tensor/access.h"

namespace ebb {

using Function = std::function<Tensor(std::span<const Tensor>)>;

// What the record of a checkpoint keeps: enough to compute its value again.
class Recomputation {
 public:
  static Tensor first_run(Tape& tape, const Function& f, std::span<const Tensor> inputs);
  // On the current tape, at its end.
  Tensor run_again(const Pass& pass, const Record& record) const;

 private:
  static Tensor result_of_its_own(Tape& tape, std::uint32_t before, Tensor y);
  static std::vector<Tensor> drop(Tape& tape, std::uint32_t before, std::span<const Tensor> inputs, const Tensor& y);

  Function f_;
  std::size_t inputs_ = 0;
  std::vector<Rng::State> generators_;
};

namespace {

void checkpointed_rule(Sweep& sweep, const Record& record, Tensor g) {
  sweep.expand([&] { return kept<Recomputation>(record).run_again(sweep, record); }, std::move(g));
}
Tensor checkpointed_tangent(const Tangents& tangents, const Record& record) {
  return tangents.expand([&] { return kept<Recomputation>(record).run_again(tangents, record); });
}
const Op checkpointed_op{.name = "checkpointed",
                         .vjp = checkpointed_rule,
                         .jvp = checkpointed_tangent,
                         .reads = ~Op::reads_output,
                         .derivative = "computed again, then swept"};

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         (a.size() == 0 ||
          std::memcmp(a.body().data, b.body().data, static_cast<std::size_t>(a.size()) * bytes_of(a.dtype())) == 0);
}

}  // namespace

// A tensor that f made itself, and whose storage is no part of another's.
Tensor Recomputation::result_of_its_own(Tape& tape, std::uint32_t before, Tensor y) {
  const Record* made = tape.find(y);
  return !made || made->index < before || &made->op == &source_op || y.body().root ? clone(y) : y;
}

// Drops the records from `before` on. What they read and somebody else holds: the inputs first, then what was captured.
std::vector<Tensor> Recomputation::drop(Tape& tape, std::uint32_t before, std::span<const Tensor> inputs,
                                        const Tensor& y) {
  Tape::State& state = tape.state();
  std::vector<std::uint32_t> earlier;
  std::vector<Tensor> sources, put_aside;
  for (std::uint32_t i = before; i < state.size; ++i) {
    const Record& record = state.at(i);
    for (const std::uint32_t input : record.inputs())
      if (input < before) earlier.push_back(input);
    if (detail::is_source(record))
      sources.push_back(record.output);
    else if (record.output.body().references.get() > 1 && !record.output.is(y) &&
             detail::has_version(record.output.body(), record.version))  // what was written since has no history
      put_aside.push_back(record.output);
  }
  std::sort(earlier.begin(), earlier.end());
  earlier.erase(std::unique(earlier.begin(), earlier.end()), earlier.end());
  state.truncate(before);

  std::vector<Tensor> read(inputs.begin(), inputs.end());
  const auto add = [&](const Tensor& x) {
    for (const Tensor& input : inputs)
      if (x.is(input)) return;
    read.push_back(x);
  };
  for (const std::uint32_t i : earlier) add(state.at(i).output);
  for (const Tensor& source : sources)
    if (source.body().references.get() > 1) add(source);
  // What f put aside is like the result of an inner tape: a path that leads through it would be cut.
  std::erase_if(put_aside, [](const Tensor& x) { return x.body().references.get() == 1; });
  if (!put_aside.empty()) {
    const std::uint64_t id = detail::next_tape_id();
    state.inner_tapes.push_back({id, read});
    for (const Tensor& x : put_aside) detail::mark_as_result(x, id);
  }
  return read;
}

Tensor Recomputation::first_run(Tape& tape, const Function& f, std::span<const Tensor> inputs) {
  const std::uint32_t before = tape.state().size;
  const auto kept = std::make_shared<Recomputation>();
  kept->f_ = f;
  kept->inputs_ = inputs.size();
  try {
    Tensor y;
    {
      Function fresh = f;
      detail::GeneratorNotes notes;
      y = result_of_its_own(tape, before, fresh(inputs));
      kept->generators_ = notes.states();
    }
    const std::vector<Tensor> read = drop(tape, before, inputs, y);
    std::vector<const Tensor*> pointers;
    pointers.reserve(read.size());
    for (const Tensor& x : read) pointers.push_back(&x);
    record(checkpointed_op, y, pointers, kept);
    return y;
  } catch (...) {
    tape.state().truncate(before);
    throw;
  }
}

Tensor Recomputation::run_again(const Pass& pass, const Record& record) const {
  std::vector<Tensor> inputs;
  for (Index i = 0; i < record.count; ++i) {
    const Tensor& x = pass.input(record, i);
    if (inputs.size() < inputs_) inputs.push_back(x);
  }
  Tape& tape = *Tape::current();
  const std::uint32_t before = tape.state().size;
  Function fresh = f_;
  const detail::GeneratorNotes replay(generators_);
  Tensor y = result_of_its_own(tape, before, fresh(inputs));
  if (detail::has_version(record.output.body(), record.version) && !same_bits(y, record.output))
    fail<TapeError>("checkpointed",
                    "the function of record {} gave other values when it was run again; let it capture by value "
                    "whatever changes after the call",
                    record.index);
  return y;
}

Tensor checkpointed(const Function& f, std::span<const Tensor> inputs) {
  if (Tape* tape = Tape::current()) return Recomputation::first_run(*tape, f, inputs);
  return f(inputs);
}

}  // namespace ebb
