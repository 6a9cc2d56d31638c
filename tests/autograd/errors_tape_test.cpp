// What every path of tapes and passes over them that throws says.
#include "errors.h"

#include <memory>

namespace ebb::test {

namespace {

const Tensor x = ones({2});

// Ops whose rules break their word.
Tensor wrong(const Op& op, const Tensor& a) {
  Tensor y = detach(a);
  record(op, y, {&a});
  return y;
}
const Op wrong_type_op{
    .name = "wrong_type",
    .vjp = [](Sweep& sweep, const Record& record, Tensor g) { sweep.give(record, 0, cast(g, f64)); },
    .jvp = [](const Tangents& tangents, const Record& record) { return cast(tangents.of(record, 0), f64); }};
const Op wrong_shape_op{.name = "wrong_shape",
                        .vjp = [](Sweep& sweep, const Record& record, Tensor) { sweep.give(record, 0, ones({3})); },
                        .jvp = [](const Tangents&, const Record&) { return ones({3}); }};
const Op wrong_product_op{.name = "wrong_product", .vjp = [](Sweep& sweep, const Record& record, Tensor) {
                            sweep.give_products(record, {{.into = 0, .from = 0}}, ones({4, 5}));
                          }};
const Op wrong_columns_op{.name = "wrong_columns", .vjp = [](Sweep& sweep, const Record& record, Tensor) {
                            sweep.give_products(record, {{.into = 0, .from = 0}}, ones({3, 5}));
                          }};
const Op too_many_factors_op{.name = "too_many_factors", .vjp = [](Sweep& sweep, const Record& record, Tensor g) {
                               sweep.give_products(record, {{0}, {0}, {0}, {0}, {0}}, g);
                             }};
struct Saves {
  static constexpr auto name = "saves";
  Tensor value(Saved& saved, const Tensor& a) const {
    saved = {aside};
    return a * 2.0;
  }
  std::array<Tensor, 1> vjp(const Saved&, const Tensor& g, const Tensor&, const Tensor&) const { return {g * 2.0}; }
  Tensor aside;
};
const Op wrong_expansion_op{.name = "wrong_expansion", .vjp = [](Sweep& sweep, const Record&, Tensor g) {
                              sweep.expand([] { return ones({2}); }, g);
                            }};

}  // namespace

const std::vector<ErrorRow>& tape_error_rows() {
  static const std::vector<ErrorRow> rows = {
      // asking a tape
      row<TapeError>([] { (void)Tape()[2]; }, "[tape] no record 2; there are 0"),
      row<ShapeError>(
          [] {
            Tape tape;
            (void)tape.gradient(x * 2.0, x);
          },
          "[gradient] the result has shape [2]: give a seed of that shape, or reduce it to one element"),
      row<ShapeError>(
          [] {
            Tape tape;
            (void)tape.gradient(x * 2.0, x, {.seed = ones({3})});
          },
          "[gradient] the seed has shape [3], the result [2]; they must be equal"),
      row<Error>(
          [] {
            Tape tape;
            (void)tape.gradient(x * 2.0, x, {.seed = ones({2}, f64)});
          },
          "[gradient] the seed is float64, the result float32; cast the seed"),
      row<ShapeError>(
          [] {
            Tape tape;
            std::vector<Tensor> results;
            tape.gradients(sum(x), std::vector{x}, results);
          },
          "[gradient] 1 tensors are asked about and 0 results can be held"),
      row<TapeError>(
          [] {
            Tape tape;
            (void)tape.gradient(sum(x), ones({4}));
          },
          "[gradient] argument 0, of shape [4], was never used on this tape; compute the result from it while the tape "
          "records"),
      row<TapeError>(
          [] {
            Tape tape;
            const Tensor y = sum(x);
            (void)tape.gradient(y, y * 2.0);
          },
          "[gradient] argument 0 is record 2 (multiply, shape []), made after the result, which is record 1 (sum); if "
          "it was written since, ask before writing"),
      row<TapeError>(
          [] {
            Tape tape;
            (void)tape.gradient(ones({}), x);
          },
          "[gradient] the result, of shape [], wasn't computed on this tape, which is empty"),
      row<TapeError>(
          [] {
            Tape tape;
            (void)tape.gradient(cast(x, i64), x);
          },
          "[gradient] the result is int64: indices have no gradient"),
      row<TapeError>(
          [] {
            Tape tape;
            const Tensor i = zeros({1}, i64);
            (void)tape.gradient(sum(take_rows(x, i)), i);
          },
          "[gradient] argument 0 is int64: indices have no gradient"),
      row<StaleValueError>(
          [] {
            Tape tape;
            Tensor w = ones({2});
            const Tensor y = sum(x * w);
            w.assign(x);
            (void)tape.gradient(y, x);
          },
          "[gradient] the derivative of record 2 (multiply) reads the value of record 1 (source, shape [2]), which was "
          "written since: version 0 was recorded, now it is 1; sweep before writing, or clone it"),
      row<StaleValueError>(
          [] {
            Tape tape;
            const Tensor y = tanh(x);
            Tensor(y).assign(x);
            (void)tape.jvp(y, x, x);
          },
          "[jvp] the derivative of record 1 (tanh) reads the value of record 1 (tanh, shape [2]), which was written "
          "since: version 0 was recorded, now it is 1; sweep before writing, or clone it"),
      row<StaleValueError>(
          [] {
            Tape tape;
            Tensor w = ones({2});
            const auto edit = w.edit<float>();
            const Tensor y = sum(x * w);
            (void)tape.gradient(y, x);
          },
          "[gradient] the derivative of record 2 (multiply) reads the value of record 1 (source, shape [2]), of which "
          "an Edit is open: version 0 was recorded, and what stands there now may be another; end Edits before "
          "recording and open them after the sweep, or clone the tensor"),
      row<StaleValueError>(
          [] {
            Tape tape;
            Tensor aside = ones({3});
            const Tensor y = custom(Saves{aside}, x);
            aside.assign(zeros({3}));
            (void)tape.gradient(y, x, {.seed = x});
          },
          "[gradient] the derivative of record 1 (saves) reads a value of shape [3] that it saved, and that was "
          "written since, or is open to be: version 0 was saved, now it is 1; save a clone of it"),
      row<Error>(
          [] {
            Tensor w = ones({2});
            std::vector<std::unique_ptr<Edit<float>>> edits;
            while (true) edits.push_back(std::make_unique<Edit<float>>(w));
          },
          "[edit] 65535 edits of this tensor are open, which is as many as are counted; end some"),
      row<TapeError>(
          [] {
            Tape outer;
            (void)sum(x);
            Tensor inside;
            {
              Tape tape;
              inside = x * 2.0;
            }
            (void)outer.gradient(sum(inside), x);
          },
          "[gradient] a path leads through record 2, a tensor of shape [2] that an inner tape or a checkpoint computed "
          "from what is on this one, and would be cut there; compute it on this tape (a gradient with {.recorded = "
          "true}), or detach() it to say that it is a constant"),
      row<TapeError>(
          [] {
            Tape outer;
            (void)sum(x);
            Tensor inside;
            {
              Tape tape;
              inside = x * 2.0;
            }
            (void)outer.jvp(sum(inside), x, x);
          },
          "[jvp] a path leads through record 2, a tensor of shape [2] that an inner tape or a checkpoint computed from "
          "what is on this one, and would be cut there; compute it on this tape, or detach() it to say that it is a "
          "constant"),
      row<TapeError>(
          [] {
            Tape outer;
            const Tensor y = sum(x * x);
            Tape tape;
            const Tensor inside = y * 2.0;
            (void)outer.gradient(y, x, {.recorded = true, .seed = inside});
          },
          "[tape] a tensor of a tape within this one would be used on this one, and the path to it cut; compute it on "
          "this tape, or detach() it to say that it is a constant"),
      row<ShapeError>(
          [] {
            Tape tape;
            (void)tape.jvp(sum(x), x, ones({3}));
          },
          "[jvp] the tangent of argument 0 has shape [3], the argument [2]; they must be equal"),
      row<Error>(
          [] {
            Tape tape;
            (void)tape.jvp(sum(x), x, ones({2}, f64));
          },
          "[jvp] the tangent of argument 0 is float64, the argument float32; cast the tangent"),
      row<ShapeError>(
          [] {
            Tape tape;
            (void)tape.jvp(sum(x), std::vector{x}, std::vector<Tensor>());
          },
          "[jvp] 1 tensors and 0 tangents; give each its own"),
      row<ShapeError>(
          [] {
            Tape tape;
            (void)tape.hessian(x * 2.0, x);
          },
          "[hessian] the result has shape [2]; reduce it to one element"),
      row<TapeError>(
          [] {
            auto tape = std::make_unique<Tape>();
            const Jacobian j = tape->jacobian(x * 2.0, x);
            tape.reset();
            (void)j.vjp(x);
          },
          "[jacobian] its tape is gone; keep the tape as long as the Jacobian"),
      row<NonFiniteError>(
          [] {
            Tape tape({.check_finite = true});
            const Scope scope("part");
            (void)log(x - 1.0);
          },
          "[log] record 2 (log, scope \"part\") isn't finite: -inf at [0] of shape [2]; look at its inputs, or keep "
          "them from where log isn't finite"),
      row<NonFiniteError>(
          [] {
            Tape tape({.check_finite = true});
            const Tensor z = full({2}, 1e-39);
            (void)tape.gradient(sum(log(z)), z);
          },
          "[gradient] record 1 (log) gives record 0 (source) a gradient that isn't finite: inf at [0] of shape [2]; "
          "keep its input from where the derivative isn't finite"),
      row<NonFiniteError>(
          [] {
            Tape tape({.check_finite = true});
            (void)tape.gradient(x * 2.0, x, {.seed = full({2}, infinity)});
          },
          "[gradient] the gradients that arrive at record 1 (multiply) add up to one that isn't finite: inf at [0] of "
          "shape [2]; scale the result or its seed down"),
      row<NonFiniteError>(
          [] {
            Tape tape({.check_finite = true});
            const Tensor z = full({2}, 1e-39);
            (void)tape.jvp(log(z), z, x);
          },
          "[jvp] record 1 (log) has a tangent that isn't finite: inf at [0] of shape [2]; keep its input from where "
          "the derivative isn't finite"),
      row<TapeError>(
          [] {
            Tape tape;
            int calls = 0;
            const Tensor y = checkpointed([&calls](const Tensor& a) { return a * static_cast<double>(++calls); }, x);
            (void)tape.gradient(sum(y), x);
          },
          "[checkpointed] the function of record 1 gave other values when it was run again; let it capture by value "
          "whatever changes after the call"),
      // rules that are wrong
      row<Error>(
          [] {
            Tape tape;
            const Tensor y = wrong(wrong_type_op, x);
            (void)tape.gradient(sum(y), x);
          },
          "[gradient] the rule of wrong_type gives a float64 contribution to a float32 input"),
      row<ShapeError>(
          [] {
            Tape tape;
            const Tensor y = wrong(wrong_shape_op, x);
            (void)tape.gradient(sum(y), x);
          },
          "[gradient] the rule of wrong_shape gives a contribution of shape [3] to an input of shape [2]"),
      row<ShapeError>(
          [] {
            Tape tape;
            (void)tape.jvp(wrong(wrong_shape_op, x), x, x);
          },
          "[jvp] the rule of wrong_shape gives a tangent of shape [3] to an output of shape [2]"),
      row<ShapeError>(
          [] {
            Tape tape;
            const Tensor y = wrong(wrong_product_op, x);
            (void)tape.gradient(sum(y), x);
          },
          "[gradient] the rule of wrong_product gives [2]ᵀ × [4, 5] to an input of shape [2]"),
      row<ShapeError>(
          [] {
            Tape tape;
            const Tensor square = ones({3, 3});
            (void)tape.gradient(sum(wrong(wrong_columns_op, square)), square);
          },
          "[gradient] the rule of wrong_columns gives [3, 3]ᵀ × [3, 5] to an input of shape [3, 3]"),
      row<Error>(
          [] {
            Tape tape;
            const Tensor y = wrong(too_many_factors_op, x);
            (void)tape.gradient(y, x, {.seed = x});
          },
          "[gradient] the rule of too_many_factors gives products to 5 inputs; at most 4 can have a factor in common"),
      row<TapeError>(
          [] {
            Tape tape;
            const Tensor y = wrong(wrong_expansion_op, x);
            (void)tape.gradient(sum(y), x);
          },
          "[expand] the result wasn't recorded by the function itself"),
      row<TapeError>(
          [] {
            Tape tape;
            (void)tape.jvp(wrong(wrong_product_op, x), x, x);
          },
          "[jvp] record 1 (wrong_product) has no jvp, so no tangent can be pushed through it; give its op one, or use "
          "vjp"),
      row<Error>(
          [] {
            Tape tape;
            (void)tape.jvp(wrong(wrong_type_op, x), x, x);
          },
          "[jvp] the rule of wrong_type gives a float64 tangent to a float32 output"),
      row<Error>([] { (void)check_gradients([](const Tensor& a) { return a; }, zeros({2}, i64)); },
                 "[check_gradients] none of the 1 arguments is a float tensor: there is no gradient to check"),
      row<Error>(
          [] {
            GradientCheckOptions options;
            options.orders = 4;
            (void)check_gradients([](std::span<const Tensor> xs) { return xs[0]; }, std::vector{x}, options);
          },
          "[check_gradients] orders = 4, where 1, 2 and 3 are known"),
  };
  return rows;
}

}  // namespace ebb::test
