// The tape: a plain list of records. Ops append to it as they compute, so the order of creation is a topological order,
// and a reverse sweep is a loop over the list, last to first. There is no graph to walk and no recursion anywhere.
//
//   ebb::Tape tape;                                 // records what this thread computes while it lives
//   ebb::Tensor loss = ebb::sum(ebb::tanh(x) * w);
//   auto [dx, dw] = tape.gradients(loss, {x, w});   // gradients are values that you ask for
//
// Tapes nest; the innermost records. What a tape didn't make itself (parameters, data, a state carried over from an
// earlier tape) is a source on it: a tensor at one version, so that writing it makes a new source of it, and a view
// taken before the tape is a source of its own.
//
// A tape, its Pauses and its Scopes belong to the thread that made them: it alone may ask the tape, and end it. Tensors
// may go anywhere.
#pragma once

#include <array>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/tape/op.h"
#include "autograd/tensor/tensor.h"

namespace ebb {

// One line of the tape: an op, where its inputs stand, and its output. 64 bytes, and it never moves.
struct Record {
  static constexpr std::uint32_t none = detail::TapePosition::none;  // an input that is a number, not a tensor
  static constexpr std::uint32_t few = 6;
  using Few = std::array<std::uint32_t, few>;

  const Op& op;
  Tensor output;
  std::int64_t attribute;  // the op's own: an axis, a time step, the bits of a number
  union {
    Few near;
    const std::uint32_t* far;  // where there are more
  };
  std::uint32_t index;    // this record's position
  std::uint32_t scope;    // see Tape::scope
  std::uint32_t version;  // of the output's storage when it was recorded
  std::uint32_t count;    // of inputs

  // Positions of the inputs on the tape.
  std::span<const std::uint32_t> inputs() const { return {count <= few ? near.data() : far, count}; }
};

// Called as a sweep passes a record, with the gradient that arrives at it. It must write neither that nor the seed;
// where it writes a value that the sweep reads, the sweep is refused (StaleValueError). Runs paused; may compute and
// sweep again. What a checkpoint computes again for the sweep is not shown.
using Observer = std::function<void(const Record& record, const Tensor& gradient)>;

struct TapeOptions {
  bool check_finite = false;  // NonFiniteError as soon as a value, a gradient or a tangent holds a NaN or an infinity
};

struct GradientOptions {
  bool recorded = false;   // record the sweep, so that its results can be differentiated in their turn
  Tensor seed = {};        // the cotangent of y, of its shape and type; ones for a y of one element
  Observer observer = {};  // called at every record that the sweep reaches, last to first
};

struct TangentOptions {
  bool recorded = false;  // record the walk, so that its result can be differentiated in its turn
};

// What a tape holds, in bytes. Values that several records share (views, a weight read at every step) count once, for
// the op of the first.
struct TapeMemory {
  struct OfOp {
    std::string_view op;
    Index records = 0;
    std::size_t live = 0;
    std::size_t kept = 0;
  };

  Index records = 0;             // how many
  std::size_t record_bytes = 0;  // of the records themselves
  std::size_t live = 0;          // values that can't go while the tape lives; those of "source" belong to others too
  std::size_t kept = 0;          // of these, what some derivative may read
  std::size_t reusable = 0;  // values of the past, which this thread keeps for the next; release_memory() frees them
  std::vector<OfOp> by_op = {};  // of live and kept; most bytes first
};

class Jacobian;  // jacobian.h

class [[nodiscard]] Tape {
 public:
  explicit Tape(const TapeOptions& options = {});
  ~Tape();
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  // The tape that this thread records on; null when there is none or it is paused.
  static Tape* current();

  // ∂y/∂x pulled back from the seed: vᵀ ∂y/∂x, with the shape of x. Works for anything on the tape that came before y,
  // states in the middle included; of what y doesn't depend on it is zero. The gradient of a slice, a selection or a
  // reshaped view is that part of its source's gradient, whenever the view was taken. A sweep changes no state, gives
  // the same bits each time, costs no more than the records between x and y, and what it returns is the caller's own.
  //
  // TapeError: y isn't on this tape, or this tape never saw x, or x came after y, or a path leads through the result of
  // an inner tape. ShapeError: y has several elements and there is no seed, or the seed's shape isn't y's.
  // StaleValueError: a value that a derivative reads was written since it was recorded, or an Edit of it is open.
  [[nodiscard]] Tensor gradient(const Tensor& y, const Tensor& x, const GradientOptions& options = {});
  // The same for several at once, in one sweep: an array for a braced list, a vector or a given span for a span.
  template <std::size_t n>
  [[nodiscard]] std::array<Tensor, n> gradients(const Tensor& y, const Tensor (&xs)[n],
                                                const GradientOptions& options = {}) {
    std::array<Tensor, n> result;
    gradients(y, std::span<const Tensor>(xs), std::span<Tensor>(result), options);
    return result;
  }
  [[nodiscard]] std::vector<Tensor> gradients(const Tensor& y, std::span<const Tensor> xs,
                                              const GradientOptions& options = {});
  void gradients(const Tensor& y, std::span<const Tensor> xs, std::span<Tensor> results,
                 const GradientOptions& options = {});

  // ∂y/∂x applied to a tangent of x's shape and type: a tensor like y. The tape is walked first to last from x to y.
  // Errors as for gradient(); ShapeError where the tangent's shape isn't x's.
  [[nodiscard]] Tensor jvp(const Tensor& y, const Tensor& x, const Tensor& tangent, const TangentOptions& options = {});
  // The sum over several xs, each with its tangent.
  template <std::size_t n>
  [[nodiscard]] Tensor jvp(const Tensor& y, const Tensor (&xs)[n], const Tensor (&tangents)[n],
                           const TangentOptions& options = {}) {
    return jvp(y, std::span<const Tensor>(xs), std::span<const Tensor>(tangents), options);
  }
  [[nodiscard]] Tensor jvp(const Tensor& y, std::span<const Tensor> xs, std::span<const Tensor> tangents,
                           const TangentOptions& options = {});

  // ∂y/∂x as a linear operator (jacobian.h). Nothing is computed yet.
  [[nodiscard]] Jacobian jacobian(const Tensor& y, const Tensor& x);
  // ∂²y/∂x² of a y of one element: its product with v, of x's shape, and the whole of it, [x.size(), x.size()].
  [[nodiscard]] Tensor hessian_vector_product(const Tensor& y, const Tensor& x, const Tensor& v);
  [[nodiscard]] Tensor hessian(const Tensor& y, const Tensor& x);

  // The records, first to last.
  Index size() const;
  const Record& operator[](Index index) const;
  // The record that made x, or the source that it is; null when this tape never saw it.
  const Record* find(const Tensor& x) const;
  // The scope that a record was made in, outermost first: "layer/score". Empty outside of all.
  std::string scope(const Record& record) const;
  // Identifies this tape in TapePosition: no two tapes of a process share it.
  std::uint64_t id() const;
  const TapeOptions& options() const;
  // What it holds. (fmt::print("{}", tape) shows the records themselves: inspect/text.h.)
  [[nodiscard]] TapeMemory memory() const;

  struct State;  // the records and what is known of them, for the files that make and walk them (state.h)
  State& state() const { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

namespace detail {

// Has another tape record while it lives, or none.
struct Meanwhile {
  explicit Meanwhile(Tape* instead);
  ~Meanwhile();
  Meanwhile(const Meanwhile&) = delete;
  Meanwhile& operator=(const Meanwhile&) = delete;

  Tape* before;      // the tape that recorded
  Meanwhile* outer;  // the one around this one
};

}  // namespace detail

// Suspends recording while it lives: ops only compute, and what they compute is a constant to every tape outside.
class [[nodiscard]] Pause {
 public:
  Pause() : nothing_(nullptr) {}

 private:
  detail::Meanwhile nothing_;
};

// Names the records that are made while it lives, for whoever reads the tape. Scopes nest.
class [[nodiscard]] Scope {
 public:
  explicit Scope(std::string_view name);
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  std::uint64_t tape_ = 0;  // 0 when nothing records
  std::uint32_t scope_ = 0;
};

// Makes several ops one call: where an exception leaves its block, the records made since are taken back, so that a
// function of several ops either is on the tape or isn't. For those who write such functions; the tape must outlive it.
class [[nodiscard]] Transaction {
 public:
  Transaction();
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

 private:
  Tape* tape_;
  std::uint32_t size_ = 0;
  int exceptions_;  // in flight at the start
};

// Records on the current tape that `op` made `output` (a tensor of its own, or a view) of `inputs`; null stands for an
// operand that is a number. Does nothing when no tape records. For those who write ops.
void record(const Op& op, const Tensor& output, std::span<const Tensor* const> inputs, std::int64_t attribute = 0);
inline void record(const Op& op, const Tensor& output, std::initializer_list<const Tensor*> inputs,
                   std::int64_t attribute = 0) {
  record(op, output, std::span(inputs.begin(), inputs.size()), attribute);
}
// The same for an op whose rules need an object besides, which lives as long as the record: kept<T>(record) there.
void record(const Op& op, const Tensor& output, std::span<const Tensor* const> inputs,
            std::shared_ptr<const void> object);
template <class T>
const T& kept(const Record& record) {
  const void* object = nullptr;
  std::memcpy(&object, &record.attribute, sizeof object);
  return *static_cast<const T*>(object);
}

}  // namespace ebb
