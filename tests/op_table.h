// One table of all ops: what drives the checks of gradients, and what fails when an op is missing from it.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support.h"

namespace ebb::test {

struct OpRow {
  std::string_view op;  // as it is declared in the headers: "operator+", "tanh"
  std::string what;     // what is special about this row
  std::function<Tensor(std::span<const Tensor>)> function;
  std::vector<Tensor> arguments;  // float64; int64 for indices
};

std::vector<OpRow> op_table();

}  // namespace ebb::test
