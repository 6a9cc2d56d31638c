#include "sequence/tasks.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "sequence/text.h"

namespace sequence {

namespace {

// Hochreiter & Schmidhuber 1997, as in Le, Jaitly & Hinton 2015: each step shows a value in [0, 1) and a mark; one step
// in either half is marked. The answer, after the last step, is the sum of the two marked values.
class Adding : public Task {
 public:
  explicit Adding(const RunOptions& options) : time_(options.time), batch_(options.batch) {
    inputs = 2;
    outputs = 1;
    classes = false;
    trivial_loss = 1.0 / 6;  // the variance of a sum of two values that are uniform in [0, 1)
    trivial_answer = "always answering the mean, 1";
  }

  Batch next(ebb::Rng& rng) override {
    Batch batch{ebb::zeros({time_, batch_, inputs}), ebb::zeros({scored, batch_, outputs})};
    auto input = batch.inputs.edit<float>();
    auto target = batch.targets.edit<float>();
    for (Index b = 0; b < batch_; ++b) {
      for (Index t = 0; t < time_; ++t) input(t, b, 0) = static_cast<float>(rng.uniform());
      const Index half = time_ / 2;
      for (const Index mark : {rng.below(half), half + rng.below(time_ - half)}) {
        input(mark, b, 1) = 1;
        target(0, b, 0) += input(mark, b, 0);
      }
    }
    return batch;
  }

 private:
  Index time_, batch_;
};

// Pascanu, Mikolov & Bengio 2013, section 4.1.1: of six symbols, A or B stand at one place in the second tenth of the
// sequence and one in the sixth; c, d, e, f fill the rest. The answer, after the last step, is which of AA, AB, BA, BB.
class TemporalOrder : public Task {
 public:
  explicit TemporalOrder(const RunOptions& options) : time_(options.time), batch_(options.batch) {
    inputs = 6;
    outputs = 4;
    trivial_loss = std::log(4.0);
    trivial_answer = "guessing one of 4";
  }

  Batch next(ebb::Rng& rng) override {
    Batch batch{ebb::zeros({time_, batch_, inputs}), ebb::zeros({scored, batch_}, ebb::i64)};
    auto input = batch.inputs.edit<float>();
    auto target = batch.targets.edit<std::int64_t>();
    for (Index b = 0; b < batch_; ++b) {
      const Index first_place = place(1, rng), second_place = place(5, rng);
      const Index first = rng.below(2), second = rng.below(2);
      for (Index t = 0; t < time_; ++t) {
        const Index distractor = 2 + rng.below(4);
        input(t, b, t == first_place ? first : t == second_place ? second : distractor) = 1;
      }
      target(0, b) = 2 * first + second;
    }
    return batch;
  }

 private:
  // A step in [tenth, tenth + 1) tenths of the sequence.
  Index place(Index tenth, ebb::Rng& rng) const {
    const Index begin = tenth * time_ / 10, end = (tenth + 1) * time_ / 10;
    return begin + rng.below(end - begin);
  }

  Index time_, batch_;
};

// After Hochreiter & Schmidhuber 1997 and Arjovsky, Shah & Bengio 2016: S symbols of 8, then blanks, the last of them a
// go mark; during the S steps after it, still blank, the symbols are to be named in their order.
class Copy : public Task {
 public:
  explicit Copy(const RunOptions& options) : time_(options.time), batch_(options.batch) {
    inputs = alphabet + 2;
    outputs = alphabet;
    scored = options.symbols;
    trivial_loss = std::log(static_cast<double>(alphabet));
    trivial_answer = "guessing one of 8";
  }

  Batch next(ebb::Rng& rng) override {
    constexpr Index blank = alphabet, go = alphabet + 1;
    Batch batch{ebb::zeros({time_, batch_, inputs}), ebb::zeros({scored, batch_}, ebb::i64)};
    auto input = batch.inputs.edit<float>();
    auto target = batch.targets.edit<std::int64_t>();
    for (Index b = 0; b < batch_; ++b) {
      for (Index i = 0; i < scored; ++i) input(i, b, target(i, b) = rng.below(alphabet)) = 1;
      for (Index t = scored; t < time_; ++t) input(t, b, t == time_ - scored - 1 ? go : blank) = 1;
    }
    return batch;
  }

 private:
  static constexpr Index alphabet = 8;
  Index time_, batch_;
};

Index wrong_classes(const ebb::Tensor& answer, const ebb::Tensor& targets) {
  const auto scores = answer.values<float>();
  const auto classes = targets.values<std::int64_t>();
  const auto width = static_cast<std::ptrdiff_t>(answer.extent(-1));
  Index wrong = 0;
  for (auto row = scores.begin(); const std::int64_t right : classes) {
    wrong += std::max_element(row, row + width) - row != right;
    row += width;
  }
  return wrong;
}

}  // namespace

ebb::Tensor Task::answer(const Model& model, const nn::Unrolled& run) const {
  return model.readout(ebb::stack(std::span(run.states).last(static_cast<std::size_t>(scored))));
}

ebb::Tensor Task::loss(const ebb::Tensor& answer, const Batch& batch) const {
  return classes ? nn::cross_entropy(answer, batch.targets) : nn::mse(answer, batch.targets);
}

std::unique_ptr<Task> make_task(const RunOptions& options) {
  if (options.task == "adding") return std::make_unique<Adding>(options);
  if (options.task == "copy") return std::make_unique<Copy>(options);
  if (options.task == "text") return std::make_unique<Text>(options);
  return std::make_unique<TemporalOrder>(options);
}

TestResult test(const Model& model, Task& task, Index sequences, ebb::Rng rng) {
  double loss = 0;
  Index batches = 0, wrong = 0, answers = 0;
  for (Index tested = 0; tested < sequences; ++batches) {
    const Batch batch = task.next(rng);
    const ebb::Tensor answer = task.answer(model, model.rnn(batch.inputs));
    loss += task.loss(answer, batch).item();
    if (task.classes) wrong += wrong_classes(answer, batch.targets);
    answers += batch.targets.size();
    tested += batch.inputs.extent(1);
  }
  return {loss / static_cast<double>(batches), task.classes ? static_cast<double>(wrong) / static_cast<double>(answers)
                                                            : std::numeric_limits<double>::quiet_NaN()};
}

}  // namespace sequence
