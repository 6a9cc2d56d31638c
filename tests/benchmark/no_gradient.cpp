// What first_gradient prints, without ebb.
#include <fmt/core.h>

int main() { fmt::print("{}\n", "[0.419974, 0.0706508, 0.009866]"); }
