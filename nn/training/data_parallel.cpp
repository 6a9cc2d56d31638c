#include "nn/training/data_parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>

#include "autograd/ops/layout.h"
#include "autograd/tape/tape.h"
#include "autograd/tensor/access.h"
#include "nn/training/thread_team.h"

namespace ebb::nn {

Tensor Shard::rows(const Tensor& x, Index axis) const {
  const bool has_axis = axis >= -x.rank() && axis < x.rank();
  if (!has_axis || x.extent(axis) != batch)
    fail<ShapeError>("Shard", "x {} has no axis {} of {} rows to take rows {} to {} of", x.shape(), axis, batch, begin,
                     end);
  const Pause pause;
  return size() == batch ? x : slice(x, begin, end, axis);
}

std::vector<Shard> cut(Index batch, Index shards) {
  if (batch < 1) fail<ShapeError>("DataParallel", "a batch of {} rows; it needs at least one", batch);
  if (shards < 1) fail("DataParallel", "{} shards; there must be at least one", shards);
  std::vector<Shard> result(static_cast<std::size_t>(std::min(batch, shards)));
  const auto count = static_cast<Index>(result.size());
  for (Index i = 0, begin = 0; i < count; ++i) {
    const Index size = batch / count + (i < batch % count ? 1 : 0);
    result[static_cast<std::size_t>(i)] = {.index = i, .begin = begin, .end = begin + size, .batch = batch};
    begin += size;
  }
  return result;
}

namespace {

// What a shard leaves. It is written and taken back by the shard's own thread, so that each thread finds the memory of
// the step before among its own.
struct Outcome {
  double loss = 0;
  std::vector<Tensor> gradients;
  std::exception_ptr error;

  void run(const Shard& shard, std::size_t count, const DataParallel::Loss& f) noexcept {
    try {
      error = nullptr;
      gradients.assign(count, Tensor());
      loss = f(shard, gradients).item();
      require_gradients(shard);
    } catch (...) {
      error = std::current_exception();
    }
  }

  void require_gradients(const Shard& shard) const {
    for (std::size_t i = 0; i < gradients.size(); ++i)
      if (!gradients[i].defined())
        fail("DataParallel", "shard {} left gradient {} of {} unset; write all of them, as tape.gradients does",
             shard.index, i, gradients.size());
  }
};

// total ← share · total, then total ← total + share · part.
void scale(Tensor& total, double share) {
  if (share == 1) return;
  ebb::detail::by_float_type("DataParallel", total.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (T& element : total.edit<T>()) element *= static_cast<T>(share);
  });
}

void add(Tensor& total, double share, const Tensor& part) {
  ebb::detail::by_float_type("DataParallel", total.dtype(), [&](auto zero) {
    using T = decltype(zero);
    auto edit = total.edit<T>();
    T* to = edit.data();
    const T* from = part.values<T>().data();
    const auto factor = static_cast<T>(share);
    for (Index i = 0, size = part.size(); i < size; ++i) to[i] += factor * from[i];
  });
}

void require_same(std::size_t gradient, const Tensor& first, const Tensor& other, Index shard) {
  if (first.shape() == other.shape() && first.dtype() == other.dtype()) return;
  fail<ShapeError>("DataParallel", "gradient {} is {} {} in the first shard and {} {} in shard {}; it must be the same",
                   gradient, name(first.dtype()), first.shape(), name(other.dtype()), other.shape(), shard);
}

}  // namespace

struct DataParallel::Impl {
  explicit Impl(Index threads) : team(threads) {}

  ebb::nn::detail::ThreadTeam team;
  std::vector<Shard> shards;  // of the last batch
  std::vector<Outcome> outcomes;
  std::atomic<bool> running = false;

  double add_up(std::span<Tensor> gradients);
};

// In place, into what the first shard left. Nothing is handed out before all of it is there.
double DataParallel::Impl::add_up(std::span<Tensor> gradients) {
  std::vector<Tensor>& totals = outcomes[0].gradients;
  for (std::size_t i = 0; i < totals.size(); ++i)
    for (const Shard& shard : std::span(shards).subspan(1))
      require_same(i, totals[i], outcomes[static_cast<std::size_t>(shard.index)].gradients[i], shard.index);

  double loss = 0;
  for (const Shard& shard : shards) loss += shard.share() * outcomes[static_cast<std::size_t>(shard.index)].loss;
  for (std::size_t i = 0; i < totals.size(); ++i) {
    if (!ebb::detail::unique(totals[i])) totals[i] = detach(totals[i]);
    scale(totals[i], shards[0].share());
    for (const Shard& shard : std::span(shards).subspan(1))
      add(totals[i], shard.share(), outcomes[static_cast<std::size_t>(shard.index)].gradients[i]);
  }
  std::move(totals.begin(), totals.end(), gradients.begin());
  return loss;
}

DataParallel::DataParallel(const DataParallelOptions& options) : shards_(options.shards) {
  if (options.shards < 1 || options.threads < 1)
    fail("DataParallel", "{} shards and {} threads; there must be at least one of each", options.shards,
         options.threads);
  impl_ = std::make_unique<Impl>(std::min(options.shards, options.threads));
}

DataParallel::~DataParallel() = default;

Index DataParallel::threads() const { return impl_->team.size(); }

double DataParallel::run(Index batch, std::span<Tensor> gradients, const Loss& f) {
  if (Tape::current())
    fail<TapeError>("DataParallel",
                    "a tape records on this thread, and the gradients would be cut off from it; make the tapes in the "
                    "function that is called for each shard, or pause this one");
  if (impl_->running.exchange(true))
    fail("DataParallel", "it is at work already: one call at a time, and none from within a shard");
  struct End {
    std::atomic<bool>& running;
    ~End() { running = false; }
  } const end{impl_->running};

  std::vector<Shard>& shards = impl_->shards;
  std::vector<Outcome>& outcomes = impl_->outcomes;
  if (shards.empty() || shards[0].batch != batch) shards = cut(batch, shards_);
  outcomes.resize(std::max(outcomes.size(), shards.size()));

  const auto threads = static_cast<std::size_t>(impl_->team.size());
  const auto work = [&](Index thread) {
    for (auto i = static_cast<std::size_t>(thread); i < shards.size(); i += threads)
      outcomes[i].run(shards[i], gradients.size(), f);
  };
  impl_->team.run(std::ref(work));
  for (const Shard& shard : shards)
    if (const auto& error = outcomes[static_cast<std::size_t>(shard.index)].error) std::rethrow_exception(error);
  return impl_->add_up(gradients);
}

}  // namespace ebb::nn
