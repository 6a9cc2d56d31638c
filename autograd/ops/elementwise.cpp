#include "autograd/ops/elementwise.h"

#include <array>
#include <cmath>

#include "autograd/kernels/kernels.h"
#include "autograd/tape/tape.h"
#include "autograd/tensor/error.h"

namespace ebb {

using detail::BinaryOp;
using detail::UnaryOp;

namespace {

template <class... Fs>
std::array<UnaryOp, sizeof...(Fs)> make_unary_ops(FormulaList<Fs...> list) {
  const auto& f32_loops = kernels::table<float>().unary;
  const auto& f64_loops = kernels::table<double>().unary;
  return {
      detail::make_unary_op<Fs>(f32_loops[list.template index_of<Fs>()], f64_loops[list.template index_of<Fs>()])...};
}
template <class... Fs>
std::array<BinaryOp, sizeof...(Fs)> make_binary_ops(FormulaList<Fs...> list) {
  const auto& f32_loops = kernels::table<float>().binary;
  const auto& f64_loops = kernels::table<double>().binary;
  return {
      detail::make_binary_op<Fs>(f32_loops[list.template index_of<Fs>()], f64_loops[list.template index_of<Fs>()])...};
}

}  // namespace

const UnaryOp& detail::library_unary(std::size_t index) {
  static const auto ops = make_unary_ops(formulas::Unary());
  return ops[index];
}
const BinaryOp& detail::library_binary(std::size_t index) {
  static const auto ops = make_binary_ops(formulas::Binary());
  return ops[index];
}

Tensor clamp(const Tensor& x, double low, double high) {
  if (std::isnan(low) || std::isnan(high))
    fail("clamp", "the bounds are {} and {}; give numbers, infinite ones for no bound", low, high);
  const Transaction transaction;
  return elementwise<formulas::ClampHigh>(elementwise<formulas::ClampLow>(x, low), high);
}

Tensor& Tensor::operator+=(const Tensor& other) & { return *this = *this + other; }
Tensor& Tensor::operator-=(const Tensor& other) & { return *this = *this - other; }
Tensor& Tensor::operator*=(const Tensor& other) & { return *this = *this * other; }
Tensor& Tensor::operator/=(const Tensor& other) & { return *this = *this / other; }
Tensor& Tensor::operator+=(double other) & { return *this = *this + other; }
Tensor& Tensor::operator-=(double other) & { return *this = *this - other; }
Tensor& Tensor::operator*=(double other) & { return *this = *this * other; }
Tensor& Tensor::operator/=(double other) & { return *this = *this / other; }

}  // namespace ebb
