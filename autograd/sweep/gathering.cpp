#include "autograd/sweep/gathering.h"

#include <algorithm>

#include "autograd/kernels/kernels.h"
#include "autograd/ops/layout.h"
#include "autograd/ops/matmul.h"
#include "autograd/sweep/contributions.h"
#include "autograd/tensor/access.h"

namespace ebb {

using detail::by_float_type;
using detail::data;
using detail::make_writable;
using detail::one_of;
using detail::require_type;

bool detail::is_bias(const Tensor& like, const Tensor& g) {
  return like.rank() == 1 && g.rank() == 2 && like.extent(0) == g.extent(1) &&
         g.extent(0) <= static_cast<Index>(Gathering::most_rows) && like.dtype() == g.dtype();
}

void Gathering::enlarge(std::size_t rows) {
  for (Rows& table : left) table.resize(2 * (count + rows));
  right.resize(2 * (count + rows));
}

void Gathering::place_many(Rows& table, const std::byte* row, std::size_t step, std::size_t rows) const {
  const void** to = table.data() + count;
  for (; rows > 0; --rows, row += step) *to++ = row;
}

void Gathering::clear() noexcept {
  count = 0;
  held.clear();
  reads.clear();
}

Gathering& Pass::State::another_gathering_of(const Gathering::Targets& to, DType type, Index columns) {
  for (std::size_t i = 0; i < gathering_count; ++i)
    if (gatherings[i].is_for(to)) return gatherings[i];
  if (gathering_count == gatherings.size()) gatherings.emplace_back();
  Gathering& gathering = gatherings[gathering_count++];
  gathering.targets = to;
  gathering.type = type;
  gathering.columns = columns;
  for (std::size_t i = 0; i < to.size(); ++i) {
    Slot* slot = to[i] == Record::none ? nullptr : find(to[i]);
    if (slot) slot->gathering = static_cast<std::uint32_t>(gathering_count - 1);
    if (!slot) {
      gathering.extents[i] = 0;
      continue;
    }
    const Tensor& like = records->at(to[i]).output;
    const bool fits = (like.rank() == 1 || like.rank() == 2) && like.extent(-1) == gathering.columns &&
                      like.dtype() == gathering.type;
    gathering.is_bias[i] = like.rank() == 1;
    gathering.extents[i] = !fits ? -1 : like.rank() == 2 ? like.extent(0) : 1;
  }
  return gathering;
}

// ---- what a rule gives

namespace {

// aᵀ b with the rows of `a` from `first` on, recorded where the sweep is.
Tensor product_of(const Tensor& a, Index first, const Tensor& b) {
  const Index rows = a.shape().without(a.rank() - 1).size(), k = b.extent(0);
  const Tensor matrix = a.rank() == 2 ? a : reshape(a, {rows, a.extent(-1)});
  return matmul(rows == k ? matrix : slice(matrix, first, first + k), b, {.transpose_a = true});
}

// Whether a has such rows, of m elements of that type, from `first` on.
inline bool has_rows(const Tensor& a, Index first, Index count, Index m, DType type) {
  return a.rank() > 0 && a.shape().end()[-1] == m && a.dtype() == type && first >= 0 && (first + count) * m <= a.size();
}

inline void require_product(const Record& record, const Tensor& like, const Tensor& a, Index first, const Tensor& b) {
  if (like.dtype() != a.dtype()) require_type(record, like, a);
  if (like.dtype() != b.dtype()) require_type(record, like, b);
  if (a.rank() == 0 || b.rank() != 2 || like.rank() != 2 || like.extent(0) != a.extent(a.rank() - 1) ||
      like.extent(1) != b.extent(1) || first < 0 || (first + b.extent(0)) * like.extent(0) > a.size())
    fail<ShapeError>("gradient", "the rule of {} gives {}ᵀ × {} to an input of shape {}", record.op.name, a.shape(),
                     b.shape(), like.shape());
}

}  // namespace

void Sweep::give_products(const Record& record, std::initializer_list<LeftFactor> factors, const Tensor& b) {
  if (factors.size() > Gathering::most_factors)
    fail("gradient", "the rule of {} gives products to {} inputs; at most {} can have a factor in common",
         record.op.name, factors.size(), Gathering::most_factors);
  if (!recorded() && !state().check_finite && detail::gather(*this, record, factors, b)) return;
  for (const LeftFactor& factor : factors) {
    if (!wants(record, factor.into)) continue;
    if (factor.from == LeftFactor::ones) {
      give(record, factor.into, b);
    } else {
      const Tensor& a = input(record, factor.from);
      require_product(record, unread_input(record, factor.into), a, factor.first, b);
      give(record, factor.into, product_of(a, factor.first, b));
    }
  }
}

// A bias waits only in a few rows, for many are better summed in float64.
bool detail::gather(const Sweep& sweep, const Record& record, std::initializer_list<LeftFactor> factors,
                    const Tensor& b) {
  Pass::State& pass = sweep.state();
  if (b.rank() != 2) return false;
  const DType type = b.dtype();
  const Index rows = b.shape().begin()[0], columns = b.shape().begin()[1];
  Gathering& gathering = pass.gathering_of(targets_of(record, factors), type, columns);
  if (columns != gathering.columns || type != gathering.type) return false;
  const std::size_t count = static_cast<std::size_t>(rows), element = bytes_of(type);
  gathering.make_room(count);
  for (std::size_t i = 0; i < factors.size(); ++i) {
    const LeftFactor& factor = factors.begin()[i];
    const Index m = gathering.extents[i];
    if (m == 0) continue;
    if (m < 0 || gathering.is_bias[i] != (factor.from == LeftFactor::ones)) return false;
    if (factor.from == LeftFactor::ones) {
      if (count > Gathering::most_rows) return false;
      gathering.place(gathering.left[i], one_of(type), 0, count);
    } else {
      const Record& source = pass.records->at(record.inputs()[static_cast<std::size_t>(factor.from)]);
      const Tensor& a = detail::checked(pass.op, source, record);
      if (!has_rows(a, factor.first, rows, m, type)) return false;
      const std::size_t row = static_cast<std::size_t>(m) * element;
      gathering.place(gathering.left[i], a.body().data + static_cast<std::size_t>(factor.first) * row, row, count);
    }
  }
  gathering.place(gathering.right, b.body().data, static_cast<std::size_t>(columns) * element, count);
  gathering.count += count;
  gathering.held.push_back(b);
  for (std::size_t i = 0; i < factors.size(); ++i) {
    const Index from = factors.begin()[i].from;
    if (gathering.extents[i] != 0 && from != LeftFactor::ones)
      gathering.reads.push_back({&pass.records->at(record.inputs()[static_cast<std::size_t>(from)]), &record});
  }
  if (gathering.count >= Gathering::most_rows) multiply(pass, gathering);
  return true;
}

void detail::multiply(Pass::State& pass, Gathering& gathering) {
  if (gathering.count == 0) return;
  for (const auto& [source, reader] : gathering.reads) (void)checked(pass.op, *source, *reader);
  by_float_type("gradient", gathering.type, [&](auto zero) {
    using T = decltype(zero);
    const auto addresses = [](const Gathering::Rows& rows) { return reinterpret_cast<const T* const*>(rows.data()); };
    std::array<kernels::GatheredLeft<T>, Gathering::most_factors> lefts;
    Index wanted = 0;
    for (std::size_t i = 0; i < gathering.targets.size(); ++i) {
      if (gathering.extents[i] == 0) continue;
      Tensor& sum = pass.find(gathering.targets[i])->sum;
      make_writable(sum, pass.records->at(gathering.targets[i]).output);
      lefts[static_cast<std::size_t>(wanted++)] = {gathering.extents[i], addresses(gathering.left[i]), data<T>(sum),
                                                   gathering.columns};
    }
    kernels::table<T>().gathered_products(gathering.columns, static_cast<Index>(gathering.count),
                                          addresses(gathering.right), lefts.data(), wanted);
  });
  gathering.clear();
}

}  // namespace ebb
