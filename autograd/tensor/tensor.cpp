#include "autograd/tensor/tensor.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "autograd/tensor/access.h"

namespace ebb {

using detail::by_float_type;
using detail::data;
using detail::uninitialised;

namespace {

// Fills a new tensor of any type with what `value()` gives, element by element.
template <class F>
Tensor filled(const Shape& shape, DType dtype, F&& value) {
  Tensor result = uninitialised(dtype, shape);
  const auto fill = [&](auto zero) {
    using T = decltype(zero);
    std::generate_n(data<T>(result), result.size(), [&] {
      const double element = value();
      if (dtype == i64 && !(std::fabs(element) < 0x1p63 && element == std::trunc(element)))
        fail("tensor", "{} isn't an int64", element);
      return static_cast<T>(element);
    });
  };
  if (dtype == i64)
    fill(std::int64_t{});
  else
    by_float_type("tensor", dtype, fill);
  return result;
}

}  // namespace

void Tensor::require_type(DType type, const char* what) const {
  if (dtype() != type) fail(what, "the elements are {}, not {}; use cast", name(dtype()), name(type));
}

double Tensor::item() const {
  if (size() != 1) fail<ShapeError>("item", "shape {} has {} elements, not one", shape(), size());
  return detail::element(*this, 0);
}

void Tensor::assign(const Tensor& other) {
  if (other.dtype() != dtype())
    fail("assign", "the elements are {}, not {}; use cast", name(other.dtype()), name(dtype()));
  if (!(other.shape() == shape())) fail<ShapeError>("assign", "shape {} into {}", other.shape(), shape());
  std::memmove(body_->data, other.body_->data, bytes_of(dtype()) * static_cast<std::size_t>(size()));
  ++body_->storage().version;
}

double detail::element(const Tensor& x, Index i) {
  switch (x.dtype()) {
    case DType::f32:
      return static_cast<double>(data<float>(x)[i]);
    case DType::f64:
      return data<double>(x)[i];
    case DType::i64:
      return static_cast<double>(data<std::int64_t>(x)[i]);
  }
  return 0;
}

Index detail::first_nonfinite(const Tensor& x) {
  if (x.dtype() == i64) return -1;
  return by_float_type("tensor", x.dtype(), [&](auto zero) -> Index {
    const auto values = x.values<decltype(zero)>();
    // Most often there is none, which a sum tells fastest: 0 x is 0 for all that is finite, else NaN.
    decltype(zero) zeros = 0;
    for (const auto value : values) zeros += 0 * value;
    if (zeros == 0) return -1;
    return std::find_if(values.begin(), values.end(), [](auto value) { return !std::isfinite(value); }) -
           values.begin();
  });
}

std::string detail::describe_element(const Tensor& x, Index flat) {
  std::vector<Index> at(static_cast<std::size_t>(x.rank()));
  Index rest = flat;
  for (Index axis = x.rank() - 1; axis >= 0; --axis) {
    at[static_cast<std::size_t>(axis)] = rest % x.extent(axis);
    rest /= x.extent(axis);
  }
  return fmt::format("{} at [{}] of shape {}", std::isnan(element(x, flat)) ? NAN : element(x, flat),
                     fmt::join(at, ", "), x.shape());
}

Tensor tensor(const NestedValues& values, DType dtype) {
  std::vector<Index> extents;
  for (const NestedValues* v = &values; v->is_list_; v = v->parts_.data()) {
    extents.push_back(static_cast<Index>(v->parts_.size()));
    if (v->parts_.empty()) break;
  }
  std::vector<double> flat;
  const auto flatten = [&](const auto& self, const NestedValues& v, std::size_t depth) -> void {
    if (v.is_list_ != (depth < extents.size()) || (v.is_list_ && static_cast<Index>(v.parts_.size()) != extents[depth]))
      fail<ShapeError>("tensor", "the braces are uneven: every part at depth {} needs the shape of the first", depth);
    if (!v.is_list_) flat.push_back(v.value_);
    for (const NestedValues& part : v.parts_) self(self, part, depth + 1);
  };
  flatten(flatten, values, 0);
  auto next = flat.begin();
  return filled(Shape(std::span<const Index>(extents)), dtype, [&] { return *next++; });
}

Tensor zeros(const Shape& shape, DType dtype) {
  Tensor result = uninitialised(dtype, shape);
  std::memset(result.body().data, 0, bytes_of(dtype) * static_cast<std::size_t>(result.size()));
  return result;
}

Tensor ones(const Shape& shape, DType dtype) { return full(shape, 1, dtype); }

Tensor full(const Shape& shape, double value, DType dtype) {
  return filled(shape, dtype, [&] { return value; });
}

Tensor zeros_like(const Tensor& like) { return zeros(like.shape(), like.dtype()); }

Tensor ones_like(const Tensor& like) { return ones(like.shape(), like.dtype()); }

Tensor eye(Index n, DType dtype) {
  Index i = 0;
  return filled({n, n}, dtype, [&] { return i++ % (n + 1) == 0 ? 1.0 : 0.0; });
}

Tensor linspace(double first, double last, Index count, DType dtype) {
  if (count < 2) fail<ShapeError>("linspace", "{} points; it needs at least 2 to hold both ends", count);
  Index i = 0;
  return filled({count}, dtype, [&] {
    const double part = static_cast<double>(i++) / static_cast<double>(count - 1);
    return part == 1 ? last : first + (last - first) * part;
  });
}

Tensor uniform(const Shape& shape, double low, double high, Rng& rng, DType dtype) {
  return filled(shape, dtype, [&] { return rng.uniform(low, high); });
}

Tensor normal(const Shape& shape, double mean, double std, Rng& rng, DType dtype) {
  return filled(shape, dtype, [&] { return rng.normal(mean, std); });
}

template <Element T>
Tensor from_values(std::span<const T> values, const Shape& shape) {
  if (static_cast<Index>(values.size()) != shape.size())
    fail<ShapeError>("from_values", "{} values for shape {}, which has {}", values.size(), shape, shape.size());
  Tensor result = uninitialised(dtype_of<T>, shape);
  std::copy(values.begin(), values.end(), data<T>(result));
  return result;
}
template Tensor from_values(std::span<const float>, const Shape&);
template Tensor from_values(std::span<const double>, const Shape&);
template Tensor from_values(std::span<const std::int64_t>, const Shape&);

Tensor detach(const Tensor& x) {
  Tensor result = uninitialised(x.dtype(), x.shape());
  std::memcpy(result.body().data, x.body().data, bytes_of(x.dtype()) * static_cast<std::size_t>(x.size()));
  return result;
}

bool all_close(const Tensor& a, const Tensor& b, double tolerance) {
  if (!(a.shape() == b.shape()) || a.dtype() != b.dtype()) return false;
  for (Index i = 0; i < a.size(); ++i) {
    const double u = detail::element(a, i), v = detail::element(b, i);
    if (u == v) continue;  // infinities too
    const double scale = std::max({1.0, std::fabs(u), std::fabs(v)});
    if (!(std::isfinite(scale) && std::fabs(u - v) <= tolerance * scale)) return false;
  }
  return true;
}

namespace {

constexpr Index abbreviate_above = 200;  // elements
constexpr Index edge = 3;                // shown at either end of an abbreviated axis

void print(std::string& out, const Tensor& x, Index axis, Index offset, fmt::string_view element_format) {
  if (axis == x.rank()) {
    const double value = detail::element(x, offset);
    if (x.dtype() == i64)
      out += fmt::format("{}", data<std::int64_t>(x)[offset]);
    else if (std::isnan(value))
      out += "nan";  // of either sign
    else
      out += fmt::format(fmt::runtime(element_format), value);
    return;
  }
  const Index count = x.extent(axis);
  Index stride = 1;
  for (Index i = axis + 1; i < x.rank(); ++i) stride *= x.extent(i);
  const bool abbreviated = std::max(x.size(), count) > abbreviate_above && count > 2 * edge;
  const bool innermost = axis + 1 == x.rank();
  const std::string separator = innermost ? ", " : ",\n" + std::string(static_cast<std::size_t>(axis + 1), ' ');
  out += '[';
  for (Index i = 0; i < count; ++i) {
    if (i > 0) out += separator;
    if (abbreviated && i == edge) {
      out += "…" + separator;
      i = count - edge;
    }
    print(out, x, axis + 1, offset + i * stride, element_format);
  }
  out += ']';
}

}  // namespace
}  // namespace ebb

auto fmt::formatter<ebb::Tensor>::format(const ebb::Tensor& x, fmt::format_context& context) const
    -> fmt::format_context::iterator {
  if (!x.defined()) return fmt::format_to(context.out(), "(undefined)");
  const std::string element_format = fmt::format("{{:{}}}", spec_.size() == 0 ? fmt::string_view(".6g") : spec_);
  std::string out;
  ebb::print(out, x, 0, 0, element_format);
  if (x.size() > ebb::abbreviate_above) out += fmt::format(" {} {}", x.shape(), ebb::name(x.dtype()));
  return fmt::format_to(context.out(), "{}", out);
}
