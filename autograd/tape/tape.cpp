#include "autograd/tape/tape.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <new>

#include "autograd/tape/state.h"
#include "autograd/tensor/access.h"

namespace ebb {

static_assert(sizeof(Record) == 64);

namespace {

constinit thread_local Tape* current_tape = nullptr;
constinit thread_local Tape::State* latest_tape = nullptr;  // of this thread's that live
constinit thread_local detail::Meanwhile* current_meanwhile = nullptr;
constinit std::atomic<std::uint64_t> ids = 1;

// States of this thread's former tapes. Plain pointers, for a static tape may die after its thread's objects.
constinit thread_local std::array<Tape::State*, 8> spare_states{};
constinit thread_local std::size_t spare_count = 0;

const detail::AtRelease frees_spare([] {
  while (spare_count > 0) delete spare_states[--spare_count];
});

std::unique_ptr<Tape::State> take_state() {
  return spare_count > 0 ? std::unique_ptr<Tape::State>(spare_states[--spare_count]) : std::make_unique<Tape::State>();
}

void give_back(std::unique_ptr<Tape::State> state) noexcept {
  if (spare_count < spare_states.size() && detail::thread_keeps_memory()) spare_states[spare_count++] = state.release();
}

void refuse_inner_result(Sweep& sweep, const Record& record, Tensor) {
  bool cut = false;
  for (Index i = 0; i < record.count; ++i) cut |= sweep.wants(record, i);
  if (!cut) return;
  fail<TapeError>("gradient",
                  "a path leads through record {}, a tensor of shape {} that an inner tape or a checkpoint computed "
                  "from what is on this one, and would be cut there; compute it on this tape (a gradient with "
                  "{{.recorded = true}}), "
                  "or detach() it to say that it is a constant",
                  record.index, record.output.shape());
}

Tensor refuse_inner_tangent(const Tangents&, const Record& record) {
  fail<TapeError>(
      "jvp",
      "a path leads through record {}, a tensor of shape {} that an inner tape or a checkpoint computed "
      "from what is on this one, and would be cut there; compute it on this tape, or detach() it to say that it is a "
      "constant",
      record.index, record.output.shape());
}

}  // namespace

const Op source_op{.name = "source"};
const Op inner_result_op{.name = "inner_result", .vjp = refuse_inner_result, .jvp = refuse_inner_tangent};

std::uint64_t detail::next_tape_id() { return ids.fetch_add(1, std::memory_order_relaxed); }
void detail::record_nothing() { current_tape = nullptr; }

std::string detail::describe(const Tape& tape, const Record& record) {
  const std::string scope = tape.scope(record);
  return fmt::format("record {} ({}{})", record.index, record.op.name,
                     scope.empty() ? "" : fmt::format(", scope \"{}\"", scope));
}

// ---- a tape's life

Tape* Tape::current() { return current_tape; }

Tape::Tape(const TapeOptions& options) : state_(take_state()) {
  state_->tape = this;
  state_->id = detail::next_tape_id();
  state_->options = options;
  state_->outer = std::exchange(current_tape, this);
  state_->earlier = std::exchange(latest_tape, state_.get());
}

namespace {

// What a tape read, the one around it may know too, or come to know while somebody still holds it: that one has to see
// where a path to it leads through the ended tape's results. Results of tapes within the ended one lead to what these
// read: that is the ended tape's own, or read by it too.
void hand_over_sources(Tape::State& ended, Tape& outer_tape) noexcept {
  try {
    Tape::State& outer = outer_tape.state();
    // What tapes within the ended one made may be used out there too.
    outer.inner_tapes.insert(outer.inner_tapes.end(), ended.inner_tapes.begin(), ended.inner_tapes.end());
    std::vector<Tensor> sources;
    for (std::uint32_t i = 0; i < ended.size; ++i) {
      const Record& record = ended.at(i);
      if (&record.op != &source_op || detail::comes_from(record.output.body(), ended.id)) continue;
      if (!outer_tape.find(record.output) && record.output.body().references.get() == 1) continue;
      outer.position(record.output);
      sources.push_back(record.output);
    }
    if (!sources.empty()) outer.inner_tapes.push_back({ended.id, std::move(sources)});
  } catch (...) {  // out of memory: a cut path would go unnoticed, nothing worse
  }
}

}  // namespace

Tape::~Tape() {
  State& state = *state_;
  State** living = &latest_tape;
  while (*living && *living != &state) living = &(*living)->earlier;
  if (*living) *living = state.earlier;
  // Whoever would come back to this tape comes back to the one around it.
  const auto forget = [this, &state](Tape*& tape) {
    if (tape == this) tape = state.outer;
  };
  forget(current_tape);
  for (State* at = latest_tape; at; at = at->earlier) forget(at->outer);
  for (detail::Meanwhile* at = current_meanwhile; at; at = at->outer) forget(at->before);
  if (state.outer) hand_over_sources(state, *state.outer);
  if (state.address) *state.address = nullptr;
  state.address.reset();
  state.sources.clear();
  state.drop(0);
  state.walked = 0;
  state.scope_count = 1;
  state.scope = 0;
  state.inner_tapes.clear();
  give_back(std::move(state_));
}

// ---- what a tape says of itself

Index Tape::size() const { return state_->size; }
std::uint64_t Tape::id() const { return state_->id; }
const TapeOptions& Tape::options() const { return state_->options; }

const Record& Tape::operator[](Index index) const {
  if (index < 0 || index >= size()) fail<TapeError>("tape", "no record {}; there are {}", index, size());
  return state_->at(static_cast<std::uint32_t>(index));
}

const Record* Tape::find(const Tensor& x) const {
  const detail::Body& body = x.body();
  std::uint32_t index = state_->made(body);
  if (index == Record::none) index = state_->sources.find(body);
  if (index == Record::none && body.position.tape == id()) index = body.position.index;
  if (index == Record::none) index = state_->sources.find_any_version(body);
  return index == Record::none ? nullptr : &state_->at(index);
}

std::string Tape::scope(const Record& record) const {
  std::string result;
  for (std::uint32_t i = record.scope; i != 0; i = state_->scopes[i].outer)
    result.insert(0, state_->scopes[i].name + (result.empty() ? "" : "/"));
  return result;
}

// ---- values that a tape didn't make

// A sweep over this tape may be recorded while tapes within it live.
void Tape::State::refuse_living_inner_result(std::uint64_t maker) const {
  for (const detail::Meanwhile* at = current_meanwhile; at; at = at->outer)
    for (const Tape* inner = at->before; inner && inner != tape; inner = inner->state_->outer)
      if (inner->id() == maker)
        fail<TapeError>("tape",
                        "a tensor of a tape within this one would be used on this one, and the path to it cut; compute "
                        "it on this tape, or detach() it to say that it is a constant");
}

[[gnu::noinline]] std::uint32_t Tape::State::source(const Tensor& x) {
  const std::uint32_t known = sources.find(x.body());
  return known != Record::none ? known : new_source(x);
}

[[gnu::noinline]] std::uint32_t Tape::State::new_source(const Tensor& x) {
  const std::uint64_t maker = x.body().position.tape;
  if (maker != 0 && maker != id && detail::comes_from(x.body(), maker)) {
    refuse_living_inner_result(maker);
    for (const InnerTape& inner : inner_tapes) {
      if (inner.id != maker) continue;
      std::vector<const Tensor*> read;
      for (const Tensor& tensor : inner.sources) read.push_back(&tensor);
      return append_found(inner_result_op, x, read);  // after the sources that it brings along
    }
  }
  return append_found(source_op, x, {});
}

// ---- appending

// `made_here` says that the op made the output: from then on, this tape is where its values come from.
[[gnu::always_inline]] inline std::uint32_t Tape::State::add(const Op& op, const Tensor& output,
                                                             const Record::Few& near, std::uint32_t count,
                                                             std::int64_t attribute, bool made_here) {
  // What a rule computes on the way may be infinite where no gradient passes; what it gives is looked at there.
  if (options.check_finite && passes == 0) require_finite(op, output);
  if (size == room) add_chunk();
  detail::Body& body = output.body();
  const std::uint32_t version = body.storage().version;
  if (made_here) body.position = {id, size, version};
  new (&at(size)) Record{op, output, attribute, {near}, size, scope, version, count};
  return size++;
}

[[gnu::noinline]] void Tape::State::add_chunk() {
  if (size >= Record::none - chunk_records) fail<TapeError>("tape", "{} records are too many", size);
  chunks.push_back(std::make_unique<Chunk>());
  room += chunk_records;
}

[[gnu::always_inline]] inline std::uint32_t Tape::State::add(const Op& op, const Tensor& output,
                                                             std::span<const Tensor* const> inputs,
                                                             std::int64_t attribute, bool made_here) {
  const std::uint32_t before = size;
  try {
    // The commonest numbers by themselves, so that positions go into the record by way of registers.
    const auto of = [&](std::size_t i) { return inputs[i] ? position(*inputs[i]) : Record::none; };
    switch (inputs.size()) {
      case 0:
        return add(op, output, Record::Few{}, 0, attribute, made_here);
      case 1:
        return add(op, output, Record::Few{of(0)}, 1, attribute, made_here);
      case 2:
        return add(op, output, Record::Few{of(0), of(1)}, 2, attribute, made_here);
      case 3:
        return add(op, output, Record::Few{of(0), of(1), of(2)}, 3, attribute, made_here);
      default:
        break;
    }
    if (inputs.size() > Record::few) return add_far(op, output, inputs, attribute, made_here);
    Record::Few near{};
    for (std::size_t i = 0; i < inputs.size(); ++i) near[i] = of(i);
    return add(op, output, near, static_cast<std::uint32_t>(inputs.size()), attribute, made_here);
  } catch (...) {
    truncate(before);
    throw;
  }
}

[[gnu::noinline]] std::uint32_t Tape::State::add_far(const Op& op, const Tensor& output,
                                                     std::span<const Tensor* const> inputs, std::int64_t attribute,
                                                     bool made_here) {
  const auto count = static_cast<std::uint32_t>(inputs.size());
  auto positions = std::make_unique<std::uint32_t[]>(count);
  for (std::size_t i = 0; i < count; ++i) positions[i] = inputs[i] ? position(*inputs[i]) : Record::none;
  const std::uint32_t index = add(op, output, Record::Few{}, count, attribute, made_here);
  at(index).far = positions.release();
  return index;
}

std::uint32_t Tape::State::append(const Op& op, const Tensor& output, const Record::Few& near, std::uint32_t count,
                                  std::int64_t attribute) {
  return add(op, output, near, count, attribute, /*made_here=*/true);
}

[[gnu::always_inline]] inline std::uint32_t Tape::State::append(const Op& op, const Tensor& output,
                                                                std::span<const Tensor* const> inputs,
                                                                std::int64_t attribute) {
  return add(op, output, inputs, attribute, /*made_here=*/true);
}

std::uint32_t Tape::State::append_found(const Op& op, const Tensor& value, std::span<const Tensor* const> inputs) {
  const std::uint32_t before = size;
  try {
    const std::uint32_t index = add(op, value, inputs, 0, /*made_here=*/false);
    sources.insert(value.body(), value.version(), index);
    return index;
  } catch (...) {
    truncate(before);
    throw;
  }
}

void Tape::State::require_finite(const Op& op, const Tensor& output) const {
  const Index bad = detail::first_nonfinite(output);
  if (bad < 0) return;
  const Record record{op, output, 0, {}, size, scope, output.version(), 0};
  fail<NonFiniteError>(op.name, "{} isn't finite: {}; look at its inputs, or keep them from where {} isn't finite",
                       detail::describe(*tape, record), detail::describe_element(output, bad), op.name);
}

// ---- and back

void Tape::State::drop(std::uint32_t first) noexcept {
  while (size > first) {
    const std::uint32_t piece = (size - 1) / chunk_records * chunk_records;  // where it begins
    Record* const records = &at(piece);
    for (const std::uint32_t begin = std::max(first, piece); size > begin;) {
      Record& record = records[--size - piece];
      detail::fetch_before(record);
      if (first != 0 && detail::is_source(record)) sources.erase(record.output.body(), record.index);
      if (record.count > Record::few) delete[] record.far;
      record.~Record();
    }
  }
  while (!kept.empty() && kept.back().record >= first) kept.pop_back();
}

void Tape::State::truncate(std::uint32_t count) noexcept {
  for (std::uint32_t i = count; i < size; ++i) {
    detail::Body& body = at(i).output.body();
    if (body.position.tape == id && body.position.index == i) body.position = {};
  }
  if (count == 0) sources.clear();
  drop(count);
}

// ---- what ops and users call

void record(const Op& op, const Tensor& output, std::span<const Tensor* const> inputs, std::int64_t attribute) {
  if (current_tape) current_tape->state().append(op, output, inputs, attribute);
}

void record(const Op& op, const Tensor& output, std::span<const Tensor* const> inputs,
            std::shared_ptr<const void> object) {
  if (!current_tape) return;
  Tape::State& tape = current_tape->state();
  std::int64_t attribute = 0;  // the object's address
  const void* address = object.get();
  std::memcpy(&attribute, &address, sizeof address);
  tape.kept.push_back({Record::none, std::move(object)});  // dropped again where what follows fails
  tape.kept.back().record = tape.append(op, output, inputs, attribute);
}

detail::Meanwhile::Meanwhile(Tape* instead)
    : before(std::exchange(current_tape, instead)), outer(std::exchange(current_meanwhile, this)) {}

detail::Meanwhile::~Meanwhile() {
  if (current_meanwhile == this) {
    current_tape = before;
    current_meanwhile = outer;
    return;
  }
  // One within this one goes on, as where both end with the program. It, and the tapes between the two, lead back to
  // where this one would have.
  for (Meanwhile* inner = current_meanwhile; inner; inner = inner->outer) {
    if (inner->outer != this) continue;
    inner->outer = outer;
    Tape** last = &inner->before;
    while (*last && *last != before) last = &(*last)->state().outer;
    *last = before;
  }
}

Scope::Scope(std::string_view name) {
  if (!current_tape) return;
  Tape::State& state = current_tape->state();
  if (state.scope_count == state.scopes.size()) state.scopes.emplace_back();
  state.scopes[state.scope_count] = {std::string(name), state.scope, /*ended=*/false};
  tape_ = state.id;
  scope_ = state.scope = state.scope_count++;
}

Scope::~Scope() {
  for (Tape::State* tape = latest_tape; tape; tape = tape->earlier) {
    if (tape->id != tape_) continue;
    tape->scopes[scope_].ended = true;
    while (tape->scopes[tape->scope].ended) tape->scope = tape->scopes[tape->scope].outer;
  }
}

Transaction::Transaction() : tape_(current_tape), exceptions_(std::uncaught_exceptions()) {
  if (tape_) size_ = tape_->state().size;
}

Transaction::~Transaction() {
  if (tape_ && std::uncaught_exceptions() > exceptions_) tape_->state().truncate(size_);
}

}  // namespace ebb
