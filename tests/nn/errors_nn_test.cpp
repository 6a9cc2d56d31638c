// What every path of nn that throws says.
#include <nn/nn.h>

#include "errors.h"

namespace ebb::test {

namespace {

const Tensor x = ones({2});
std::vector<Tensor> gradients = {ones({2})};
Rng rng(1);

std::vector<double> lyapunov(const nn::LyapunovOptions& options) {
  const nn::Rnn rnn({.inputs = 2, .hidden = 3}, rng);
  return nn::lyapunov_exponents(rnn, ones({4, 1, 2}), ones({1, 3}), options);
}

// Seven rows in four shards, each with the gradient that it is told.
void in_shards(Tensor gradient_of(const nn::Shard&)) {
  nn::DataParallel parallel({.shards = 4});
  std::vector<Tensor> results(1);
  parallel.loss_and_gradients(7, results, [&](const nn::Shard& shard, std::span<Tensor> gradients) {
    gradients[0] = gradient_of(shard);
    return ones({1});
  });
}

}  // namespace

const std::vector<ErrorRow>& nn_error_rows() {
  static const std::vector<ErrorRow> rows = {
      // modules
      row<ShapeError>([] { (void)nn::Rnn({.inputs = 0, .hidden = 3}, rng); },
                      "[Rnn] 0 inputs and 3 hidden units; both must be positive"),
      row<ShapeError>([] { (void)nn::Rnn({.inputs = 2, .hidden = 3}, rng)(ones({2})); },
                      "[Rnn] x has shape [2]; it must be [time, batch, 2 inputs]"),
      row<ShapeError>(
          [] {
            (void)nn::Rnn({.inputs = 2, .hidden = 3}, rng)(ones({4, 1, 2}), ones({1, 2}));
          },
          "[Rnn] x [4, 1, 2] and the initial state [1, 2] don't fit; expected [time, batch, 2] and [batch, 3]"),
      row<ShapeError>(
          [] {
            (void)nn::Rnn({.inputs = 2, .hidden = 3}, rng)(ones({0, 1, 2})).outputs();
          },
          "[Unrolled::outputs] a run of no steps has no outputs, only its initial state"),
      row<ShapeError>([] { (void)nn::Linear({.inputs = 2, .outputs = 0}, rng); },
                      "[Linear] 2 inputs and 0 outputs; both must be positive"),
      row<ShapeError>(
          [] {
            (void)nn::Linear({.inputs = 2, .outputs = 3}, rng)(ones({4, 3}));
          },
          "[Linear] the last axis of x [4, 3] must be the 2 inputs of W [2, 3]"),
      row<ShapeError>([] { (void)nn::xavier()({3}, f32, rng); },
                      "[xavier] initialises matrices, not a tensor of shape [3]"),
      row<ShapeError>(
          [] {
            (void)nn::sparse(1, 0.95)({2, 3}, f32, rng);
          },
          "[sparse] initialises square matrices, not [2, 3]"),
      row<Error>(
          [] {
            (void)nn::sparse(15, 0.95)({3, 3}, f32, rng);
          },
          "[sparse] 15 connections of each of 3 units; give 1 to 3"),
      row<Error>(
          [] {
            (void)nn::sparse(2, -1)({3, 3}, f32, rng);
          },
          "[sparse] the spectral radius is -1; it must be finite and not negative"),
      row<Error>([] { (void)nn::Rnn({.inputs = 2, .hidden = 3, .bias_init = {}}, rng); },
                 "[Rnn] an init is empty; use nn::zeros(), nn::xavier() or another"),
      row<ShapeError>(
          [] {
            (void)nn::Rnn({.inputs = 2, .hidden = 3, .bias_init = [](const Shape&, DType, Rng&) { return ones({1}); }},
                          rng);
          },
          "[Rnn] an init made float32 [1] where float32 [3] was asked for"),
      // parameters
      row<Error>([] { nn::Parameters().add("", x); }, "[Parameters] a parameter needs a name"),
      row<Error>(
          [] {
            nn::Parameters({{"a", x}, {"a", ones({2})}});
          },
          "[Parameters] the name a is taken; give each entry its own"),
      row<Error>(
          [] {
            nn::Parameters({{"a", Tensor()}});
          },
          "[Parameters] a is an undefined tensor"),
      row<Error>(
          [] {
            nn::Parameters({{"a", x}, {"b", x}});
          },
          "[Parameters] b is the same tensor as a, which an optimiser would step twice; give it once"),
      row<Error>(
          [] {
            nn::Parameters().add("", nn::Parameters({{"a", x}}));
          },
          "[Parameters] a module needs a name"),
      row<Error>(
          [] {
            (void)nn::Parameters({{"a", x}})["b"];
          },
          "[Parameters] no parameter b; there are a"),
      // losses
      row<ShapeError>([] { (void)nn::mse(ones({2}), ones({3})); },
                      "[mse] prediction [2] and target [3] must have one shape; reshape one of them"),
      row<Error>(
          [] {
            (void)nn::cross_entropy(ones({1, 2}), ones({1}));
          },
          "[cross_entropy] a float32 target [1] doesn't go with float32 logits [1, 2]; give int64 classes, or as many "
          "probabilities"),
      row<ShapeError>(
          [] {
            (void)nn::cross_entropy(ones({1, 2}), ones({3, 2}));
          },
          "[cross_entropy] probabilities [3, 2] must have the shape of the logits, [1, 2], and a last axis of classes"),
      row<Error>(
          [] {
            (void)nn::cross_entropy(ones({1, 2}), ones({1, 2}), {.ignore_index = 1});
          },
          "[cross_entropy] class 1 can't be ignored among probabilities; give int64 classes"),
      row<Error>([] { (void)nn::mae(ones({2}), ones({2}, f64)); },
                 "[mae] the prediction is float32 and the target float64; cast one of them"),
      row<Error>([] { (void)nn::huber(ones({2}), ones({2}), {.delta = 0}); }, "[huber] delta is 0; it must be above 0"),
      row<ShapeError>(
          [] {
            (void)nn::cross_entropy(ones({1, 2}), zeros({2}, i64));
          },
          "[cross_entropy] logits [1, 2] and classes [2] don't fit; expected [..., classes] and [...]"),
      row<ShapeError>(
          [] {
            (void)nn::cross_entropy(ones({1, 2}), from_values(std::vector<std::int64_t>{2}, {1}));
          },
          "[cross_entropy] class 2 at place 0 isn't one of 2 (0 to 1)"),
      // training
      row<Error>([] { (void)nn::clip_norm(gradients, 0); }, "[clip_norm] the limit is 0; it must be positive"),
      row<NonFiniteError>(
          [] {
            std::vector<Tensor> large = {full({4}, 1.5e308, f64)};
            (void)nn::clip_norm(large, 1);
          },
          "[clip_norm] the gradients' norm is above the largest float64"),
      row<NonFiniteError>(
          [] {
            nn::Sgd({{"a", x}}, {.learning_rate = 0.1}).step(std::vector{tensor({1, not_a_number})});
          },
          "[Sgd] gradient 0 of a is nan at element 1 of shape [2]; nothing was changed: clip the norm, lower the "
          "learning rate, or ask to skip such steps"),
      row<ShapeError>(
          [] {
            nn::Sgd({{"a", x}}, {.learning_rate = 0.1}).step({});
          },
          "[Sgd] 0 gradients for 1 parameters"),
      row<ShapeError>(
          [] {
            nn::Sgd({{"a", x}}, {.learning_rate = 0.1}).step(std::vector{ones({3})});
          },
          "[Sgd] the gradient of a has shape [3], the parameter [2]"),
      row<Error>(
          [] {
            nn::Sgd({{"a", x}}, {.learning_rate = 0.1}).step(std::vector{ones({2}, f64)});
          },
          "[Sgd] the gradient of a is float64, the parameter float32"),
      row<Error>(
          [] {
            (void)nn::Sgd({{"a", x}}, {.learning_rate = -1});
          },
          "[Sgd] the learning rate is -1; it must be finite and not negative"),
      row<Error>(
          [] {
            (void)nn::Sgd({{"a", zeros({2}, i64)}}, {.learning_rate = 0.1});
          },
          "[Sgd] parameter a is int64; it can't be trained"),
      row<TapeError>(
          [] {
            const nn::Rnn rnn({.inputs = 2, .hidden = 3}, rng);
            nn::GradientFlow(rnn, rnn(ones({4, 1, 2})));
          },
          "[GradientFlow] the run wasn't recorded on the tape that records now; make the tape, then the run, then its "
          "observer"),
      row<TapeError>(
          [] {
            const nn::Rnn rnn({.inputs = 2, .hidden = 3}, rng);
            nn::Omega(rnn, rnn(ones({4, 1, 2})));
          },
          "[Omega] the run wasn't recorded on the tape that records now; make the tape, then the run, then its "
          "observer"),
      row<TapeError>(
          [] {
            const nn::Rnn rnn({.inputs = 2, .hidden = 3}, rng);
            Tape tape;
            nn::GradientFlow flow(rnn, rnn(ones({4, 1, 2})));
            Tape other;
            (void)other.gradient(sum(x), x, {.observer = flow.observer()});
          },
          "[GradientFlow] the sweep is over another tape than the run; make an observer for each run"),
      row<ShapeError>(
          [] {
            const nn::Rnn rnn({.inputs = 2, .hidden = 3}, rng);
            Tape tape;
            nn::GradientFlow(rnn, nn::Unrolled());
          },
          "[GradientFlow] the run has no states; give what a cell returned"),
      row<ShapeError>(
          [] {
            const nn::Rnn rnn({.inputs = 2, .hidden = 3}, rng);
            (void)rnn.slope(rnn(ones({4, 1, 2})), 5);
          },
          "[Rnn] the run has no state 5; it has 5"),
      row<ShapeError>(
          [] {
            nn::Rnn rnn({.inputs = 2, .hidden = 3}, rng);
            const nn::Unrolled run = rnn(ones({4, 1, 2}));
            rnn.W = ones({3, 4});
            (void)nn::saturation(rnn, run);
          },
          "[saturation] the cell's W has shape [3, 4]; it must be [hidden, hidden]"),
      row<ShapeError>(
          [] {
            const nn::Rnn rnn({.inputs = 2, .hidden = 3}, rng);
            Tape tape;
            const nn::Unrolled run = rnn(ones({4, 1, 2}));
            nn::Omega omega(rnn, run);
            omega.observer()(*tape.find(run.last()), ones({5, 3}));
            (void)omega.value();
          },
          "[Omega] the observer was called with a gradient float32 [5, 3] for a state float32 [1, 3]; leave that to a "
          "sweep"),
      row<StaleValueError>(
          [] {
            nn::Rnn rnn({.inputs = 2, .hidden = 3}, rng);
            Tape tape;
            const nn::Unrolled run = rnn(ones({4, 1, 2}));
            nn::Omega omega(rnn, run);
            (void)tape.gradient(sum(run.last()), rnn.W, {.observer = omega.observer()});
            rnn.W.assign(zeros({3, 3}));
            (void)omega.value();
          },
          "[Omega] the cell's W was written since the sweep; ask for the value before"),
      row<ShapeError>(
          [] {
            struct Forgetful : nn::Rnn {
              using nn::Rnn::Rnn;
              [[nodiscard]] nn::Unrolled operator()(const Tensor& inputs, const Tensor& initial) const override {
                nn::Unrolled run = nn::Rnn::operator()(inputs, initial);
                run.states.erase(run.states.begin());
                return run;
              }
              [[nodiscard]] std::unique_ptr<nn::Cell> cast(DType) const override {
                return std::make_unique<Forgetful>(*this);
              }
            };
            const Forgetful rnn({.inputs = 2, .hidden = 3, .dtype = f64}, rng);
            (void)nn::transport(rnn, ones({4, 1, 2}, f64), zeros({1, 3}, f64));
          },
          "[transport] the cell's run over 4 inputs has 4 states; it must have one more than inputs"),
      row<ShapeError>([] { (void)nn::Unrolled().last(); },
                      "[Unrolled::last] the run has no states; give what a cell returned"),
      row<ShapeError>(
          [] {
            const nn::Rnn rnn({.inputs = 2, .hidden = 3}, rng), other({.inputs = 2, .hidden = 4}, rng);
            (void)nn::saturation(other, rnn(ones({4, 1, 2})));
          },
          "[saturation] state 0 of the run is float32 [1, 3], and the cell's W float32 [4, 4]; give a run of this "
          "cell"),
      row<ShapeError>(
          [] {
            struct Odd : nn::Rnn {
              using nn::Rnn::Rnn;
              [[nodiscard]] Tensor slope(const nn::Unrolled&, std::size_t) const override { return ones({1, 2}); }
            };
            const Odd odd({.inputs = 2, .hidden = 3}, rng);
            (void)nn::saturation(odd, odd(ones({4, 1, 2})));
          },
          "[saturation] the cell's slope at step 1 is float32 [1, 2], and the state float32 [1, 3]; they must be "
          "alike"),
      row<ShapeError>(
          [] {
            const nn::Rnn rnn({.inputs = 2, .hidden = 3}, rng);
            Tape tape;
            nn::Unrolled run = rnn(ones({4, 1, 2}));
            run.states.push_back(ones({5, 3}) * rnn.b);
            nn::Omega(rnn, run);
          },
          "[Omega] state 5 of the run has shape [5, 3] and state 0 [1, 3]; give a run of one batch"),
      row<ShapeError>(
          [] {
            const nn::Rnn rnn({.inputs = 2, .hidden = 3}, rng);
            (void)nn::transport(rnn, ones({4, 2, 2}), ones({2, 3}));
          },
          "[transport] x [4, 2, 2] and the initial state [2, 3] aren't those of one sequence; expected "
          "[time, 1, inputs] and [1, hidden]"),
      row<Error>([] { (void)lyapunov({.count = 4}); },
                 "[lyapunov_exponents] 4 exponents of 3 hidden units; give 1 to 3, or 0 for all"),
      row<ShapeError>([] { (void)lyapunov({.discard = 4}); },
                      "[lyapunov_exponents] 4 of 4 steps are discarded, which leaves none to measure; give 0 or more, "
                      "and fewer than there are"),
      row<ShapeError>([] { (void)nn::joined(std::vector<nn::Magnitudes>(2), std::vector<double>(3)); },
                      "[joined] 2 flows and 3 shares; give one share for each"),
      row<ShapeError>(
          [] {
            const nn::Magnitudes three(3, nn::Magnitude::no_path()), two(2, nn::Magnitude::no_path());
            (void)nn::joined(std::vector{three, two}, std::vector{0.5, 0.5});
          },
          "[joined] a flow of 3 states and one of 2; shards have the same steps"),
      // shards
      row<ShapeError>([] { (void)nn::cut(0, 4); }, "[DataParallel] a batch of 0 rows; it needs at least one"),
      row<Error>([] { (void)nn::cut(4, 0); }, "[DataParallel] 0 shards; there must be at least one"),
      row<Error>([] { nn::DataParallel({.shards = 2, .threads = 0}); },
                 "[DataParallel] 2 shards and 0 threads; there must be at least one of each"),
      row<ShapeError>(
          [] {
            (void)nn::cut(7, 4)[1].rows(ones({3, 6}), 1);
          },
          "[Shard] x [3, 6] has no axis 1 of 7 rows to take rows 2 to 4 of"),
      row<TapeError>(
          [] {
            const Tape tape;
            in_shards([](const nn::Shard&) { return ones({2}); });
          },
          "[DataParallel] a tape records on this thread, and the gradients would be cut off from it; make the tapes in "
          "the function that is called for each shard, or pause this one"),
      row<Error>(
          [] {
            nn::DataParallel parallel;
            const auto again = [&](const nn::Shard&, std::span<Tensor>) {
              parallel.loss_and_gradients(1, gradients, [](const nn::Shard&, std::span<Tensor>) { return x; });
              return x;
            };
            parallel.loss_and_gradients(4, gradients, again);
          },
          "[DataParallel] it is at work already: one call at a time, and none from within a shard"),
      row<Error>([] { in_shards([](const nn::Shard& shard) { return shard.index == 1 ? Tensor() : x; }); },
                 "[DataParallel] shard 1 left gradient 0 of 1 unset; write all of them, as tape.gradients does"),
      row<ShapeError>(
          [] { in_shards([](const nn::Shard& shard) { return ones({shard.size()}); }); },
          "[DataParallel] gradient 0 is float32 [2] in the first shard and float32 [1] in shard 3; it must be "
          "the same"),
  };
  return rows;
}

}  // namespace ebb::test
