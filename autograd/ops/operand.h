// Operands of elementwise ops as loops see them. Private to the ops.
#pragma once

#include "autograd/ops/formula_op.h"
#include "autograd/tensor/error.h"

namespace ebb::detail {

inline void require_same_type(std::string_view op, const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype())
    fail(op, "{} {} and {} {} don't mix; cast one of them", name(a.dtype()), a.shape(), name(b.dtype()), b.shape());
}

inline constexpr Shape scalar_shape{};

// An operand as the loops see it: a pointer and a shape, with a number held here.
template <class T>
struct Source {
  explicit Source(const Operand& operand)
      : number(static_cast<T>(operand.number)),
        values(operand.tensor ? data<T>(*operand.tensor) : &number),
        shape(operand.tensor ? &operand.tensor->shape() : &scalar_shape) {}
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  T number;
  const T* values;
  const Shape* shape;
};

}  // namespace ebb::detail
