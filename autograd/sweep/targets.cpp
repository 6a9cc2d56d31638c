#include "autograd/sweep/targets.h"

#include "autograd/ops/elementwise.h"
#include "autograd/ops/indexing.h"
#include "autograd/ops/layout.h"

namespace ebb {

namespace {

// A record whose values those of x, a view, are part of: that of the whole storage where there is one, else the first.
const Record* find_viewed(const Tape& tape, const Tensor& x, Index& offset) {
  const auto contains = [&](const Record& record) {
    const detail::Body& other = record.output.body();
    offset = (x.body().data - other.data) / static_cast<std::ptrdiff_t>(bytes_of(x.dtype()));
    return &other.storage() == x.body().root && offset >= 0 && offset + x.size() <= other.size;
  };
  x.body().root->references.add();
  if (const Record* root = tape.find(Tensor(x.body().root)); root && contains(*root)) return root;
  for (Index i = 0; i < tape.size(); ++i)
    if (contains(tape[i])) return &tape[i];
  return nullptr;
}

// Finds x on the tape: its record, or that of the tensor which x is a view of. A view that the tape met only after the
// result, if at all, is looked for in what it is a view of.
void find_target(const char* op, const Tape& tape, const Record& y, const Tensor& x, std::size_t argument,
                 Target& target) {
  target.shape = x.shape();
  if (x.dtype() == i64) fail<TapeError>(op, "argument {} is int64: indices have no gradient", argument);
  const Record* record = tape.find(x);
  for (Tensor at = x; true; at = record->output) {
    const bool unknown = !record || (record->index > y.index && !detail::is_view(*record));
    Index offset = 0;
    if (const Record* viewed = unknown && at.body().root ? find_viewed(tape, at, offset) : nullptr) {
      target.views.push_back({.offset = offset, .shape = at.shape()});
      record = viewed;
    }
    if (!record)
      fail<TapeError>(op,
                      "argument {}, of shape {}, was never used on this tape; compute the result from it while the "
                      "tape records",
                      argument, x.shape());
    if (!detail::is_view(*record)) break;
    target.views.push_back({.record = record->index});
    record = &tape[record->inputs()[0]];
  }
  target.position = record->index;
}

void require_before(const char* op, const Tape& tape, const Record& y, const Target& target, std::size_t argument) {
  const Record& x = tape[target.position];
  if (x.index > y.index)
    fail<TapeError>(op,
                    "argument {} is record {} ({}, shape {}), made after the result, which is record {} ({}); if it "
                    "was written since, ask before writing",
                    argument, x.index, x.op.name, target.shape, y.index, y.op.name);
}

}  // namespace

const Record& detail::find_result(const char* op, const Tape& tape, const Tensor& y) {
  const Record* result = tape.find(y);
  if (!result)
    fail<TapeError>(op, "the result, of shape {}, wasn't computed on this tape{}", y.shape(),
                    tape.size() == 0 ? ", which is empty" : "; compute it while the tape records");
  if (y.dtype() == i64) fail<TapeError>(op, "the result is int64: indices have no gradient");
  return *result;
}

void detail::find_targets(const char* op, const Tape& tape, const Record& y, std::span<const Tensor> xs,
                          std::vector<Target>& targets) {
  targets.resize(xs.size());
  for (std::size_t i = 0; i < xs.size(); ++i) {
    find_target(op, tape, y, xs[i], i, targets[i]);
    require_before(op, tape, y, targets[i], i);
  }
}

Tensor detail::part_of(const Tape& tape, const Target& target, Tensor whole) {
  for (auto view = target.views.rbegin(); view != target.views.rend(); ++view)
    whole = view->record != Record::none
                ? view_again(tape[view->record], whole)
                : reshape(slice(reshape(whole, Shape{whole.size()}), view->offset, view->offset + view->shape.size()),
                          view->shape);
  return whole;
}

Tensor detail::among_zeros(const Tape& tape, const Target& target, Tensor part) {
  for (const View& view : target.views) {
    if (view.record != Record::none) {
      const Record& record = tape[view.record];
      part = view_back(record, part, tape[record.inputs()[0]].output.shape());
    } else {
      const Shape whole = tape[target.position].output.shape();
      const Tensor pieces[] = {reshape(part, Shape{part.size()})};
      const Region regions[] = {{.begin = view.offset}};
      part = reshape(assemble(pieces, regions, Shape{whole.size()}), whole);
    }
  }
  return part;
}

Tensor detail::owned(const Tape& tape, Tensor x, bool recorded) {
  if (recorded) {
    const bool made_here = x.position().tape == tape.id();
    return !made_here || x.body().root || x.body().references.get() > 2 ? clone(x) : x;  // one handle is the record's
  }
  if (x.body().root || x.body().references.get() > 1) return detach(x);
  return x;
}

}  // namespace ebb
