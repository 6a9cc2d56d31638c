// One table of all ops: what drives the checks of gradients, and what fails when an op is missing from it.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
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

// ---- for the files that fill it

using Arguments = std::span<const Tensor>;

class Table {
 public:
  // A row of a function of as many tensors as there are arguments.
  template <class F>
  void add(std::string_view op, std::string what, F f, std::vector<Tensor> arguments) {
    rows_.push_back({op, std::move(what), [f](Arguments xs) { return call(f, xs); }, std::move(arguments)});
  }
  std::vector<OpRow> take() { return std::move(rows_); }

 private:
  template <class F>
  static Tensor call(const F& f, Arguments xs) {
    if constexpr (std::is_invocable_v<F, Arguments>)
      return f(xs);
    else if constexpr (std::is_invocable_v<F, const Tensor&>)
      return f(xs[0]);
    else if constexpr (std::is_invocable_v<F, const Tensor&, const Tensor&>)
      return f(xs[0], xs[1]);
    else
      return f(xs[0], xs[1], xs[2]);
  }

  std::vector<OpRow> rows_;
};

void add_elementwise(Table& table);         // op_table_elementwise.cpp
void add_choices_and_shares(Table& table);  // op_table_reductions.cpp
void add_losses(Table& table);              // there too

}  // namespace ebb::test
