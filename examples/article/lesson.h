// What the program says: equations with numbers on both sides, each checked.
#pragma once

#include <autograd/autograd.h>

#include <string>

namespace article {

using ebb::Index;
using ebb::Tensor;

// One side of an equation, in float64.
struct Side {
  Side(std::string words, const Tensor& number) : name(std::move(words)), value(number) {}
  Side(std::string words, double number) : Side(std::move(words), ebb::tensor(number, ebb::f64)) {}

  std::string name;
  Tensor value;
};

// By how much two sides that are equal on paper may differ, relative to the norm of the second.
inline constexpr double exact = 0;         // the same few operations on numbers without a rounding error
inline constexpr double rounding = 1e-14;  // up to a hundred roundings of 1.1e-16 each
// Of values, symmetric, with step h = 1e-5: h² times a sixth of the third derivative, and roundings divided by h. Each
// is about 1e-11.
inline constexpr double differences = 1e-10;

// Prints titles at the start of a line and all else indented: docs/article.md is put together by that. Of differences
// it prints the power of ten that they stay below, since their digits depend on the instruction set.
class Lesson {
 public:
  void section(const std::string& title);
  void say(const std::string& text);
  void show(const Side& side);
  // left = right
  void equal(const Side& left, const Side& right, double tolerance);
  // left ≤ right
  void at_most(const Side& left, const Side& right);
  // Anything else that is to hold.
  void claim(const std::string& text, bool holds);

  int checked() const { return checked_; }
  bool holds() const { return wrong_ == 0; }

 private:
  void mark(const std::string& text, bool holds);

  int checked_ = 0;
  int wrong_ = 0;
};

// ‖a − b‖ / ‖b‖ over all elements; ‖a‖ where b is 0.
double difference(const Tensor& a, const Tensor& b);
// A number in five digits.
std::string number(double value);

}  // namespace article
