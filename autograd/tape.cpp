#include "autograd/tape.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <new>

#include "autograd/tape_state.h"

namespace ebb {

static_assert(sizeof(Record) == 64);

namespace {

constinit thread_local Tape* current_tape = nullptr;
constinit thread_local Pause* current_pause = nullptr;
constinit std::atomic<std::uint64_t> ids = 1;

// States of this thread's former tapes. Plain pointers, for a static tape may die after its thread's objects.
constinit thread_local std::array<Tape::State*, 8> spare_states{};
constinit thread_local std::size_t spare_count = 0;

[[maybe_unused]] const bool releases_states = [] {
  detail::set_release_hook([] {
    while (spare_count > 0) delete spare_states[--spare_count];
  });
  return true;
}();

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

std::uint64_t Tape::next_id() { return ids.fetch_add(1, std::memory_order_relaxed); }

bool detail::is_source(const Record& record) { return &record.op == &source_op || &record.op == &inner_result_op; }

Tape* Tape::current() { return current_tape; }
void Tape::record_nothing() { current_tape = nullptr; }

Tape::Tape(const TapeOptions& options) : id_(next_id()), options_(options), outer_(current_tape), state_(take_state()) {
  current_tape = this;
}

Tape::~Tape() {
  // Whoever would come back to this tape comes back to the one around it.
  const auto forget = [this](Tape*& tape) {
    if (tape == this) tape = outer_;
    for (Tape* inner = tape; inner; inner = inner->outer_)
      if (inner->outer_ == this) inner->outer_ = outer_;
  };
  forget(current_tape);
  for (Pause* pause = current_pause; pause; pause = pause->outer_) forget(pause->paused_);
  if (outer_) hand_over_sources();
  if (self_) *self_ = nullptr;
  state_->sources.clear();
  state_->drop(0);
  state_->walked = 0;
  state_->scope_count = 1;
  state_->scope = 0;
  state_->inner_tapes.clear();
  give_back(std::move(state_));
}

Index Tape::size() const { return state_->size; }
std::uint64_t Tape::walked() const { return state_->walked; }

const Record& Tape::operator[](Index index) const {
  if (index < 0 || index >= size()) fail<TapeError>("tape", "no record {}; there are {}", index, size());
  return state_->at(static_cast<std::uint32_t>(index));
}

const Record* Tape::find(const Tensor& x) const {
  const detail::Body& body = x.body();
  std::uint32_t index = state_->made(body, id_);
  if (index == Record::none) index = state_->sources.find(body);
  if (index == Record::none && body.position.tape == id_) index = body.position.index;
  if (index == Record::none) index = state_->sources.find_any_version(body);
  return index == Record::none ? nullptr : &state_->at(index);
}

std::string Tape::scope(const Record& record) const {
  std::string result;
  for (std::uint32_t i = record.scope; i != 0; i = state_->scopes[i].outer)
    result.insert(0, state_->scopes[i].name + (result.empty() ? "" : "/"));
  return result;
}

// A sweep over this tape may be recorded while tapes within it live.
void Tape::refuse_living_inner_result(std::uint64_t tape) const {
  for (const Pause* pause = current_pause; pause; pause = pause->outer_)
    for (const Tape* inner = pause->paused_; inner && inner != this; inner = inner->outer_)
      if (inner->id_ == tape)
        fail<TapeError>("tape",
                        "a tensor of a tape within this one would be used on this one, and the path to it cut; compute "
                        "it on this tape, or detach() it to say that it is a constant");
}

// ---- where inputs stand

inline std::uint32_t Tape::position(const Tensor& x) {
  const std::uint32_t made = State::made(x.body(), id_);
  return made != Record::none ? made : source(x);
}

// Where this tape keeps what it didn't make.
[[gnu::noinline]] std::uint32_t Tape::source(const Tensor& x) {
  const std::uint32_t known = state_->sources.find(x.body());
  return known != Record::none ? known : new_source(x);
}

[[gnu::noinline]] std::uint32_t Tape::new_source(const Tensor& x) {
  const detail::Body& body = x.body();
  const std::uint64_t maker = body.position.tape;
  if (maker != 0 && maker != id_ && detail::comes_from(body, maker)) {
    refuse_living_inner_result(maker);
    for (const State::InnerTape& inner : state_->inner_tapes) {
      if (inner.id != maker) continue;
      std::vector<const Tensor*> sources;
      for (const Tensor& source : inner.sources) sources.push_back(&source);
      const std::uint32_t made =
          append<false>(inner_result_op, x, sources, 0);  // after the sources that it brings along
      state_->sources.insert(body, body.storage().version, made);
      return made;
    }
  }
  const std::uint32_t made = append<false>(source_op, x, {}, 0);
  state_->sources.insert(body, body.storage().version, made);
  return made;
}

template <bool made_here>
inline Record& Tape::add(const Op& op, const Tensor& output, const Record::Few& near, std::uint32_t count,
                         std::int64_t attribute) {
  State& state = *state_;
  // What a rule computes on the way may be infinite where no gradient passes; what it gives is looked at there.
  if (options_.check_finite && state.pass_depth == 0) require_finite(op, output);
  if (state.size == state.room) add_chunk();
  Record& record = state.at(state.size);
  detail::Body& body = output.body();
  const std::uint32_t version = body.storage().version;
  if (made_here) body.position = {id_, state.size, version};
  new (&record) Record{op, output, attribute, {near}, state.size++, state.scope, version, count};
  return record;
}

[[gnu::noinline]] void Tape::add_chunk() {
  if (state_->size >= Record::none - State::chunk_records)
    fail<TapeError>("tape", "{} records are too many", state_->size);
  state_->chunks.push_back(std::make_unique<State::Chunk>());
  state_->room += State::chunk_records;
}

template <bool made_here>
[[gnu::noinline]] std::uint32_t Tape::append_many(const Op& op, const Tensor& output,
                                                  std::span<const Tensor* const> inputs, std::int64_t attribute) {
  const auto count = static_cast<std::uint32_t>(inputs.size());
  auto positions = std::make_unique<std::uint32_t[]>(count);
  for (std::size_t i = 0; i < count; ++i) positions[i] = inputs[i] ? position(*inputs[i]) : Record::none;
  Record& record = add<made_here>(op, output, {}, count, attribute);
  record.far = positions.release();
  return record.index;
}

template <bool made_here>
inline std::uint32_t Tape::append(const Op& op, const Tensor& output, std::span<const Tensor* const> inputs,
                                  std::int64_t attribute) {
  const std::uint32_t before = state_->size;
  try {
    // The commonest numbers by themselves, so that positions go into the record by way of registers.
    const auto place = [&](std::size_t i) { return inputs[i] ? position(*inputs[i]) : Record::none; };
    switch (inputs.size()) {
      case 0:
        return add<made_here>(op, output, {}, 0, attribute).index;
      case 1:
        return add<made_here>(op, output, {place(0)}, 1, attribute).index;
      case 2:
        return add<made_here>(op, output, {place(0), place(1)}, 2, attribute).index;
      case 3:
        return add<made_here>(op, output, {place(0), place(1), place(2)}, 3, attribute).index;
      default:
        break;
    }
    if (inputs.size() > Record::few) return append_many<made_here>(op, output, inputs, attribute);
    Record::Few near{};
    for (std::size_t i = 0; i < inputs.size(); ++i) near[i] = place(i);
    return add<made_here>(op, output, near, static_cast<std::uint32_t>(inputs.size()), attribute).index;
  } catch (...) {
    truncate(before);
    throw;
  }
}

void Tape::require_finite(const Op& op, const Tensor& output) const {
  const Index bad = detail::first_nonfinite(output);
  if (bad < 0) return;
  const Record record{op, output, 0, {}, state_->size, state_->scope, output.version(), 0};
  fail<NonFiniteError>(op.name, "{} isn't finite: {}; look at its inputs, or keep them from where {} isn't finite",
                       detail::describe(*this, record), detail::describe_element(output, bad), op.name);
}

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

// Back to the first `size` records, as after an error.
void Tape::truncate(std::uint32_t size) noexcept {
  State& state = *state_;
  for (std::uint32_t i = size; i < state.size; ++i) {
    detail::Body& body = state.at(i).output.body();
    if (body.position.tape == id_ && body.position.index == i) body.position = {};
  }
  if (size == 0) state.sources.clear();
  state.drop(size);
}

// What this tape read, the one around it may know too, or come to know while somebody still holds it: that one has to
// see where a path to it leads through this tape's results. (Results of tapes within this one lead to what these read,
// which is this tape's own, or read by it too; and so do the gradients that it was asked for.)
void Tape::hand_over_sources() noexcept {
  try {
    std::vector<State::InnerTape>& known = outer_->state_->inner_tapes;
    // What tapes within this one made may be used out there too.
    known.insert(known.end(), state_->inner_tapes.begin(), state_->inner_tapes.end());
    std::vector<Tensor> sources;
    for (std::uint32_t i = 0; i < state_->size; ++i) {
      const Record& record = state_->at(i);
      if (&record.op != &source_op || detail::comes_from(record.output.body(), id_)) continue;
      if (!outer_->find(record.output) && record.output.body().references.get() == 1) continue;
      outer_->position(record.output);
      sources.push_back(record.output);
    }
    if (!sources.empty()) known.push_back({id_, std::move(sources)});
  } catch (...) {  // out of memory: a cut path would go unnoticed, nothing worse
  }
}

void record(const Op& op, const Tensor& output, std::span<const Tensor* const> inputs, std::int64_t attribute) {
  Tape* tape = current_tape;
  if (!tape) return;
  tape->append</*made_here=*/true>(op, output, inputs, attribute);
}

void record_at(const Op& op, const Tensor& output, const Record::Few& places, std::uint32_t count,
               std::int64_t attribute) {
  Tape* tape = current_tape;
  if (!tape) return;
  tape->add</*made_here=*/true>(op, output, places, count, attribute);
}

void record(const Op& op, const Tensor& output, std::span<const Tensor* const> inputs,
            std::shared_ptr<const void> object) {
  Tape* tape = current_tape;
  if (!tape) return;
  std::vector<Tape::State::Kept>& kept = tape->state_->kept;
  std::int64_t attribute = 0;  // the object's address
  const void* address = object.get();
  std::memcpy(&attribute, &address, sizeof address);
  kept.push_back({Record::none, std::move(object)});  // dropped again where what follows fails
  record(op, output, inputs, attribute);
  kept.back().record = tape->state_->size - 1;
}

std::uint32_t place_on_tape(const Tensor& x) { return current_tape ? current_tape->position(x) : Record::none; }

Pause::Pause(Tape* instead)
    : paused_(std::exchange(current_tape, instead)), outer_(std::exchange(current_pause, this)) {}

Pause::~Pause() {
  if (current_pause == this) {
    current_tape = paused_;
    current_pause = outer_;
    return;
  }
  // One within this one goes on, as where both end with the program: it leads back to where this one would have.
  for (Pause* inner = current_pause; inner; inner = inner->outer_) {
    if (inner->outer_ != this) continue;
    inner->outer_ = outer_;
    if (!inner->paused_) inner->paused_ = paused_;
  }
}

Scope::Scope(std::string_view name) {
  if (!current_tape) return;
  Tape::State& state = *current_tape->state_;
  if (state.scope_count == state.scopes.size()) state.scopes.emplace_back();
  state.scopes[state.scope_count] = {std::string(name), state.scope};
  tape_ = current_tape->id();
  outer_ = std::exchange(state.scope, state.scope_count++);
}

Scope::~Scope() {
  for (Tape* tape = current_tape; tape; tape = tape->outer_)
    if (tape->id() == tape_) tape->state_->scope = outer_;
}

Transaction::Transaction() : tape_(current_tape), exceptions_(std::uncaught_exceptions()) {
  if (tape_) size_ = tape_->state_->size;
}

Transaction::~Transaction() {
  if (tape_ && std::uncaught_exceptions() > exceptions_) tape_->truncate(size_);
}

}  // namespace ebb
