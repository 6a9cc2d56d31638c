// What ops may do with a tensor's values, and users may not: fill what isn't set yet, and overwrite what nobody else
// holds.
#pragma once

#include <string>

#include "autograd/tensor/tensor.h"

namespace ebb {
namespace detail {

// A tensor whose values are not set yet.
inline Tensor uninitialised(DType dtype, const Shape& shape) { return Tensor(make_body(dtype, shape)); }
inline Tensor uninitialised_like(const Tensor& like) { return Tensor(make_body_like(like.body())); }
// Elements as T without the check; writable, for ops that fill their own output.
template <class T>
T* data(const Tensor& x) {
  return reinterpret_cast<T*>(x.body().data);
}
// True when the only handle to these values is `x`.
inline bool unique(const Tensor& x) {
  const Body& body = x.body();
  return body.references.get() == 1 && (!body.root || body.root->references.get() == 1);
}
// For who would overwrite x's values: whether nobody else holds them. If so their version moves on, for products may
// have kept a copy of what they were (packed.h).
inline bool claim(const Tensor& x) {
  if (!unique(x)) return false;
  ++x.body().storage().version;
  return true;
}
// Element `i`, whatever the type.
double element(const Tensor& x, Index i);
// Calls f with a value of the element type: f(float{}) or f(double{}). Error naming `op` for int64.
template <class F>
decltype(auto) by_float_type(fmt::string_view op, DType dtype, F&& f) {
  if (dtype == f32) return f(float{});
  if (dtype == f64) return f(double{});
  fail(op, "int64 tensors are indices and have no arithmetic; use cast");
}
// The same for every element type.
template <class F>
decltype(auto) by_type(DType dtype, F&& f) {
  return dtype == f32 ? f(float{}) : dtype == f64 ? f(double{}) : f(std::int64_t{});
}

// The flat index of the first element that is NaN or infinite; -1 for none, and for int64.
Index first_nonfinite(const Tensor& x);
// "nan at [2, 0] of shape [3, 4]".
std::string describe_element(const Tensor& x, Index flat);

}  // namespace detail
}  // namespace ebb
