#include "autograd/ops/matmul.h"

#include "autograd/kernels/kernels.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/layout.h"
#include "autograd/ops/packed.h"
#include "autograd/ops/reduction.h"
#include "autograd/tape/tape.h"
#include "autograd/tensor/access.h"

namespace ebb {

using detail::by_float_type;
using detail::data;
using detail::uninitialised;

namespace {

// The record's attribute.
constexpr std::int64_t transpose_a = 1, transpose_b = 2;

extern const Op matmul_op;

// y = a b for matrices that fit. With the same values for the second time, it pays to lay b out; transposed it has to
// be laid out anew in any case.
template <class T>
void multiply(const Tensor& a, const Tensor& b, const MatmulOptions& options, const Tensor& y, Index m, Index n,
              Index k) {
  const auto& table = kernels::table<T>();
  const Index a_row = options.transpose_a ? 1 : k, a_column = options.transpose_a ? m : 1;
  Tensor once;
  const Tensor* panels = detail::packed_if_it_pays(b, options.transpose_b);
  if (!panels && options.transpose_b) panels = &(once = detail::packed_once(b, true));
  if (panels)
    table.packed_product(m, n, k, data<T>(a), a_row, a_column, data<T>(*panels), data<T>(y), n, /*accumulate=*/false);
  else
    table.product(m, n, k, data<T>(a), a_row, a_column, data<T>(b), n, data<T>(y), n, /*accumulate=*/false);
}

Tensor product(const Tensor& a, const Tensor& b, const MatmulOptions& options) {
  const bool ta = options.transpose_a, tb = options.transpose_b;
  const Index *of_a = a.shape().begin(), *of_b = b.shape().begin();
  const Index m = of_a[ta], k = of_a[!ta], n = of_b[!tb];
  Tensor y = !ta && n == k ? detail::uninitialised_like(a) : uninitialised(a.dtype(), {m, n});
  if (y.size() > 0)
    by_float_type("matmul", a.dtype(), [&](auto zero) { multiply<decltype(zero)>(a, b, options, y, m, n, k); });
  record(matmul_op, y, {&a, &b}, (ta ? transpose_a : 0) | (tb ? transpose_b : 0));
  return y;
}

// With y = a b: ∂a = g bᵀ, ∂b = aᵀ g; and what follows from these for transposed operands.
void matmul_rule(Sweep& sweep, const Record& record, Tensor g) {
  const bool ta = record.attribute & transpose_a, tb = record.attribute & transpose_b;
  if (sweep.wants(record, 0)) {
    const Tensor& b = sweep.input(record, 1);
    sweep.give(record, 0,
               ta ? product(b, g, {.transpose_a = tb, .transpose_b = true}) : product(g, b, {.transpose_b = !tb}));
  }
  if (sweep.wants(record, 1)) {
    if (!ta && !tb) {
      sweep.give_products(record, {{.into = 1, .from = 0}}, g);
    } else {
      const Tensor& a = sweep.input(record, 0);
      sweep.give(record, 1,
                 tb ? product(g, a, {.transpose_a = true, .transpose_b = ta}) : product(a, g, {.transpose_a = !ta}));
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

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options) {
  require_same_type("matmul", a, b);
  if (a.rank() == 0 || b.rank() == 0 || b.rank() > 2)
    fail<ShapeError>("matmul", "{} × {}: expected [..., k] × [k, n] or [..., k] × [k]; reshape one of them", a.shape(),
                     b.shape());
  if ((options.transpose_a && a.rank() != 2) || (options.transpose_b && b.rank() != 2))
    fail<ShapeError>("matmul", "{}{} × {}{}: only matrices are transposed; use permute", a.shape(),
                     options.transpose_a ? "ᵀ" : "", b.shape(), options.transpose_b ? "ᵀ" : "");
  const Index inner = a.extent(options.transpose_a ? 0 : a.rank() - 1), inner_b = b.extent(options.transpose_b);
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

}  // namespace ebb
