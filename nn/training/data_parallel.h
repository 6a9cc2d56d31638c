// A training step on several threads: the batch cut into shards, a tape for each, and their gradients added up.
//
//   nn::DataParallel parallel({.shards = 4, .threads = 2});
//   std::vector<Tensor> gradients(parameters.count());
//   const double loss = parallel.loss_and_gradients(batch, gradients, [&](const nn::Shard& shard, auto gradients) {
//     Tape tape;
//     Tensor loss = nn::mse(readout(rnn(shard.rows(x, 1)).last()), shard.rows(y));
//     tape.gradients(loss, parameters.tensors(), gradients);
//     return loss;
//   });
//   optimizer.step(gradients);
//
// The shards, not the threads, decide what is computed: the same shards give the same bits on any number of threads.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "autograd/tensor/tensor.h"

namespace ebb::nn {

// Rows [begin, end) of a batch.
struct Shard {
  Index index = 0;  // which of them, from 0
  Index begin = 0, end = 0;
  Index batch = 0;  // rows of the whole

  Index size() const { return end - begin; }
  // Its part of the batch, in (0, 1].
  double share() const { return static_cast<double>(size()) / static_cast<double>(batch); }
  // Its rows of x, whose axis `axis` is the batch: 0 for targets, 1 for sequences [time, batch, features]. Not
  // recorded: a source on the tape, as x would be. ShapeError unless that axis has `batch` positions.
  [[nodiscard]] Tensor rows(const Tensor& x, Index axis = 0) const;
};

// A batch of at least one row, cut into consecutive shards whose sizes differ by one at most, larger ones first. None
// is empty: of a batch of 2 there are at most 2. ShapeError for a batch below 1, Error for fewer than one shard.
[[nodiscard]] std::vector<Shard> cut(Index batch, Index shards);

struct DataParallelOptions {
  Index shards = 4;   // the cost of a step on one thread grows with them, little from 8 rows each on
  Index threads = 1;  // the caller among them; more than shards would have nothing to do, and aren't started
};

// Owns threads − 1 threads from its construction to its end. While there is nothing to do they sleep, but wait awake
// for the first 100 µs where the machine has a core for each.
class DataParallel {
 public:
  // The shard's own mean loss, of one element; its gradients are written to the span, one for each that is wanted.
  using Loss = std::function<Tensor(const Shard& shard, std::span<Tensor> gradients)>;

  // Error unless both options are at least 1; std::system_error where the system has no thread to give.
  explicit DataParallel(const DataParallelOptions& options = {});
  ~DataParallel();
  DataParallel(const DataParallel&) = delete;
  DataParallel& operator=(const DataParallel&) = delete;

  // Calls f once for each shard of the batch, on several threads at a time, and returns Σ share · loss, with
  // gradients[i] = Σ share · (gradient i of the shard), each summed from the first shard to the last: the loss and
  // gradients of the whole batch, if a shard's loss is the mean over its rows (of a sum over rows: that divided by
  // shard.size()). The gradients are the caller's own.
  //
  // f makes its own tape; what it reads (parameters, data) may be shared, what it writes may not, unless it is of the
  // shard alone (`states[shard.index]`). The same shard comes to the same thread each time. A random thing in it needs
  // a generator for each shard, made beforehand by Rng::split.
  //
  // An exception in f is carried out once all shards have ended, that of the first shard that threw; the gradients are
  // then as they were. TapeError where a tape records on the calling thread: the gradients would be cut off from it.
  // ShapeError where shards disagree on shapes or types; Error for a gradient that f left unset, and for a call within
  // f or on two threads at once.
  template <class F>
  double loss_and_gradients(Index batch, std::span<Tensor> gradients, F&& f) {
    return run(batch, gradients, std::ref(f));
  }

  Index shards() const { return shards_; }
  Index threads() const;

 private:
  struct Impl;

  double run(Index batch, std::span<Tensor> gradients, const Loss& f);

  Index shards_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ebb::nn
