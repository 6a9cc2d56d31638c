// A tensor: a value with a cheap copy. Copies share storage; no op changes its arguments. Storage is written by
// `assign`, `edit` and optimisers alone, and each write moves its version on, so that a sweep can tell.
#pragma once

#include <concepts>
#include <initializer_list>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "autograd/tensor/error.h"
#include "autograd/tensor/random.h"
#include "autograd/tensor/shape.h"
#include "autograd/tensor/storage.h"

namespace ebb {

template <class T>
concept Element = std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, std::int64_t>;

template <Element T>
inline constexpr DType dtype_of = std::is_same_v<T, float>    ? f32
                                  : std::is_same_v<T, double> ? f64
                                                              : i64;

template <Element T>
class Edit;

// Dense, row-major, of up to six axes. A handle made by the default constructor is undefined: ops refuse it.
class Tensor {
 public:
  Tensor() = default;
  Tensor(const Tensor& other) : body_(other.body_) {
    if (body_) body_->references.add();
  }
  Tensor(Tensor&& other) noexcept : body_(std::exchange(other.body_, nullptr)) {}
  // Handles are assigned to, not what is on its way: x[0] = y and x[0] += y would change nothing, and don't compile.
  // (x[0].assign(y) writes.)
  Tensor& operator=(const Tensor& other) & { return *this = Tensor(other); }
  Tensor& operator=(Tensor&& other) & noexcept {
    Tensor taken(std::move(other));
    std::swap(body_, taken.body_);
    return *this;
  }
  ~Tensor() {
    if (body_) detail::unreference(body_);
  }

  bool defined() const { return body_ != nullptr; }
  const Shape& shape() const { return body().shape; }
  Index rank() const { return body().shape.rank(); }
  Index size() const { return body().size; }
  Index extent(Index axis) const { return body().shape[axis]; }
  DType dtype() const { return body().dtype; }
  // How often the storage has been written since it was made.
  std::uint32_t version() const { return body().storage().version; }
  // Whether both are handles to the same tensor (not merely to equal values).
  bool is(const Tensor& other) const { return body_ == other.body_; }

  // The one element, as a double. ShapeError unless there is exactly one.
  [[nodiscard]] double item() const;
  // The elements in row-major order. Error when T is not the element type. Valid while this tensor lives.
  template <Element T>
  [[nodiscard]] std::span<const T> values() const {
    require_type(dtype_of<T>, "values");
    return {reinterpret_cast<const T*>(body_->data), static_cast<std::size_t>(body_->size)};
  }
  // A writable view; the version moves on when it ends. Handles that share this storage see what it writes.
  template <Element T>
  [[nodiscard]] Edit<T> edit();
  // Copies the elements of `other` (same shape and type, or an error) into this storage; the version moves on.
  void assign(const Tensor& other);

  // The part at `index` of the leading axis (negative: from the end), without that axis; shares storage.
  [[nodiscard]] Tensor operator[](Index index) const;

  // a += b is a = a + b: recorded like any other, and nothing else that held the old value changes.
  Tensor& operator+=(const Tensor& other) &;
  Tensor& operator-=(const Tensor& other) &;
  Tensor& operator*=(const Tensor& other) &;
  Tensor& operator/=(const Tensor& other) &;
  Tensor& operator+=(double other) &;
  Tensor& operator-=(double other) &;
  Tensor& operator*=(double other) &;
  Tensor& operator/=(double other) &;

  // Where the tape that made this tensor keeps it; {0, none} for one that no tape made. For the tape and its watchers.
  const detail::TapePosition& position() const { return body().position; }

  explicit Tensor(detail::Body* body) : body_(body) {}  // takes over one reference
  explicit Tensor(std::integral auto) = delete;         // or Tensor(0) would be undefined: tensor(0)
  detail::Body& body() const {
    if (!body_) fail("tensor", "this handle is undefined (made by `Tensor()` and never set)");
    return *body_;
  }

 private:
  void require_type(DType type, const char* what) const;

  detail::Body* body_ = nullptr;
};

// A writable view of a tensor's elements: `view(i, j)` by one index an axis (ShapeError out of range), `view[i]` in
// row-major order unchecked, or a range-for. It holds the storage. While it is open no sweep reads the storage's values
// (StaleValueError), and when it ends their version moves on. Error where 65 535 are open on one storage. Two threads
// may not edit one storage at a time, not even different parts of it.
template <Element T>
class Edit {
 public:
  explicit Edit(Tensor tensor) : tensor_(std::move(tensor)) { detail::open_edit(tensor_.body().storage()); }
  Edit(const Edit&) = delete;
  Edit& operator=(const Edit&) = delete;
  ~Edit() { detail::close_edit(tensor_.body().storage()); }

  template <class... Indices>
  T& operator()(Indices... indices) {
    return (*this)[offset({static_cast<Index>(indices)...})];
  }
  T& operator[](Index i) { return data()[i]; }
  T* data() { return reinterpret_cast<T*>(tensor_.body().data); }
  T* begin() { return data(); }
  T* end() { return data() + size(); }
  Index size() const { return tensor_.size(); }

 private:
  Index offset(std::initializer_list<Index> indices) const {
    const Shape& shape = tensor_.shape();
    bool inside = static_cast<Index>(indices.size()) == shape.rank();
    Index result = 0;
    const Index* extent = shape.begin();
    for (Index i : indices) {
      if (!inside) break;
      inside = i >= 0 && i < *extent;
      result = result * *extent++ + i;
    }
    if (!inside) fail<ShapeError>("edit", "no element [{}] in {}", fmt::join(indices, ", "), shape);
    return result;
  }

  Tensor tensor_;
};

template <Element T>
Edit<T> Tensor::edit() {
  require_type(dtype_of<T>, "edit");
  return Edit<T>(*this);
}

// Numbers in nested braces, as `tensor` takes them.
class NestedValues {
 public:
  NestedValues(double value) : value_(value) {}  // NOLINT(google-explicit-constructor): so that {1, {2}} reads as such
  NestedValues(std::initializer_list<NestedValues> parts) : parts_(parts), is_list_(true) {}

 private:
  friend Tensor tensor(const NestedValues& values, DType dtype);
  double value_ = 0;
  std::vector<NestedValues> parts_;
  bool is_list_ = false;
};

// Factories. None is recorded: what they make is a source on any tape.
[[nodiscard]] Tensor tensor(const NestedValues& values, DType dtype = f32);  // tensor({{1, 2}, {3, 4}}), tensor(3.0)
[[nodiscard]] Tensor zeros(const Shape& shape, DType dtype = f32);
[[nodiscard]] Tensor ones(const Shape& shape, DType dtype = f32);
[[nodiscard]] Tensor full(const Shape& shape, double value, DType dtype = f32);
[[nodiscard]] Tensor zeros_like(const Tensor& like);
[[nodiscard]] Tensor ones_like(const Tensor& like);
[[nodiscard]] Tensor eye(Index n, DType dtype = f32);
[[nodiscard]] Tensor linspace(double first, double last, Index count, DType dtype = f32);  // both ends included
[[nodiscard]] Tensor uniform(const Shape& shape, double low, double high, Rng& rng, DType dtype = f32);
[[nodiscard]] Tensor normal(const Shape& shape, double mean, double std, Rng& rng, DType dtype = f32);
// A copy of `values` (ShapeError unless there are as many as the shape has).
template <Element T>
[[nodiscard]] Tensor from_values(std::span<const T> values, const Shape& shape);
template <Element T>
[[nodiscard]] Tensor from_values(const std::vector<T>& values, const Shape& shape) {
  return from_values<T>(std::span<const T>(values), shape);
}

// The same values in storage of their own, cut off from every tape.
[[nodiscard]] Tensor detach(const Tensor& x);

// Whether shapes and types agree and every pair differs by at most `tolerance` · max(1, |a|, |b|). NaN equals nothing.
[[nodiscard]] bool all_close(const Tensor& a, const Tensor& b, double tolerance = 1e-6);

}  // namespace ebb

// As NumPy prints: nested brackets, large tensors abbreviated. A format specification is that of each element:
// "{:.3f}".
template <>
struct fmt::formatter<ebb::Tensor> {
  constexpr auto parse(fmt::format_parse_context& context) {
    const auto* begin = context.begin();
    const auto* end = begin;
    while (end != context.end() && *end != '}') ++end;
    spec_ = fmt::string_view(begin, static_cast<std::size_t>(end - begin));
    return end;
  }
  auto format(const ebb::Tensor& x, fmt::format_context& context) const -> fmt::format_context::iterator;

 private:
  fmt::string_view spec_;
};
