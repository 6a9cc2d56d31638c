// What the handwritten programs are made of: a matrix product whose right factor is packed, and tanh. For the one
// instruction set that the including file is compiled for, float32 only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

namespace ebb::benchmarks::handwritten {

#if defined(__AVX512F__)
constexpr int lanes = 16, most_rows = 14;  // 28 of 32 registers hold sums
#elif defined(__AVX2__) && defined(__FMA__)
constexpr int lanes = 8, most_rows = 6;  // 12 of 16
#else
constexpr int lanes = 4, most_rows = 6;
#endif
constexpr int panel_vectors = 2, panel_width = panel_vectors * lanes;

using Vector __attribute__((vector_size(lanes * sizeof(float)), aligned(sizeof(float)), may_alias)) = float;

// Floats that start on a cache line, zero at first.
class Buffer {
 public:
  explicit Buffer(std::size_t size) : data_(new (std::align_val_t{64}) float[size]()) {}
  float* get() const { return data_.get(); }

 private:
  struct Delete {
    void operator()(float* data) const { ::operator delete[](data, std::align_val_t{64}); }
  };
  std::unique_ptr<float[], Delete> data_;
};

// Element (i, j) is data[i · row + j · column].
struct View {
  const float* data;
  std::ptrdiff_t row, column;

  View from(int i) const { return {data + i * row, row, column}; }
};

inline View rows(const float* data, int columns) { return {data, columns, 1}; }
inline View transposed(const float* data, int columns) { return {data, 1, columns}; }

// A right factor in the order in which a product reads it: panels of panel_width columns, in each panel one row after
// the other; the last panel is padded with zeros.
class Packed {
 public:
  Packed(int most_rows_of_it, int columns)
      : columns_(columns), buffer_(static_cast<std::size_t>(panels()) * panel_width * most_rows_of_it) {}

  void pack(const View& matrix, int row_count) {
    rows_ = row_count;
    for (int p = 0; p < panels(); ++p) {
      for (int k = 0; k < row_count; ++k) {
        float* to = buffer_.get() + p * panel_size() + k * panel_width;
        for (int j = 0; j < panel_width; ++j) {
          const int column = p * panel_width + j;
          to[j] = column < columns_ ? matrix.data[k * matrix.row + column * matrix.column] : 0.0f;
        }
      }
    }
  }
  // The same for rows that lie one after the other, a vector at a time.
  void pack_rows(const float* matrix, int row_count) {
    rows_ = row_count;
    for (int p = 0; p < panels(); ++p) {
      const int width = columns_of(p);
      for (int k = 0; k < row_count; ++k) {
        const float* from = matrix + static_cast<std::ptrdiff_t>(k) * columns_ + p * panel_width;
        float* to = buffer_.get() + p * panel_size() + k * panel_width;
        if (width == panel_width) {
          std::memcpy(to, from, sizeof(float) * panel_width);
        } else {
          for (int j = 0; j < panel_width; ++j) to[j] = j < width ? from[j] : 0.0f;
        }
      }
    }
  }

  int row_count() const { return rows_; }
  int panels() const { return (columns_ + panel_width - 1) / panel_width; }
  std::ptrdiff_t panel_size() const { return static_cast<std::ptrdiff_t>(rows_) * panel_width; }
  const float* panel(int p) const { return buffer_.get() + p * panel_size(); }
  // How many columns of the matrix stand in panel p and the one after it, if `count` is 2.
  int columns_of(int p, int count = 1) const {
    const int left = columns_ - p * panel_width;
    return left < count * panel_width ? left : count * panel_width;
  }

 private:
  int rows_ = 0;
  int columns_;
  Buffer buffer_;
};

// Whether a product replaces what is there or is added to it.
enum class Into { replace, add };

// `row_count` rows of C, `panels` panels wide, in registers while k runs.
template <int row_count, int panels>
[[gnu::always_inline]] inline void block(const View& a, const Packed& b, int p, float* __restrict c, int c_row,
                                         Into into) {
  constexpr int vectors = panels * panel_vectors;
  const float* __restrict right = b.panel(p);
  const float* __restrict left = a.data;
  const std::ptrdiff_t next_panel = b.panel_size(), a_row = a.row, a_column = a.column;
  const int depth = b.row_count();

  Vector sum[row_count][vectors] = {};
  for (int k = 0; k < depth; ++k) {
    Vector factor[vectors];
#pragma GCC unroll 4
    for (int q = 0; q < vectors; ++q)
      factor[q] = *reinterpret_cast<const Vector*>(right + q / panel_vectors * next_panel + k * panel_width +
                                                   q % panel_vectors * lanes);
#pragma GCC unroll 16
    for (int i = 0; i < row_count; ++i) {
      const float element = left[i * a_row + k * a_column];
#pragma GCC unroll 4
      for (int q = 0; q < vectors; ++q) sum[i][q] += element * factor[q];
    }
  }

  const int columns = b.columns_of(p, panels);
  for (int i = 0; i < row_count; ++i) {
    float* to = c + static_cast<std::ptrdiff_t>(i) * c_row + p * panel_width;
    if (columns == vectors * lanes) {
      for (int q = 0; q < vectors; ++q) {
        Vector& target = *reinterpret_cast<Vector*>(to + q * lanes);
        target = into == Into::add ? target + sum[i][q] : sum[i][q];
      }
    } else {
      float part[vectors * lanes];
      for (int q = 0; q < vectors; ++q) *reinterpret_cast<Vector*>(part + q * lanes) = sum[i][q];
      for (int j = 0; j < columns; ++j) to[j] = into == Into::add ? to[j] + part[j] : part[j];
    }
  }
}

template <int row_count>
[[gnu::noinline]] void block_of_rows(const View& a, const Packed& b, float* c, int c_row, Into into) {
  int p = 0;
  if constexpr (row_count <= 3)  // two panels at once, or there are too few sums to hide the latency of one
    for (; p + 1 < b.panels(); p += 2) block<row_count, 2>(a, b, p, c, c_row, into);
  for (; p < b.panels(); ++p) block<row_count, 1>(a, b, p, c, c_row, into);
}

// The block of `count` rows, which is at most `row_count`.
template <int row_count = most_rows>
void block_of(int count, const View& a, const Packed& b, float* c, int c_row, Into into) {
  if constexpr (row_count > 1)
    if (count < row_count) return block_of<row_count - 1>(count, a, b, c, c_row, into);
  block_of_rows<row_count>(a, b, c, c_row, into);
}

// C (+)= A B for the first m rows of A, in blocks of nearly equal height.
inline void product(int m, const View& a, const Packed& b, float* c, int c_row, Into into) {
  const int blocks = (m + most_rows - 1) / most_rows;
  for (int i = 0, block = 0; block < blocks; ++block) {
    const int count = (m - i) / (blocks - block);
    block_of(count, a.from(i), b, c + static_cast<std::ptrdiff_t>(i) * c_row, c_row, into);
    i += count;
  }
}

// C = Aᵀ B for A: [count, m] and B: [count, n] with large counts, packing B into `block` (which has n columns) by as
// many rows as it holds.
inline void product_over_rows(int count, int m, int n, const float* a, const float* b, Packed& block, int block_rows,
                              float* c) {
  for (int r = 0; r < count; r += block_rows) {
    const int rows_here = count - r < block_rows ? count - r : block_rows;
    block.pack_rows(b + static_cast<std::ptrdiff_t>(r) * n, rows_here);
    product(m, transposed(a + static_cast<std::ptrdiff_t>(r) * m, m), block, c, n, r > 0 ? Into::add : Into::replace);
  }
}

template <class To, class From>
inline To bits_as(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

// tanh x = e / (e + 2) with e = expm1(2 |x|), which is 2ⁿ (expm1(r) + 1) − 1 for 2 |x| = n ln 2 + r: no branch, so that
// a loop over it becomes vectors.
inline float tanh(float x) {
  const float magnitude = __builtin_fabsf(x), z = 2 * (magnitude < 9.1f ? magnitude : 9.1f);
  const float shifted = z * 1.44269504f + 0x1.8p23f;  // the integer n stands in the last bits
  const float n = shifted - 0x1.8p23f;
  float r = __builtin_fmaf(n, -0.693145752f, z);
  r = __builtin_fmaf(n, -1.42860677e-6f, r);
  float p = 1.39887315e-3f;
  p = __builtin_fmaf(p, r, 8.36395249e-3f);
  p = __builtin_fmaf(p, r, 4.16663066e-2f);
  p = __builtin_fmaf(p, r, 1.66665524e-1f);
  p = __builtin_fmaf(p, r, 0.5f);
  const float expm1_r = __builtin_fmaf(p * r, r, r);
  const auto power = bits_as<float>((bits_as<std::int32_t>(shifted) << 23) + 0x3f800000);  // 2ⁿ
  const float e = __builtin_fmaf(power, expm1_r, power - 1.0f);
  return __builtin_copysignf(e / (e + 2.0f), x);
}

}  // namespace ebb::benchmarks::handwritten
