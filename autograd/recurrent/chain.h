// A plain sweep along a chain: records of one op, each of which made the state that the next one reads, where all else
// that they read is the same; a cell unrolled over a sequence. What a rule would look up at every record is looked up
// once, and the factor that a record's products have in common is written where they are gathered. Private to autograd.
#pragma once

#include <array>
#include <initializer_list>

#include "autograd/sweep/pass.h"
#include "autograd/tensor/access.h"

namespace ebb {

class Chain {
 public:
  // Whether the rule of a record whose products have `rows` rows may go along one: not in a sweep that is recorded, or
  // that looks at each number, and not with more rows than are gathered at a time.
  static bool suits(const Sweep& sweep, Index rows);

  // From `last` on, at which g: [rows, …] has arrived. `state` is the input that leads to the record before. The
  // products are those of Sweep::give_products with b: [rows, columns], whose shapes must fit; a factor's `first` is
  // told for each record. The op has `Record::few` inputs at most.
  Chain(Sweep& sweep, const Record& last, Tensor g, Index state, std::initializer_list<LeftFactor> factors,
        Index columns);

  // Where it is, what may be read there (StaleValueError as in Pass), and what has arrived, to be written into where
  // that is the only handle.
  const Record& record() const { return *record_; }
  const Tensor& input(Index i) const { return detail::checked(pass_.op, source(i), *record_); }
  const Tensor& output() const { return detail::checked(pass_.op, *record_, *record_); }
  Tensor take_gradient() { return std::move(gradient_); }
  // For the gradient of a state like this one's: the place of g, which is done with, unless somebody still holds it.
  // (Whoever holds the latest alone, as an observer may, makes them alternate between two places.)
  Tensor place_of(Tensor g) {
    if (detail::claim(g)) return g;
    Tensor place = spare_.defined() && detail::claim(spare_) ? std::move(spare_) : detail::uninitialised_like(g);
    spare_ = std::move(g);
    return place;
  }

  // Where this record's b is to be written; it stays there until the next one's is asked for.
  std::byte* room() {
    Gathering& to = gathering();
    if (to.count + rows_ > capacity_) multiply();
    return to.block.body().data + to.count * row_bytes_;
  }
  // Then: gives its products, factor i with the rows from firsts[i] on.
  void give_products(std::initializer_list<Index> firsts);
  // Shows g, what has arrived, to the sweep's observer. Best done late, for then the observer's work on g and the
  // rule's go on side by side. (What it writes is seen at the next record, and where products are multiplied.)
  void show(const Tensor& g) {
    if (pass_.observer && record_ != first_) (*pass_.observer)(*record_, g);  // the first one has been shown
  }
  // Whether something that was asked for lies behind the state.
  bool goes_on() {
    slot_ = pass_.find(record_->near[state_]);
    if (!slot_) end();
    return slot_;
  }
  // Where it does: adds g to the state, the last that this record has to give, and goes to the record before. False
  // where the chain has ended, and the rest is the sweep's.
  bool pass_on(Tensor g);

 private:
  // The rows of a's that a factor gives.
  struct Rows {
    Index from;         // an input, or `ones`
    std::size_t bytes;  // from one to the next
    bool wanted;
  };

  Gathering& gathering() const { return pass_.gatherings[gathering_]; }
  const Record& source(Index i) const { return pass_.records->at(record_->near[i]); }
  bool leads_to(const Record& before) const;
  template <class F>
  void for_reads(F f) const;
  // Multiplies what waits. StaleValueError where an observer has written to what it is of.
  void multiply();
  // After the last record.
  void end();

  Sweep& sweep_;
  Pass::State& pass_;
  const Record* const first_;
  const Record* record_;
  Slot* slot_ = nullptr;  // the state's
  Tensor gradient_, spare_;
  Index state_;
  std::array<Rows, Gathering::most_factors> lefts_;
  std::size_t count_ = 0;
  bool gives_ = false;               // any
  const Record* waiting_ = nullptr;  // the first record whose products wait, and
  const Record* given_ = nullptr;    // the last
  std::size_t gathering_;            // by number: others may join them
  std::size_t rows_;
  std::size_t row_bytes_;  // of b
  std::size_t capacity_;   // of the block
};

}  // namespace ebb
