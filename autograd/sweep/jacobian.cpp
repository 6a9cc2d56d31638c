#include "autograd/tape/jacobian.h"

#include <cmath>
#include <limits>

#include "autograd/ops/elementwise.h"
#include "autograd/ops/indexing.h"
#include "autograd/ops/layout.h"
#include "autograd/ops/linear_algebra.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/reduction.h"
#include "autograd/sweep/pass.h"

namespace ebb {

Jacobian Tape::jacobian(const Tensor& y, const Tensor& x) {
  const Record& end = detail::find_result("jacobian", *this, y);
  const PassLevel pass("jacobian", *this);
  detail::find_targets("jacobian", *this, end, std::span(&x, 1), pass->targets);
  if (!state().address) state().address = std::make_shared<Tape*>(this);
  return {state().address, y, x};
}

Tape& Jacobian::tape() const {
  if (!*tape_) fail<TapeError>("jacobian", "its tape is gone; keep the tape as long as the Jacobian");
  return **tape_;
}

Tensor Jacobian::vjp(const Tensor& cotangent) const { return tape().gradient(y_, x_, {.seed = cotangent}); }

Tensor Jacobian::jvp(const Tensor& tangent) const { return tape().jvp(y_, x_, tangent); }

Tensor Jacobian::matrix() const {
  (void)tape();
  const Pause pause;
  const bool by_rows = rows() <= columns();
  const Tensor& basis = by_rows ? y_ : x_;
  std::vector<Tensor> parts;
  for (Index i = 0; i < basis.size(); ++i) {
    const Tensor one[] = {ones({1}, basis.dtype())};
    const Region region[] = {{.begin = i}};
    const Tensor direction = reshape(assemble(one, region, Shape{basis.size()}), basis.shape());
    parts.push_back(reshape(by_rows ? vjp(direction) : jvp(direction), {-1}));
  }
  if (parts.empty()) return zeros({rows(), columns()}, y_.dtype());
  Tensor whole = by_rows ? stack(parts) : transpose(stack(parts));
  tape().state().mark_as_result(whole);
  return whole;
}

std::vector<double> singular_values(const Jacobian& jacobian) { return singular_values(jacobian.matrix()); }

namespace {

// v / ‖v‖ after what lies along the others has been taken away, twice; and the norm.
double orthonormalise(Tensor& v, std::span<const Tensor> others) {
  for (int pass = 0; pass < 2; ++pass)
    for (const Tensor& other : others) v = v - sum(v * other) * other;
  const double length = detail::norm_value(v);
  if (length > 0) v = v / length;
  return length;
}

// The largest singular value of the upper bidiagonal matrix.
double largest_of_bidiagonal(std::span<const double> diagonal, std::span<const double> above) {
  const auto n = static_cast<Index>(diagonal.size());
  Tensor b = zeros({n, n}, f64);
  auto entries = b.edit<double>();
  for (Index i = 0; i < n; ++i) {
    entries(i, i) = diagonal[static_cast<std::size_t>(i)];
    if (i + 1 < n) entries(i, i + 1) = above[static_cast<std::size_t>(i)];
  }
  return spectral_norm(b);
}

}  // namespace

double spectral_norm(const Jacobian& jacobian) {
  (void)jacobian.tape();
  const Pause pause;
  const Index most = std::min(jacobian.rows(), jacobian.columns());
  if (most == 0) return 0;
  // Lanczos is run in float64 outside of the operator itself.
  const DType type = jacobian.x().dtype(), result_type = jacobian.y().dtype();
  const double resolution = result_type == f32 || type == f32 ? std::numeric_limits<float>::epsilon() : 1e-14;
  Rng rng(1);
  std::vector<Tensor> us, vs;
  std::vector<double> diagonal, above;
  // Begun with Jᵀu, v never has a part that J can't see.
  Tensor v = cast(jacobian.vjp(normal(jacobian.y().shape(), 0, 1, rng, result_type)), f64);
  const double beginning = orthonormalise(v, {});
  if (!(beginning > 0)) return beginning;
  double largest = 0;
  for (Index k = 0; k < most; ++k) {
    vs.push_back(v);
    Tensor u = cast(jacobian.jvp(cast(v, type)), f64);
    if (!std::isfinite(detail::norm_value(u))) return std::numeric_limits<double>::quiet_NaN();
    diagonal.push_back(orthonormalise(u, us));
    us.push_back(u);
    const double before = std::exchange(largest, largest_of_bidiagonal(diagonal, above));
    if (diagonal.back() <= resolution * largest || (k > 1 && largest - before <= resolution * largest)) break;
    v = cast(jacobian.vjp(cast(u, result_type)), f64);
    above.push_back(orthonormalise(v, vs));
    if (above.back() <= resolution * largest) break;
  }
  return largest;
}

// ---- second order

namespace {

// ∂y/∂x recorded on the tape while this lives, and gone afterwards.
Tensor recorded_gradient(Tape& tape, const char* op, const Tensor& y, const Tensor& x) {
  if (y.size() != 1) fail<ShapeError>(op, "the result has shape {}; reduce it to one element", y.shape());
  return tape.gradient(y, x, {.recorded = true});
}

}  // namespace

Tensor Tape::hessian_vector_product(const Tensor& y, const Tensor& x, const Tensor& v) {
  const PassLevel pass("hessian_vector_product", *this);
  const Expansion scratch(*this, *pass, /*kept=*/false);
  return jvp(recorded_gradient(*this, "hessian_vector_product", y, x), x, v);
}

Tensor Tape::hessian(const Tensor& y, const Tensor& x) {
  const PassLevel pass("hessian", *this);
  const Expansion scratch(*this, *pass, /*kept=*/false);
  return jacobian(recorded_gradient(*this, "hessian", y, x), x).matrix();
}

}  // namespace ebb
