// The least that a program does with ebb: start_up times it from start to end.
#include <autograd/autograd.h>
#include <fmt/core.h>

int main() {
  const ebb::Tensor x = ebb::tensor({1, 2, 3});
  ebb::Tape tape;
  fmt::print("{}\n", tape.gradient(ebb::sum(ebb::tanh(x)), x));
}
