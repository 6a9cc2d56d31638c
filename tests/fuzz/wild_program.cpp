#include "wild_program.h"

#include <nn/nn.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "odd_ops.h"
#include "random_program.h"

namespace ebb::test {

namespace {

constexpr std::size_t most_values = 24;
constexpr std::size_t most_levels = 6;
constexpr Index most_elements = 400;
constexpr Index most_records =
    1000;  // beyond which sweeps are no longer recorded; a program ends at four times as many
constexpr int most_steps = 200;
constexpr int most_nesting = 2;  // of checkpoints

void require(bool holds, const char* law) {
  if (!holds) throw std::logic_error(law);
}

bool same(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         (a.size() == 0 ||
          std::memcmp(a.body().data, b.body().data, static_cast<std::size_t>(a.size()) * bytes_of(a.dtype())) == 0);
}

// What lasts for a while; the last one begun ends first, only tapes may end before.
struct Level {
  std::unique_ptr<Tape> tape;
  std::unique_ptr<Pause> pause;
  std::unique_ptr<Scope> scope;
};

// ---- the program

class Wild {
 public:
  explicit Wild(std::span<const std::uint8_t> bytes) : choices_(bytes, /*wild=*/true) { values_.emplace_back(); }
  ~Wild() {
    while (!levels_.empty()) levels_.pop_back();
  }
  Wild(const Wild&) = delete;
  Wild& operator=(const Wild&) = delete;

  void run() {
    for (int step = 0; step < most_steps && choices_.more(); ++step) {
      const Index command = choices_.below(48);
      if (command < 5) {
        change_levels(command);
        continue;
      }
      const Tape* current = Tape::current();
      if (current && current->size() > 4 * most_records) return;
      try {
        act(command);
      } catch (const Error&) {
      } catch (const Stop&) {
      }
      require(Tape::current() == current, "a command changed which tape records");
    }
  }

 private:
  void change_levels(Index command) {
    if (command == 0 && !levels_.empty()) {
      levels_.pop_back();
    } else if (command == 1 && !levels_.empty()) {
      levels_[static_cast<std::size_t>(choices_.below(static_cast<Index>(levels_.size())))].tape.reset();
    } else if (levels_.size() < most_levels) {
      Level level;
      if (command == 2) level.tape = std::make_unique<Tape>(TapeOptions{.check_finite = choices_.below(4) == 3});
      if (command == 3) level.pause = std::make_unique<Pause>();
      if (command == 4) level.scope = std::make_unique<Scope>("level");
      levels_.push_back(std::move(level));
    }
  }

  void act(Index command) {
    switch (command) {
      case 5:
        return keep(made());
      case 6:
      case 7:
        return sweep();
      case 8:
        return push();
      case 9:
        return use_jacobian();
      case 10: {
        Tensor to = any();
        return to.assign(any());
      }
      case 11:
        return edit();
      case 12:
        return keep(choices_.flip() ? detach(any()) : any()[choices_.position(2)]);
      case 13: {
        const DType to = type();
        return keep(cast(any(), to));
      }
      case 14:
        return print();
      case 15:
        return index();
      case 16:
        return change_in_place();
      case 17:
        return use_hessian();
      case 18:
      case 19:
        return checkpoint();
      case 20:
        return keep(custom());
      case 21:
        return release_memory();
      default: {
        const Tensor a = any(), b = any();  // in this order with every compiler, here as elsewhere
        return keep(op(a, b, choices_));
      }
    }
  }

  void index() {
    const Tensor a = any(), b = any();
    keep(choices_.flip() ? take_rows(a, b) : nn::cross_entropy(a, b));
  }

  Tensor op(const Tensor& a, const Tensor& b, Choices& choices) {
    const std::span<const ProgramOp> ops = program_ops();
    return ops[static_cast<std::size_t>(choices.below(static_cast<Index>(ops.size())))].apply(a, b, choices);
  }

  Tensor any() { return values_[static_cast<std::size_t>(choices_.below(static_cast<Index>(values_.size())))]; }
  DType type() {
    constexpr DType types[] = {f64, f32, i64};
    return types[choices_.below(3)];
  }
  void keep(const Tensor& x) {
    if (x.defined() && x.size() > most_elements) return;
    if (values_.size() < most_values)
      values_.push_back(x);
    else
      values_[next_++ % most_values] = x;
  }

  Tensor made() {
    const Shape shape = choices_.shape();
    const DType dtype = type();
    if (dtype == i64 && shape.size() <= most_elements) return choices_.positions(3, shape);
    if (choices_.flip()) return full(shape, choices_.number(), dtype);
    Rng rng(static_cast<std::uint64_t>(choices_.below(256)));
    return uniform(shape, -1, 1, rng, dtype);
  }

  Tensor custom() {
    switch (const Index how = choices_.below(10)) {
      case 8:
        return ebb::custom(Blind{}, any());
      case 9:
        return elementwise<Cubed>(any());
      default: {
        const Tensor a = any(), b = any();
        return ebb::custom(Odd{how}, a, b);
      }
    }
  }

  // A few ops, always the same, over its argument and what it captured; it may misbehave on the way.
  Tensor checkpoint(const Tensor& x, const Tensor& captured, int depth) {
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(2 + choices_.below(14)));
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(choices_.below(256));
    const auto rng = std::make_shared<Rng>(7);
    const auto runs = std::make_shared<int>(0);
    return checkpointed(
        [this, bytes, captured, rng, runs, depth](const Tensor& start) {
          Choices choices(bytes, /*wild=*/true);
          const Index manner = choices.below(24);
          ++*runs;
          Tensor y = start;
          for (int i = 0; i < 4 && choices.more(); ++i) y = op(y, captured, choices);
          switch (manner) {
            case 0:  // noise
              return y + uniform(y.shape(), -1, 1, *rng, y.dtype());
            case 1:  // another value every time
              return y + static_cast<double>(*runs);
            case 2:
              if (*runs == 2) throw Stop();
              return y;
            case 3:
              keep(y * 2.0);
              return y;
            case 4:
              return captured;
            case 5:
              if (captured.defined()) Tensor(captured).assign(captured);
              return y;
            case 6: {
              Tape tape;
              const Tensor loss = sum(square(start));
              return y + tape.gradient(loss, start);
            }
            case 7:
            case 8:
              return depth < most_nesting ? checkpoint(y, captured, depth + 1) : y;
            case 9:
              return Tensor();
            default:
              return y;
          }
        },
        x);
  }
  void checkpoint() {
    const Tensor x = any(), captured = any();
    keep(checkpoint(x, captured, 0));
  }

  Tape* any_tape() {
    std::vector<Tape*> tapes;
    for (const Level& level : levels_)
      if (level.tape) tapes.push_back(level.tape.get());
    if (tapes.empty()) return nullptr;
    return tapes[static_cast<std::size_t>(choices_.below(static_cast<Index>(tapes.size())))];
  }

  std::vector<Tensor> several() {
    std::vector<Tensor> xs;
    for (Index i = choices_.below(4); i > 0; --i) xs.push_back(any());
    return xs;
  }

  Observer observer(Tape& tape, const Tensor& y) {
    switch (choices_.below(8)) {
      case 5:
        return [](const Record&, const Tensor& g) { (void)norm(g * 2.0); };
      case 6:
        return [&tape, y, left = 3](const Record& record, const Tensor&) mutable {
          if (left-- > 0) (void)tape.gradient(y, record.output);
        };
      case 7:
        return [left = choices_.below(8)](const Record&, const Tensor&) mutable {
          if (left-- == 0) throw Stop();
        };
      default:
        return {};
    }
  }

  // Runs f, and sees to it that an error leaves the tape as it was.
  template <class F>
  void unchanged_by_errors(const Tape& tape, F f) {
    const Index size = tape.size();
    try {
      f();
    } catch (...) {
      require(tape.size() == size, "an error left records behind");
      throw;
    }
  }

  void sweep() {
    Tape* tape = any_tape();
    if (!tape) return;
    const Tensor y = any();
    const std::vector<Tensor> xs = several();
    GradientOptions options{.recorded = choices_.flip() && tape->size() < most_records};
    if (choices_.below(4) > 0 && y.defined()) options.seed = ones_like(y);
    if (choices_.below(16) == 15) options.seed = any();
    options.observer = observer(*tape, y);
    unchanged_by_errors(*tape, [&] {
      const std::vector<Tensor> gradients = tape->gradients(y, xs, options);
      if (!options.recorded && !options.observer) {
        const std::vector<Tensor> again = tape->gradients(y, xs, options);
        for (std::size_t i = 0; i < xs.size(); ++i) require(same(gradients[i], again[i]), "two sweeps differ");
      }
      for (std::size_t i = 0; i < xs.size(); ++i) {
        require(gradients[i].shape() == xs[i].shape(), "a gradient of another shape");
        keep(gradients[i]);
      }
    });
  }

  void push() {
    Tape* tape = any_tape();
    if (!tape) return;
    const Tensor y = any();
    const std::vector<Tensor> xs = several();
    std::vector<Tensor> tangents;
    for (const Tensor& x : xs) tangents.push_back(choices_.below(8) == 7 ? any() : ones_like(x));
    if (choices_.below(16) == 15) tangents.push_back(y);
    const bool recorded = choices_.flip() && tape->size() < most_records;
    unchanged_by_errors(*tape, [&] { keep(tape->jvp(y, xs, tangents, {.recorded = recorded})); });
  }

  void use_jacobian() {
    if (Tape* tape = any_tape(); tape && jacobians_.size() < 4) {
      const Tensor y = any(), x = any();
      jacobians_.push_back(tape->jacobian(y, x));
    }
    if (jacobians_.empty()) return;
    const Jacobian& jacobian = jacobians_[static_cast<std::size_t>(choices_.below(4)) % jacobians_.size()];
    const bool small = jacobian.rows() * jacobian.columns() <= most_elements;
    switch (choices_.below(4)) {
      case 0:
        return keep(jacobian.vjp(any()));
      case 1:
        return keep(jacobian.jvp(any()));
      case 2:
        return small ? keep(jacobian.matrix()) : void();
      default:
        if (small) (void)spectral_norm(jacobian);
    }
  }

  void use_hessian() {
    Tape* tape = any_tape();
    if (!tape || tape->size() > most_records) return;
    const Tensor y = any(), x = any(), v = any();
    unchanged_by_errors(*tape, [&] {
      if (choices_.flip())
        keep(tape->hessian_vector_product(y, x, v));
      else if (x.size() <= 8)
        keep(tape->hessian(y, x));
    });
  }

  void edit() {
    Tensor x = any();
    if (!x.defined() || x.size() == 0) return;
    if (x.dtype() == f32 || choices_.below(8) == 7)
      x.edit<float>()[0] = static_cast<float>(choices_.number());
    else if (x.dtype() == f64)
      x.edit<double>()(choices_.position(x.size())) = choices_.number();
    else
      x.edit<std::int64_t>()[0] = choices_.position(3);
  }

  void change_in_place() {
    Tensor x = any();
    if (choices_.flip())
      x *= any();
    else
      x += choices_.number();
    keep(x);
  }

  void print() {
    (void)fmt::format("{}", any());
    const Tape* tape = any_tape();
    if (!tape || tape->size() > most_records) return;
    (void)fmt::format("{} {}", *tape, tape->memory());
    (void)to_dot(*tape);
    (void)to_json(*tape);
  }

  Choices choices_;
  std::vector<Tensor> values_;
  std::size_t next_ = 0;
  std::vector<Level> levels_;
  std::vector<Jacobian> jacobians_;
};

}  // namespace

void run_wild_program(std::span<const std::uint8_t> bytes) {
  Wild(bytes).run();
  require(Tape::current() == nullptr, "a tape records after all have ended");
  // All is as at the start for whoever comes next.
  Tape tape;
  const Tensor x = full({2}, 3.0, f64), y = sum(square(x));
  require(tape.size() == 3 && tape.gradient(y, x).values<double>()[1] == 6.0, "a new tape isn't new");
}

}  // namespace ebb::test
