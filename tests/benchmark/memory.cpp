// What training holds in memory and takes from the heap: the growth of the resident set, files that are mapped (the
// program's code) not counted, from before the first step to after the fifth, for nothing is given back between them;
// and calls of operator new in the steps after the third.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <functional>
#include <new>

#include "handwritten_rnn.h"
#include "instruction_sets.h"
#include "row.h"
#include "training.h"

namespace {

constinit long allocations = 0;

void* take(std::size_t size, std::size_t alignment) {
  ++allocations;
  void* block = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (!block) throw std::bad_alloc();
  return block;
}

}  // namespace

// All other forms call these.
void* operator new(std::size_t size) { return take(size == 0 ? 1 : size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return take(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
void operator delete(void* block, std::align_val_t) noexcept { std::free(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { std::free(block); }

namespace {

using namespace ebb::benchmarks;

struct Use {
  double bytes = 0;
  long allocations_a_step = 0;
};

// In bytes.
double resident() {
  constexpr const char* which = "RssAnon";
  std::FILE* status = std::fopen("/proc/self/status", "r");
  char line[256];
  double kilobytes = 0;
  while (status && std::fgets(line, sizeof line, status))
    if (std::strncmp(line, which, std::strlen(which)) == 0) kilobytes = std::atof(line + std::strlen(which) + 1);
  if (status) std::fclose(status);
  return kilobytes * 1024;
}

// `begin` returns the step to be made.
Use use_of(const std::function<std::function<void()>()>& begin) {
  const double before = resident();
  const std::function<void()> step = begin();
  for (int i = 0; i < 3; ++i) step();
  const long allocated = allocations;
  for (int i = 0; i < 2; ++i) step();
  return {resident() - before, (allocations - allocated) / 2};
}

// `measure` in a process of its own, whose memory is fresh.
Use in_child(const std::function<Use()>& measure) {
  int ends[2];
  Use use;
  std::fflush(stdout);
  if (pipe(ends) != 0) return use;
  const pid_t child = fork();
  if (child == 0) {
    use = measure();
    _exit(write(ends[1], &use, sizeof use) == sizeof use ? 0 : 1);
  }
  close(ends[1]);
  if (read(ends[0], &use, sizeof use) != sizeof use) use = {};
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return use;
}

Use use_of_ours(const Problem& problem, void (*step)(Model&)) {
  return in_child([&] {
    Model small(Problem({1, 1, 8}));  // brings in the program's own pages
    step(small);
    Model model(problem);
    return use_of([&] { return [&] { step(model); }; });
  });
}

// All that it allocates once and for all, without what the model holds, too.
Use use_of_handwritten(const Problem& problem) {
  return in_child([&] {
    HandwrittenRnn(Problem({1, 1, 8})).step();
    std::unique_ptr<HandwrittenRnn> handwritten;
    Use use = use_of([&] {
      handwritten = std::make_unique<HandwrittenRnn>(problem);
      return [&] { handwritten->step(); };
    });
    for (const auto* values : {&problem.x, &problem.y, &problem.U, &problem.W, &problem.b, &problem.V})
      use.bytes -= static_cast<double>(values->size() * sizeof(float));
    return use;
  });
}

void print_memory(const Size& size) {
  const Problem problem(size);
  const double elements = static_cast<double>(size.time) * size.batch * size.hidden;
  const Use handwritten = use_of_handwritten(problem), ours = use_of_ours(problem, step_through_rnn),
            by_ops = use_of_ours(problem, step_op_by_op);
  const auto row = [&](const char* name, const Use& use, const std::string& goal) {
    print({fmt::format("memory a (time, batch, hidden) at ({}, {}, {}), {}", size.time, size.batch, size.hidden, name),
           goal, fmt::format("{:.2f} B", handwritten.bytes / elements), fmt::format("{:.2f} B", use.bytes / elements),
           fmt::format("{:.2f}", use.bytes / handwritten.bytes)});
  };
  row("nn::Rnn", ours, "6 B (10 B)");
  row("op by op", by_ops, "");
}

void print_allocations(const Size& size) {
  const Problem problem(size);
  const auto row = [&](const char* name, const Use& use) {
    print({fmt::format("heap allocations a step after the third at ({}, {}, {}), {}", size.time, size.batch,
                       size.hidden, name),
           "0 (0)", fmt::format("{}", use_of_handwritten(problem).allocations_a_step),
           fmt::format("{}", use.allocations_a_step), ""});
  };
  row("nn::Rnn", use_of_ours(problem, step_through_rnn));
  row("op by op", use_of_ours(problem, step_op_by_op));
  row("watched", use_of_ours(problem, [](Model& model) { step_watched(model, {.contributions = true}); }));
}

}  // namespace

int main() {
  require_same_instruction_set();
  for (const Size& size : {Size{100, 20, 50}, Size{200, 64, 256}, Size{784, 32, 128}, Size{1000, 16, 512}})
    print_memory(size);
  print_allocations({100, 20, 50});
}
