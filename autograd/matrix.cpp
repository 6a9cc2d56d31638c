#include "autograd/matrix.h"

#include "autograd/elementwise.h"
#include "autograd/kernels/kernels.h"
#include "autograd/matrix_kernels.h"
#include "autograd/tape.h"

namespace ebb {

using detail::by_float_type;
using detail::data;
using detail::uninitialised;

namespace {

// The record's attribute.
constexpr std::int64_t transpose_a = 1, transpose_b = 2;

// With y = a b: ∂a = g bᵀ, ∂b = aᵀ g; and what follows from these for transposed operands.
void matmul_rule(Sweep& sweep, const Record& record, Tensor g) {
  const bool ta = record.attribute & transpose_a, tb = record.attribute & transpose_b;
  if (sweep.wants(record, 0)) {
    const Tensor& b = sweep.input(record, 1);
    sweep.give(record, 0,
               ta ? matmul(b, g, {.transpose_a = tb, .transpose_b = true}) : matmul(g, b, {.transpose_b = !tb}));
  }
  if (sweep.wants(record, 1)) {
    const Tensor& a = sweep.input(record, 0);
    if (!ta && !tb)
      sweep.give_product(record, 1, a, g);
    else
      sweep.give(record, 1,
                 tb ? matmul(g, a, {.transpose_a = true, .transpose_b = ta}) : matmul(a, g, {.transpose_a = !ta}));
  }
}
// ȧ b + a ḃ
Tensor matmul_tangent(const Tangents& tangents, const Record& record) {
  const MatmulOptions options{.transpose_a = (record.attribute & transpose_a) != 0,
                              .transpose_b = (record.attribute & transpose_b) != 0};
  const Tensor &by_a = tangents.of(record, 0), &by_b = tangents.of(record, 1);
  if (!by_a.defined()) return matmul(tangents.input(record, 0), by_b, options);
  const Tensor left = matmul(by_a, tangents.input(record, 1), options);
  return by_b.defined() ? left + matmul(tangents.input(record, 0), by_b, options) : left;
}
const Op matmul_op{
    .name = "matmul", .vjp = matmul_rule, .jvp = matmul_tangent, .reads = 0b11, .derivative = "a: g bᵀ, b: aᵀ g"};

void transpose_rule(Sweep& sweep, const Record& record, Tensor g) { sweep.give(record, 0, transpose(g)); }
Tensor transpose_tangent(const Tangents& tangents, const Record& record) { return transpose(tangents.of(record, 0)); }
const Op transpose_op{.name = "transpose", .vjp = transpose_rule, .jvp = transpose_tangent, .derivative = "gᵀ"};

void require_matrix(const char* op, const Tensor& x) {
  if (x.rank() != 2) fail<ShapeError>(op, "needs matrices, not a tensor of shape {}; reshape it", x.shape());
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options) {
  require_matrix("matmul", a);
  require_matrix("matmul", b);
  if (a.dtype() != b.dtype())
    fail("matmul", "{} {} and {} {} don't mix; cast one of them", name(a.dtype()), a.shape(), name(b.dtype()),
         b.shape());
  const Index m = a.extent(options.transpose_a ? 1 : 0), inner = a.extent(options.transpose_a ? 0 : 1);
  const Index n = b.extent(options.transpose_b ? 0 : 1), inner_b = b.extent(options.transpose_b ? 1 : 0);
  if (inner != inner_b)
    fail<ShapeError>("matmul", "inner dimensions differ: {}{} × {}{}; they are {} and {}", a.shape(),
                     options.transpose_a ? "ᵀ" : "", b.shape(), options.transpose_b ? "ᵀ" : "", inner, inner_b);
  Tensor y = uninitialised(a.dtype(), {m, n});
  detail::multiply(a, options.transpose_a, b, options.transpose_b, y, /*accumulate=*/false);
  record(matmul_op, y, {&a, &b}, (options.transpose_a ? transpose_a : 0) | (options.transpose_b ? transpose_b : 0));
  return y;
}

Tensor transpose(const Tensor& x) {
  require_matrix("transpose", x);
  Tensor y = detail::transposed(x);
  record(transpose_op, y, {&x});
  return y;
}

Tensor detail::transposed(const Tensor& x) {
  Tensor y = uninitialised(x.dtype(), {x.extent(1), x.extent(0)});
  by_float_type("transpose", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::table<T>().transpose(x.extent(0), x.extent(1), data<T>(x), data<T>(y));
  });
  return y;
}

void detail::multiply(const Tensor& a, bool ta, const Tensor& b, bool tb, const Tensor& c, bool accumulate) {
  const Tensor plain_b = tb ? transposed(b) : b;
  by_float_type("matmul", c.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Index row = a.extent(1);
    kernels::table<T>().product(c.extent(0), c.extent(1), plain_b.extent(0), data<T>(a), ta ? 1 : row, ta ? row : 1,
                                data<T>(plain_b), plain_b.extent(1), data<T>(c), c.extent(1), accumulate);
  });
}

}  // namespace ebb
