#include "autograd/matrix.h"

#include "autograd/elementwise.h"
#include "autograd/kernels/kernels.h"
#include "autograd/layout.h"
#include "autograd/matrix_kernels.h"
#include "autograd/packed.h"
#include "autograd/reduction.h"
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
    if (!ta && !tb) {
      sweep.give_products(record, {{.into = 1, .from = 0}}, g);
    } else {
      const Tensor& a = sweep.input(record, 0);
      sweep.give(record, 1,
                 tb ? matmul(g, a, {.transpose_a = true, .transpose_b = ta}) : matmul(a, g, {.transpose_a = !ta}));
    }
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

void require_same_type(const char* op, const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype())
    fail(op, "{} {} and {} {} don't mix; cast one of them", name(a.dtype()), a.shape(), name(b.dtype()), b.shape());
}
void require_vectors(const char* op, const Tensor& a, const Tensor& b) {
  require_same_type(op, a, b);
  if (a.rank() != 1 || b.rank() != 1)
    fail<ShapeError>(op, "{} and {} must be vectors; reshape them, or use matmul", a.shape(), b.shape());
}

// Both are matrices that fit.
Tensor product(const Tensor& a, const Tensor& b, const MatmulOptions& options) {
  const Shape shape{a.extent(options.transpose_a ? 1 : 0), b.extent(options.transpose_b ? 0 : 1)};
  Tensor y = uninitialised(a.dtype(), shape);
  detail::multiply(a, options.transpose_a, b, options.transpose_b, y, /*accumulate=*/false);
  record(matmul_op, y, {&a, &b}, (options.transpose_a ? transpose_a : 0) | (options.transpose_b ? transpose_b : 0));
  return y;
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options) {
  require_same_type("matmul", a, b);
  if (a.rank() == 0 || b.rank() == 0 || b.rank() > 2)
    fail<ShapeError>("matmul", "{} × {}: expected [..., k] × [k, n] or [..., k] × [k]; reshape one of them", a.shape(),
                     b.shape());
  if ((options.transpose_a && a.rank() != 2) || (options.transpose_b && b.rank() != 2))
    fail<ShapeError>("matmul", "{}{} × {}{}: only matrices are transposed; use permute", a.shape(),
                     options.transpose_a ? "ᵀ" : "", b.shape(), options.transpose_b ? "ᵀ" : "");
  const Index inner = a.extent(options.transpose_a ? 0 : -1), inner_b = b.extent(options.transpose_b ? 1 : 0);
  if (inner != inner_b)
    fail<ShapeError>("matmul", "inner dimensions differ: {}{} × {}{}; they are {} and {}", a.shape(),
                     options.transpose_a ? "ᵀ" : "", b.shape(), options.transpose_b ? "ᵀ" : "", inner, inner_b);
  if (a.rank() == 2 && b.rank() == 2) return product(a, b, options);

  const Transaction transaction;
  const Shape leading = options.transpose_a ? Shape{a.extent(1)} : a.shape().without(a.rank() - 1);
  const Tensor left = a.rank() == 2 ? a : reshape(a, Shape{leading.size(), inner});
  const Tensor right = b.rank() == 2 ? b : reshape(b, Shape{inner, 1});
  const Tensor y = product(left, right, options);
  return reshape(y, b.rank() == 2 ? leading.inserted(leading.rank(), y.extent(1)) : leading);
}

Tensor dot(const Tensor& a, const Tensor& b) {
  require_vectors("dot", a, b);
  if (a.size() != b.size()) fail<ShapeError>("dot", "{} and {} have different lengths", a.shape(), b.shape());
  const Transaction transaction;
  return sum(a * b);
}

Tensor outer(const Tensor& a, const Tensor& b) {
  require_vectors("outer", a, b);
  const Transaction transaction;
  return unsqueeze(a, 1) * b;
}

Tensor transpose(const Tensor& x) {
  if (x.rank() != 2) fail<ShapeError>("transpose", "needs a matrix, not a tensor of shape {}; use permute", x.shape());
  if (x.dtype() == i64) return permute(x, {1, 0});
  Tensor y = uninitialised(x.dtype(), {x.extent(1), x.extent(0)});
  by_float_type("transpose", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    if (y.size() > 0) kernels::table<T>().transpose(x.extent(0), x.extent(1), data<T>(x), data<T>(y));
  });
  record(transpose_op, y, {&x});
  return y;
}

void detail::multiply(const Tensor& a, bool ta, const Tensor& b, bool tb, const Tensor& c, bool accumulate) {
  if (c.size() == 0) return;
  const bool pays = multiplied_before(b);
  // A transposed operand has to be laid out anew in any case.
  const Tensor panels = pays ? packed(b, tb) : tb ? packed_once(b, tb) : Tensor();
  by_float_type("matmul", c.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto& table = kernels::table<T>();
    const Index m = c.extent(0), n = c.extent(1), k = a.extent(ta ? 0 : 1), width = a.extent(1);
    const Index a_row = ta ? 1 : width, a_column = ta ? width : 1;
    if (panels.defined())
      table.packed_product(m, n, k, data<T>(a), a_row, a_column, data<T>(panels), data<T>(c), n, accumulate);
    else
      table.product(m, n, k, data<T>(a), a_row, a_column, data<T>(b), n, data<T>(c), n, accumulate);
  });
}

}  // namespace ebb
