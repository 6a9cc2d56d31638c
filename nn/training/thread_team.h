// A few threads that do one thing together, again and again. Private to nn.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace ebb::nn::detail {

// The caller and size − 1 threads, which live as long as the team.
class ThreadTeam {
 public:
  // std::system_error where one can't be started; those that were have ended then.
  explicit ThreadTeam(std::int64_t size);
  ~ThreadTeam() { end(); }
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  std::int64_t size() const { return static_cast<std::int64_t>(threads_.size()) + 1; }
  // Calls work(0) here and work(i) on thread i, and returns when all have returned. Work must not throw.
  void run(const std::function<void(std::int64_t)>& work);

 private:
  void serve(std::int64_t thread);
  void end() noexcept;
  // Returns the value once it isn't `old` any more: spins for a while, then sleeps until it is notified.
  std::uint32_t changed(const std::atomic<std::uint32_t>& value, std::uint32_t old) const;

  const std::function<void(std::int64_t)>* work_ = nullptr;  // null at the end
  // Apart, so that those who wait for the one don't disturb the other.
  alignas(64) std::atomic<std::uint32_t> call_ = 0;     // the number of the latest
  alignas(64) std::atomic<std::uint32_t> working_ = 0;  // threads that haven't returned from it
  std::chrono::nanoseconds spin_;
  std::vector<std::thread> threads_;
};

}  // namespace ebb::nn::detail
