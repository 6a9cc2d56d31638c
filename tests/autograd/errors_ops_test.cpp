// What every path of tensors and ops that throws says.
#include "errors.h"

namespace ebb::test {

const std::vector<ErrorRow>& op_error_rows() {
  static const std::vector<ErrorRow> rows = {
      // tensors and shapes
      row<Error>([] { (void)Tensor().shape(); },
                 "[tensor] this handle is undefined (made by `Tensor()` and never set)"),
      row<Error>([] { (void)tensor(0.5, i64); }, "[tensor] 0.5 isn't an int64"),
      row<ShapeError>(
          [] {
            (void)tensor({{1, 2}, {3}});
          },
          "[tensor] the braces are uneven: every part at depth 1 needs the shape of the first"),
      row<ShapeError>([] { (void)linspace(0, 1, 1); }, "[linspace] 1 points; it needs at least 2 to hold both ends"),
      row<ShapeError>(
          [] {
            (void)from_values(std::vector<double>{1, 2, 3}, {2});
          },
          "[from_values] 3 values for shape [2], which has 2"),
      row<Error>([] { (void)ones({2}).values<double>(); }, "[values] the elements are float32, not float64; use cast"),
      row<ShapeError>([] { (void)ones({2}).item(); }, "[item] shape [2] has 2 elements, not one"),
      row<Error>([] { ones({2}).assign(ones({2}, f64)); }, "[assign] the elements are float64, not float32; use cast"),
      row<ShapeError>([] { ones({2}).assign(ones({3})); }, "[assign] shape [3] into [2]"),
      row<ShapeError>(
          [] {
            (void)ones({2, 3}).edit<float>()(2, 0);
          },
          "[edit] no element [2, 0] in [2, 3]"),
      row<ShapeError>(
          [] {
            (void)Shape({1, 1, 1, 1, 1, 1, 1});
          },
          "[shape] [1, 1, 1, 1, 1, 1, 1] has 7 axes; at most 6 are supported"),
      row<ShapeError>(
          [] {
            (void)Shape({2, -1});
          },
          "[shape] [2, -1] has a negative extent"),
      row<ShapeError>(
          [] {
            (void)Shape({Index{1} << 40, Index{1} << 40});
          },
          "[shape] [1099511627776, 1099511627776] has more elements than memory can address"),
      row<ShapeError>([] { (void)zeros({Index{1} << 55}); },
                      "[tensor] float32 [36028797018963968] would take 144115188075855872 bytes"),
      row<ShapeError>([] { (void)sum(tensor(1.0), 0); }, "[sum] axis 0 doesn't exist in []: a scalar has no axes"),
      row<ShapeError>(
          [] {
            (void)Shape{2, 3}.inserted(3, 1);
          },
          "[shape] [2, 3] can't have a new axis 3; use -3 to 2"),
      row<ShapeError>(
          [] {
            (void)sum(ones({2, 3}), 2);
          },
          "[sum] axis 2 doesn't exist in [2, 3]; use -2 to 1"),
      row<ShapeError>(
          [] {
            (void)Shape({2, 3}).inserted(3, 1);
          },
          "[shape] [2, 3] can't have a new axis 3; use -3 to 2"),
      row<Error>([] { (void)Rng(1).below(0); }, "[Rng::below] the bound is 0; it must be positive"),
      row<Error>([] { (void)Rng::from_state({}); },
                 "[Rng::from_state] a state of zeros gives zeros for ever; use one that state() returned"),
      // ops
      row<Error>([] { (void)(ones({2}) + ones({2}, f64)); },
                 "[add] float32 [2] and float64 [2] don't mix; cast one of them"),
      row<ShapeError>([] { (void)(ones({2}) + ones({3})); },
                      "[add] shapes [2] and [3] don't broadcast: 2 against 3 at axis -1; reshape or slice one of them"),
      row<Error>([] { (void)tanh(zeros({2}, i64)); },
                 "[tanh] int64 tensors are indices and have no arithmetic; use cast"),
      row<Error>([] { (void)cast(tensor(1e300, f64), i64); }, "[cast] 1e+300 doesn't fit into int64"),
      row<Error>([] { (void)clamp(ones({2}), std::nan(""), 1); },
                 "[clamp] the bounds are nan and 1; give numbers, infinite ones for no bound"),
      row<ShapeError>([] { (void)reshape(ones({6}), {4}); }, "[reshape] [6] has 6 elements, [4] has 4"),
      row<ShapeError>(
          [] {
            (void)reshape(ones({6}), {-1, 4});
          },
          "[reshape] [6] to [-1, 4]: the -1 can't be worked out"),
      row<ShapeError>([] { (void)slice(ones({6}), 4, 7); }, "[slice] [4, 7) isn't inside axis 0 of [6]"),
      row<ShapeError>(
          [] {
            (void)squeeze(ones({2, 3}), 0);
          },
          "[squeeze] axis 0 of [2, 3] has extent 2; only one of extent 1 can be dropped"),
      row<ShapeError>(
          [] {
            (void)unsqueeze(ones({2, 3}), 3);
          },
          "[unsqueeze] [2, 3] can't have a new axis 3; use -3 to 2"),
      row<ShapeError>([] { (void)select(tensor(1.0), 0); }, "[select] a scalar has no axis to select from"),
      row<ShapeError>([] { (void)select(ones({2}), 2); }, "[select] index 2 isn't inside axis 0 of [2]"),
      row<ShapeError>(
          [] {
            (void)split(ones({4}), {5, -1});
          },
          "[split] a part of -1 positions in [5, -1]"),
      row<ShapeError>(
          [] {
            (void)split(ones({4}), {1, 2});
          },
          "[split] [1, 2] doesn't add up to the extent 4 of axis 0 of [4]"),
      row<ShapeError>([] { (void)split(ones({4}), 0); }, "[split] parts of 0 positions of [4]; give 1 or more"),
      row<ShapeError>(
          [] {
            (void)permute(ones({2, 3}), {0, 0});
          },
          "[permute] [0, 0] doesn't name each axis of [2, 3] once"),
      row<Error>([] { (void)take_rows(ones({2}), ones({1})); },
                 "[take_rows] the indices are float32; they must be int64 (cast them, or make them so)"),
      row<ShapeError>(
          [] {
            (void)take_rows(ones({2}), from_values(std::vector<std::int64_t>{0, 2}, {2}));
          },
          "[take_rows] index 2 at place 1 isn't a row of [2] (0 to 1)"),
      row<ShapeError>([] { (void)take_rows(tensor(1.0), zeros({1}, i64)); }, "[take_rows] a scalar has no rows"),
      row<ShapeError>([] { (void)one_hot(zeros({1}, i64), -1); }, "[one_hot] -1 classes; give 0 or more"),
      row<ShapeError>([] { (void)one_hot(zeros({1}, i64), 0); }, "[one_hot] index 0 at place 0 isn't one of 0 classes"),
      row<ShapeError>([] { (void)concat(std::span<const Tensor>()); },
                      "[concat] nothing to join; give at least one tensor"),
      row<Error>(
          [] {
            (void)concat({ones({2}), ones({2}, f64)});
          },
          "[concat] part 1 is float64 and part 0 is float32; cast one of them"),
      row<ShapeError>(
          [] {
            (void)concat({ones({2, 3}), ones({2, 4})});
          },
          "[concat] part 1 of shape [2, 4] doesn't go with part 0 of [2, 3]"),
      row<Error>(
          [] {
            (void)assemble(std::vector{ones({1}), ones({1}, f64)}, std::vector<Region>(2), {3});
          },
          "[assemble] a piece is float64, the whole float32; cast one of them"),
      row<ShapeError>(
          [] { (void)assemble(std::vector{ones({1})}, std::vector<Region>{{.rows = zeros({2}, i64)}}, {3}); },
          "[assemble] a piece [1] isn't 2 rows of [3]"),
      row<ShapeError>([] { (void)assemble(std::vector{ones({2})}, std::vector<Region>{{.begin = 2}}, {3}); },
                      "[assemble] a piece [2] from 2 of axis 0 on doesn't fit into [3]"),
      row<ShapeError>([] { (void)assemble({}, {}, {3}); },
                      "[assemble] 0 pieces and 0 places; give as many, and at least one"),
      row<ShapeError>([] { (void)singular_values(ones({2})); },
                      "[singular_values] needs a matrix, not a tensor of shape [2]"),
      row<Error>(
          [] {
            (void)singular_values(zeros({2, 2}, i64));
          },
          "[singular_values] needs a float matrix; use cast"),
      row<ShapeError>(
          [] {
            (void)orthonormal_columns(ones({2, 3}));
          },
          "[orthonormal_columns] [2, 3] has more columns than rows; transpose it"),
      row<ShapeError>(
          [] {
            (void)qr(ones({2, 3}));
          },
          "[qr] [2, 3] has more columns than rows; transpose it"),
      row<ShapeError>(
          [] {
            (void)spectral_radius(ones({2, 3}));
          },
          "[spectral_radius] [2, 3] isn't square, and has no eigenvalues; use spectral_norm"),
      row<ShapeError>(
          [] {
            (void)matmul(ones({2, 2}), ones({2, 2, 2}));
          },
          "[matmul] [2, 2] × [2, 2, 2]: expected [..., k] × [k, n] or [..., k] × [k]; reshape one of them"),
      row<ShapeError>(
          [] {
            (void)matmul(ones({2}), ones({2, 2}), {.transpose_a = true});
          },
          "[matmul] [2]ᵀ × [2, 2]: only matrices are transposed; use permute"),
      row<ShapeError>(
          [] {
            (void)dot(ones({2, 1}), ones({2}));
          },
          "[dot] [2, 1] and [2] must be vectors; reshape them, or use matmul"),
      row<ShapeError>([] { (void)dot(ones({3}), ones({2})); }, "[dot] [3] and [2] have different lengths"),
      row<ShapeError>([] { (void)transpose(ones({2})); },
                      "[transpose] needs a matrix, not a tensor of shape [2]; use permute"),
      row<Error>(
          [] {
            (void)matmul(ones({2, 2}), ones({2, 2}, f64));
          },
          "[matmul] float32 [2, 2] and float64 [2, 2] don't mix; cast one of them"),
      row<ShapeError>(
          [] {
            (void)matmul(ones({2, 3}), ones({2, 3}));
          },
          "[matmul] inner dimensions differ: [2, 3] × [2, 3]; they are 3 and 2"),
      row<ShapeError>(
          [] { (void)rnn_step(ones({2}), 0, ones({2}), ones({2}), ones({2}), ones({2}), Activation::tanh); },
          "[rnn_step] shapes don't fit: x [2], U [2], W [2], b [2]; expected x [time, batch, inputs], U [inputs, "
          "hidden], W [hidden, hidden], b [hidden]"),
      row<ShapeError>(
          [] {
            (void)rnn_step(ones({1, 1, 1}), 0, ones({2, 1}), ones({1, 1}), ones({1, 1}), ones({1}), Activation::tanh);
          },
          "[rnn_step] the state [2, 1] doesn't fit x [1, 1, 1] and W [1, 1]; expected [batch, hidden]"),
      row<Error>(
          [] {
            (void)rnn_step(ones({1, 1, 1}), 0, ones({1, 1}), ones({1, 1}, f64), ones({1, 1}), ones({1}),
                           Activation::tanh);
          },
          "[rnn_step] x is float32 and a parameter float64; cast one of them"),
      row<Error>(
          [] {
            (void)rnn_step(ones({1, 1, 1}), 0, ones({1, 1}, f64), ones({1, 1}), ones({1, 1}), ones({1}),
                           Activation::tanh);
          },
          "[rnn_step] x is float32 and the state float64; cast one of them"),
      row<ShapeError>(
          [] {
            (void)rnn_step(ones({1, 1, 1}), 1, ones({1, 1}), ones({1, 1}), ones({1, 1}), ones({1}), Activation::tanh);
          },
          "[rnn_step] step 1 isn't inside x [1, 1, 1]"),
      row<ShapeError>(
          [] {
            detail::times_slope(Activation::tanh, ones({1, 2}), ones({1, 3}), ones({1, 3}));
          },
          "[times_slope] float32 [1, 2] beside a state float32 [1, 3]; they must be alike"),
      row<ShapeError>(
          [] {
            (void)sum_to(ones({2, 3}), {2});
          },
          "[sum_to] [2] doesn't broadcast to [2, 3], so [2, 3] can't be summed to it"),
      row<ShapeError>([] { (void)broadcast_to(ones({2}), {3}); }, "[broadcast_to] [2] doesn't broadcast to [3]"),
      row<ShapeError>(
          [] {
            (void)log_softmax(zeros({3, 0}));
          },
          "[log_softmax] axis 1 of [3, 0] must have at least one element"),
      row<ShapeError>(
          [] {
            (void)max(zeros({3, 0}), 1);
          },
          "[max] axis 1 of [3, 0] is empty: nothing has no max"),
      row<ShapeError>(
          [] {
            (void)argmin(zeros({3, 0}));
          },
          "[argmin] [3, 0] has no elements: nothing has no argmin"),
  };
  return rows;
}

}  // namespace ebb::test
