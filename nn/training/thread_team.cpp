#include "nn/training/thread_team.h"

namespace ebb::nn::detail {

namespace {

// Several times what it takes to wake a thread, and what passes between two training steps: an optimiser's step, the
// next batch.
constexpr std::chrono::microseconds long_enough{100};

// Tells the core that it is waiting.
void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

ThreadTeam::ThreadTeam(std::int64_t size)
    // Who waits awake where others have to share the core takes from them what it waits for.
    : spin_(size <= static_cast<std::int64_t>(std::thread::hardware_concurrency()) ? long_enough
                                                                                   : std::chrono::microseconds(0)) {
  try {
    threads_.reserve(static_cast<std::size_t>(size) - 1);
    for (std::int64_t thread = 1; thread < size; ++thread) threads_.emplace_back([this, thread] { serve(thread); });
  } catch (...) {
    end();
    throw;
  }
}

void ThreadTeam::end() noexcept {
  work_ = nullptr;
  call_.fetch_add(1, std::memory_order_release);
  call_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadTeam::run(const std::function<void(std::int64_t)>& work) {
  if (threads_.empty()) return work(0);
  work_ = &work;
  working_.store(static_cast<std::uint32_t>(threads_.size()), std::memory_order_relaxed);
  call_.fetch_add(1, std::memory_order_release);
  call_.notify_all();
  work(0);
  for (std::uint32_t working = working_.load(std::memory_order_acquire); working != 0;)
    working = changed(working_, working);
}

void ThreadTeam::serve(std::int64_t thread) {
  for (std::uint32_t call = 0;;) {
    call = changed(call_, call);
    if (!work_) return;
    (*work_)(thread);
    if (working_.fetch_sub(1, std::memory_order_acq_rel) == 1) working_.notify_one();
  }
}

std::uint32_t ThreadTeam::changed(const std::atomic<std::uint32_t>& value, std::uint32_t old) const {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point until = Clock::now() + spin_;
  for (;;) {
    for (int looks = 0; looks < 64; ++looks) {
      if (const std::uint32_t now = value.load(std::memory_order_acquire); now != old) return now;
      pause();
    }
    if (Clock::now() < until)
      std::this_thread::yield();  // to whoever shares the core: it may be the one that is waited for
    else
      value.wait(old, std::memory_order_acquire);
  }
}

}  // namespace ebb::nn::detail
