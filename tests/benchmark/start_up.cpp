// What a program takes from its start to its end, processor time of the system on its behalf included, and the most
// memory that it had resident.
//
//   start_up PROGRAM OTHER    runs both 200 times, in turns, and throws their output away
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <vector>

#include "interleaved.h"
#include "row.h"

namespace {

struct Run {
  double seconds, bytes;
};

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

Run run(char* program) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  char* arguments[] = {program, nullptr};
  pid_t child = 0;
  int status = 0;
  rusage use{};
  if (posix_spawn(&child, program, &actions, nullptr, arguments, environ) != 0 || wait4(child, &status, 0, &use) < 0 ||
      status != 0) {
    fmt::print(stderr, "start_up: can't run {}\n", program);
    std::exit(1);
  }
  posix_spawn_file_actions_destroy(&actions);
  return {seconds_of(use.ru_utime) + seconds_of(use.ru_stime), static_cast<double>(use.ru_maxrss) * 1024};
}

}  // namespace

int main(int argc, char** argv) {
  using namespace ebb::benchmarks;
  if (argc != 3) return 2;
  std::vector<double> seconds[2], bytes[2];
  for (int i = 0; i < 200; ++i) {
    for (int k = 0; k < 2; ++k) {
      const Run once = run(argv[k + 1]);
      seconds[k].push_back(once.seconds);
      bytes[k].push_back(once.bytes);
    }
  }
  const auto megabytes = [](double b) { return fmt::format("{:.1f} MB", b / 1e6); };
  print({"start, first gradient printed, end", "1 ms (5 ms)", duration(median(seconds[1])),
         duration(median(seconds[0])), fmt::format("{:.2f}", median(seconds[0]) / median(seconds[1]))});
  print({"resident memory of the same", "4 MB (10 MB)", megabytes(median(bytes[1])), megabytes(median(bytes[0])),
         fmt::format("{:.2f}", median(bytes[0]) / median(bytes[1]))});
}
