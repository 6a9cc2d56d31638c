// The parts of a step: ops on tiny tensors, matrix products, functions of numbers. Takes Google Benchmark's arguments
// (--benchmark_filter=tanh); what that prints goes to stderr, the rows of the table to stdout.
#include <iostream>

#include "instruction_sets.h"
#include "row_list.h"

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  ebb::benchmarks::require_same_instruction_set();
  benchmark::ConsoleReporter progress(benchmark::ConsoleReporter::OO_None);
  progress.SetOutputStream(&std::cerr);
  progress.SetErrorStream(&std::cerr);
  benchmark::RunSpecifiedBenchmarks(&progress);
  for (const auto& row : ebb::benchmarks::row_list()) print(row);
}
