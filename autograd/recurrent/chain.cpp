#include "autograd/recurrent/chain.h"
#include "autograd/tensor/access.h"

namespace ebb {

bool Chain::suits(const Sweep& sweep, Index rows) {
  return !sweep.recorded() && !sweep.state().check_finite && rows > 0 &&
         rows <= static_cast<Index>(Gathering::most_rows);
}

Chain::Chain(Sweep& sweep, const Record& last, Tensor g, Index state, std::initializer_list<LeftFactor> factors,
             Index columns)
    : sweep_(sweep),
      pass_(sweep.state()),
      first_(&last),
      record_(&last),
      gradient_(std::move(g)),
      state_(state),
      rows_(static_cast<std::size_t>(gradient_.extent(0))),
      row_bytes_(static_cast<std::size_t>(columns) * bytes_of(gradient_.dtype())),
      capacity_((Gathering::most_rows + rows_ - 1) / rows_ * rows_) {
  const DType type = gradient_.dtype();
  Gathering& gathering = pass_.gathering_of(detail::targets_of(last, factors), type, columns);
  gathering_ = static_cast<std::size_t>(&gathering - pass_.gatherings.data());
  std::size_t i = 0;
  for (const LeftFactor& factor : factors) {
    const Index extent = gathering.extents[i];
    const auto length = static_cast<std::size_t>(factor.from == LeftFactor::ones ? 0 : extent);
    lefts_[i++] = {factor.from, length * bytes_of(type), extent > 0};
    gives_ = gives_ || extent > 0;
  }
  const Tensor& block = gathering.block;
  const bool fits = block.defined() && block.dtype() == type && block.extent(1) == columns &&
                    block.extent(0) >= static_cast<Index>(capacity_);
  count_ = i;
  if (fits) return;
  detail::multiply(pass_, gathering);
  gathering.block = detail::uninitialised(type, {static_cast<Index>(capacity_), columns});
}

void Chain::give_products(std::initializer_list<Index> firsts) {
  if (!gives_) return;
  Gathering& to = gathering();
  to.make_room(rows_);
  const Rows* left = lefts_.data();
  Gathering::Rows* table = to.left.data();
  for (const Index first : firsts) {
    if (left->wanted) {
      const std::byte* a = left->from == LeftFactor::ones
                               ? detail::one_of(to.type)
                               : input(left->from).body().data + static_cast<std::size_t>(first) * left->bytes;
      to.place(*table, a, left->bytes, rows_);
    }
    ++left;
    ++table;
  }
  to.place(to.right, to.block.body().data + to.count * row_bytes_, row_bytes_, rows_);
  to.count += rows_;
  given_ = record_;
  if (!waiting_) waiting_ = record_;
  if (to.count >= Gathering::most_rows) multiply();
}

// Whether the record before reads what this one does, but for the state that leads on.
inline bool Chain::leads_to(const Record& before) const {
  if (&before.op != &record_->op || before.index + 1 != record_->index || before.count != record_->count) return false;
  for (std::uint32_t i = 0; i < before.count; ++i)
    if (before.near[i] != record_->near[i] && i != static_cast<std::uint32_t>(state_)) return false;
  return true;
}

// Calls f(source, reader) for the left factors of the products that wait, each with the record that read it.
template <class F>
inline void Chain::for_reads(F f) const {
  if (!waiting_) return;
  for (const Rows& left : std::span(lefts_).first(count_)) {
    if (!left.wanted || left.from == LeftFactor::ones) continue;
    // Only the state is another at each record.
    const std::uint32_t last = left.from == state_ ? waiting_->index : given_->index;
    pass_.records->forwards(given_->index, last + 1, [&](const Record& reader, std::uint32_t) {
      f(pass_.records->at(reader.near[left.from]), reader);
    });
  }
}

void Chain::multiply() {
  // Without an observer nobody can have written since they were read.
  if (pass_.observer)
    for_reads([&](const Record& source, const Record& reader) { (void)detail::checked(pass_.op, source, reader); });
  waiting_ = nullptr;
  detail::multiply(pass_, gathering());
}

void Chain::end() {
  if (pass_.observer) detail::record_nothing();  // it may have left a tape of its own
  if (waiting_ != given_) return multiply();
  // The products of a chain of one wait for those of others; what runs until then may write.
  for_reads([&](const Record& source, const Record& reader) { gathering().reads.push_back({&source, &reader}); });
  waiting_ = nullptr;
}

bool Chain::pass_on(Tensor g) {
  const Record& before = source(state_);
  if (!leads_to(before) || slot_->uses > 0 || slot_->gathering != Record::none) {
    end();
    sweep_.give(*record_, state_, std::move(g));
    return false;
  }
  detail::fetch_before(before);
  if (slot_->sum.defined()) {
    sweep_.give(*record_, state_, std::move(g));
    g = std::move(slot_->sum);
  }
  gradient_ = std::move(g);
  record_ = &before;
  pass_.at = before.index;
  return true;
}

}  // namespace ebb
