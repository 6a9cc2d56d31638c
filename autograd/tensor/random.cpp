#include "autograd/tensor/random.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "autograd/tensor/error.h"

namespace ebb {

namespace {

std::uint64_t splitmix64(std::uint64_t& x) {
  std::uint64_t z = (x += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// ln x for x > 0 from sums, products and quotients alone, which IEEE 754 rounds alike everywhere (a libm's log isn't).
// x = m 2ᵉ with m in [√½, √2), ln m = 2 atanh f, f = (m − 1)/(m + 1): |f| ≤ 0.172, so f²³ is below the last bit.
double portable_log(double x) {
  int exponent = 0;
  double m = std::frexp(x, &exponent);
  if (m < 0.70710678118654752) {
    m *= 2;
    --exponent;
  }
  const double f = (m - 1) / (m + 1);
  double series = 0;
  for (int k = 21; k >= 1; k -= 2) series = series * (f * f) + 1.0 / k;
  return exponent * 0.69314718055994531 + 2 * (f * series);
}

constinit thread_local detail::GeneratorNotes* current_notes = nullptr;

}  // namespace

Rng::Rng() {
  if (current_notes) current_notes->make(*this);
}

Rng::Rng(std::uint64_t seed) : Rng() {
  for (std::uint64_t& word : state_) word = splitmix64(seed);
}

Rng::Rng(const Rng& other) : Rng() { state_ = other.state(); }

Rng& Rng::operator=(const Rng& other) {
  if (current_notes) current_notes->use(*this);
  state_ = other.state();
  return *this;
}

Rng::~Rng() {
  if (current_notes) current_notes->forget(*this);
}

const Rng::State& Rng::state() const {
  if (current_notes) current_notes->use(const_cast<Rng&>(*this));
  return state_;
}

std::uint64_t Rng::next() {
  if (current_notes) current_notes->use(*this);
  auto& s = state_;
  const std::uint64_t result = std::rotl(s[0] + s[3], 23) + s[0];
  const std::uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = std::rotl(s[3], 45);
  return result;
}

double Rng::uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

double Rng::uniform(double low, double high) { return low + (high - low) * uniform(); }

double Rng::normal(double mean, double std) {
  while (true) {
    const double u = 2 * uniform() - 1, v = 2 * uniform() - 1;
    const double s = u * u + v * v;
    if (s > 0 && s < 1) return mean + std * (u * std::sqrt(-2 * portable_log(s) / s));
  }
}

Index Rng::below(Index bound) {
  if (bound <= 0) fail("Rng::below", "the bound is {}; it must be positive", bound);
  const auto n = static_cast<std::uint64_t>(bound);
  const std::uint64_t rejected = -n % n;  // 2⁶⁴ mod n: the values below it would come up once too often
  while (true)
    if (const std::uint64_t x = next(); x >= rejected) return static_cast<Index>(x % n);
}

Rng Rng::split() { return Rng(next()); }

Rng Rng::from_state(const State& state) {
  if (state == State{}) fail("Rng::from_state", "a state of zeros gives zeros for ever; use one that state() returned");
  Rng rng;
  rng.state_ = state;
  return rng;
}

// ---- which generators are used

detail::GeneratorNotes::GeneratorNotes() : outer_(std::exchange(current_notes, this)) {}

detail::GeneratorNotes::GeneratorNotes(std::span<const Rng::State> states) : GeneratorNotes() {
  replayed_ = states;
  replays_ = true;
}

detail::GeneratorNotes::~GeneratorNotes() {
  current_notes = outer_;
  if (!replays_) return;
  for (const Used& used : used_)
    if (used.generator) used.generator->state_ = used.before;
}

std::vector<Rng::State> detail::GeneratorNotes::states() const {
  std::vector<Rng::State> result;
  for (const Used& used : used_) result.push_back(used.before);
  return result;
}

void detail::GeneratorNotes::use(Rng& generator) {
  if (outer_) outer_->use(generator);
  if (std::find(made_.begin(), made_.end(), &generator) != made_.end()) return;
  for (const Used& used : used_)
    if (used.generator == &generator) return;
  used_.push_back({&generator, generator.state_});
  if (used_.size() <= replayed_.size()) generator.state_ = replayed_[used_.size() - 1];
}

void detail::GeneratorNotes::make(const Rng& generator) {
  if (outer_) outer_->make(generator);
  made_.push_back(&generator);
}

void detail::GeneratorNotes::forget(const Rng& generator) noexcept {
  if (outer_) outer_->forget(generator);
  std::erase(made_, &generator);
  for (Used& used : used_)
    if (used.generator == &generator) used.generator = nullptr;
}

}  // namespace ebb
