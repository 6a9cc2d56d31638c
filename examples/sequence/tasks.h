// What is to be learned: sequences, and what their last steps should say.
#pragma once

#include <memory>
#include <string>

#include "sequence/model.h"

namespace sequence {

// One update's worth of sequences. S = Task::scored steps count for the loss: the last ones.
struct Batch {
  ebb::Tensor inputs;   // [time, batch, inputs]
  ebb::Tensor targets;  // [S, batch] class indices, or [S, batch, outputs] numbers

  Batch rows(const nn::Shard& shard) const { return {shard.rows(inputs, 1), shard.rows(targets, 1)}; }
};

class Task {
 public:
  virtual ~Task() = default;

  // The next sequences, of a fixed count. Random ones come from `rng`.
  virtual Batch next(ebb::Rng& rng) = 0;
  // A text of the model's own, for a task that continues: up to `length` bytes, drawn one by one.
  virtual std::string sample(const Model&, Index /*length*/, ebb::Rng&) const { return ""; }

  Index inputs = 0;
  Index outputs = 0;
  Index scored = 1;
  bool classes = true;      // cross entropy of classes in nats; else the mean squared error
  bool continues = false;   // each window goes on where the last ended, and so does the state
  double trivial_loss = 0;  // of an answer that ignores the input
  std::string trivial_answer;

  // What the model makes of the last S states: [S, batch, outputs].
  ebb::Tensor answer(const Model& model, const nn::Unrolled& run) const;
  ebb::Tensor loss(const ebb::Tensor& answer, const Batch& batch) const;
};

// With options.batch sequences at a time. UsageError where the text can't be read or is too short.
std::unique_ptr<Task> make_task(const RunOptions& options);

struct TestResult {
  double loss;
  double error_rate;  // share of wrong classes; NaN for a task with numbers
};

// The model on `sequences` fresh sequences or a few more (whole batches), of a task that doesn't continue.
TestResult test(const Model& model, Task& task, Index sequences, ebb::Rng rng);

}  // namespace sequence
