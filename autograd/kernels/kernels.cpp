#include "autograd/kernels/kernels.h"

#include <cstdlib>
#include <cstring>

#include "autograd/kernels/instruction_set.h"
#include "autograd/kernels/tables.h"

namespace ebb {
namespace kernels {
namespace {

#if defined(EBB_X86_LEVELS)
bool supported(Level level) {
  __builtin_cpu_init();
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  if (level == Level::v3) return v3;
  if (level == Level::v4)
    return v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
  return true;
}
#else
bool supported(Level level) { return level == Level::portable; }
#endif

const char* name_of(Level level) {
  return level == Level::v4 ? "x86-64-v4" : level == Level::v3 ? "x86-64-v3" : "portable";
}

Level choose_level() {
  const char* asked = std::getenv("EBB_INSTRUCTION_SET");
  for (Level level : {Level::v4, Level::v3})
    if (supported(level) && (!asked || std::strcmp(asked, name_of(level)) == 0)) return level;
  return Level::portable;
}

template <class T, Level level>
Table<T> make_table() {
  Table<T> table{};
  fill_elementwise<T, level>(table);
  fill_matrix<T, level>(table);
  fill_affine<T, level>(table);
  fill_gram<T, level>(table);
  return table;
}

template <class T>
Table<T> choose_table(Level level) {
#if defined(EBB_X86_LEVELS)
  if (level == Level::v4) return make_table<T, Level::v4>();
  if (level == Level::v3) return make_table<T, Level::v3>();
#endif
  (void)level;
  return make_table<T, Level::portable>();
}

Level level() {
  static const Level chosen = choose_level();
  return chosen;
}

}  // namespace

template <class T>
const Table<T>& choose() {
  static const Table<T> best = choose_table<T>(level());
  chosen<T>.store(&best, std::memory_order_release);
  return best;
}
template const Table<float>& choose<float>();
template const Table<double>& choose<double>();

}  // namespace kernels

const char* instruction_set() { return kernels::name_of(kernels::level()); }

}  // namespace ebb
