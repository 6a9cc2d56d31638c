// A model of a text, byte by byte: after each byte, which comes next?
#pragma once

#include <array>
#include <string>
#include <vector>

#include "sequence/tasks.h"

namespace sequence {

// The classes are the bytes that occur in the file. The batch is that many readers, spread evenly over the file; each
// window begins where the last ended, at the file's end with its first byte. A loss at every step.
class Text : public Task {
 public:
  // UsageError unless the file can be read, is text (no zero byte, more than one kind of byte) and longer than a
  // window.
  explicit Text(const RunOptions& options);

  Batch next(ebb::Rng& rng) override;

  // What the model would put after a line's end, up to the next; each byte drawn from the distribution that it gives.
  std::string sample(const Model& model, Index length, ebb::Rng& rng) const override;

 private:
  std::vector<Index> text_;    // as classes
  std::string bytes_;          // of each class, in order
  std::vector<Index> places_;  // of the readers
  Index time_;
};

}  // namespace sequence
