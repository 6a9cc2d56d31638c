// Gradients are values that you ask for: of what, with respect to what, and what comes back.
#include "support.h"

#include <stdexcept>

using namespace ebb;
using namespace ebb::test;

TEST_CASE("gradients: come as a tensor or an array or a vector or fill a span") {
  const Tensor a = varied({3}, 1), b = varied({3}, 2);
  Tape tape;
  const Tensor y = sum(a * b);
  CHECK(distance(tape.gradient(y, a), b) == 0);
  const std::array<Tensor, 2> array = tape.gradients(y, {a, b});
  const Tensor both[] = {a, b};
  const std::vector<Tensor> vector = tape.gradients(y, std::span(both));
  std::array<Tensor, 2> filled;
  tape.gradients(y, std::span(both), filled);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(distance(array[i], both[1 - i]) == 0);
    CHECK(same_bits(array[i], vector[i]));
    CHECK(same_bits(array[i], filled[i]));
  }
  std::array<Tensor, 1> too_few;
  check_says(message_of<ShapeError>([&] { tape.gradients(y, std::span(both), too_few); }), {"2 tensors", "1 results"});
  CHECK(tape.gradients(y, std::span<const Tensor>()).empty());
}

TEST_CASE("gradients: the options hold in all three forms") {
  const Tensor x = varied({3});
  Tape tape;
  const Tensor y = square(x);
  const Tensor seed = varied({3}, 2);
  const Tensor expected = 2.0 * x * seed;
  int seen = 0;
  const Observer count = [&](const Record&, const Tensor&) { ++seen; };
  const GradientOptions options{.recorded = true, .seed = seed, .observer = count};
  std::array<Tensor, 1> filled;
  tape.gradients(y, std::span(&x, 1), filled, options);
  for (const Tensor& g : {tape.gradient(y, x, options), tape.gradients(y, {x}, options)[0],
                          tape.gradients(y, std::span(&x, 1), options)[0], filled[0]}) {
    CHECK(distance(g, expected) < 1e-15);
    CHECK(tape.find(g) != nullptr);  // recorded
    CHECK(distance(tape.gradient(sum(g), x), 2.0 * seed) < 1e-15);
  }
  CHECK(seen == 4 * 2);  // y and x, each time
}

TEST_CASE("gradients: with respect to anything in the middle") {
  const Tensor x = varied({3});
  Tape tape;
  const Tensor hidden = tanh(x);
  const Tensor y = sum(square(hidden));
  const auto [by_hidden, by_x, by_y] = tape.gradients(y, {hidden, x, y});
  CHECK(distance(by_hidden, 2.0 * hidden) < 1e-15);
  CHECK(distance(by_x, 2.0 * hidden * (1.0 - square(hidden))) < 1e-15);
  CHECK(by_y.item() == 1);
}

TEST_CASE("gradients: of what the result does not depend on are zeros") {
  const Tensor x = varied({3}), other = varied({2, 2});
  Tape tape;
  (void)(other * 2.0);
  const Tensor unused = x * 3.0;
  const Tensor y = sum(square(x));
  const auto [by_other, by_unused] = tape.gradients(y, {other, unused});
  CHECK(distance(by_other, zeros({2, 2}, f64)) == 0);
  CHECK(distance(by_unused, zeros({3}, f64)) == 0);
  // Through an op that passes no gradient too.
  CHECK(distance(tape.gradient(sum(x < 0.5), x), zeros({3}, f64)) == 0);
}

TEST_CASE("gradients: of a slice asked about after the fact are that slice of its source's") {
  const Tensor x = varied({3, 4});
  const Tensor taken_before = x[1];
  Tape tape;
  const Tensor h = tanh(x);
  const Tensor y = sum(square(h) * varied({3, 4}, 2));
  const Tensor whole = detach(tape.gradient(y, h)), by_x = detach(tape.gradient(y, x));
  Tensor paused;
  {
    const Pause pause;
    paused = slice(h, 1, 3);
  }
  CHECK(distance(tape.gradient(y, h[1]), whole[1]) == 0);
  CHECK(distance(tape.gradient(y, slice(h, 1, 3, 1)), slice(whole, 1, 3, 1)) == 0);
  CHECK(distance(tape.gradient(y, reshape(h, {2, 6})), reshape(whole, {2, 6})) == 0);
  CHECK(distance(tape.gradient(y, reshape(h[-1], {2, 2})[1]), slice(whole[2], 2, 4)) == 0);
  CHECK(distance(tape.gradient(y, paused), slice(whole, 1, 3)) == 0);
  CHECK(distance(tape.gradient(y, taken_before), by_x[1]) == 0);
  CHECK(distance(tape.gradient(y, taken_before[2]), by_x[1][2]) == 0);
  // Several views of one tensor, and the tensor, in one sweep.
  const auto [first, all, last] = tape.gradients(y, {h[0], h, h[2]});
  CHECK(distance(first, whole[0]) == 0);
  CHECK(distance(all, whole) == 0);
  CHECK(distance(last, whole[2]) == 0);
  // And in a recorded sweep.
  const Tensor recorded = tape.gradient(y, h[1], {.recorded = true});
  CHECK(distance(recorded, whole[1]) < 1e-15);
  CHECK(distance(tape.gradient(sum(recorded), h)[0], zeros({4}, f64)) == 0);
  CHECK(distance(tape.gradient(sum(recorded), h)[1], 2.0 * varied({3, 4}, 2)[1]) < 1e-15);
}

TEST_CASE("gradients: of a part of a view that was taken before the tape are that part of the view's") {
  const Tensor x = varied({4, 3});
  const Tensor rows = slice(x, 1, 4);
  Tape tape;
  const Tensor y = sum(square(rows));
  const Pause pause;
  CHECK(distance(tape.gradient(y, rows[1]), 2.0 * x[2]) < 1e-15);
  CHECK(distance(tape.gradient(y, x[2]), 2.0 * x[2]) < 1e-15);
  check_says(message_of<TapeError>([&] { (void)tape.gradient(y, x[0]); }), {"never used"});
}

TEST_CASE("gradients: of a slice that is used are all of its source's there") {
  const Tensor x = varied({2, 3});
  Tape tape;
  const Tensor h = x * 1.0;
  const Tensor part = h[0];
  const Tensor y = sum(square(part)) + sum(h);
  CHECK(distance(tape.gradient(y, part), 2.0 * part + 1.0) < 1e-15);
  CHECK(distance(tape.gradient(y, h)[0], 2.0 * part + 1.0) < 1e-15);
  CHECK(distance(tape.gradient(y, h)[1], ones({3}, f64)) == 0);
}

namespace {

// The elements of all outputs recorded from `first` on: what a recorded sweep's work is made of.
Index elements_recorded(const Tape& tape, Index first) {
  Index count = 0;
  for (Index i = first; i < tape.size(); ++i) count += tape[i].output.size();
  return count;
}

// Σ over the rows of Σ x², a slice for each.
Tensor by_slices(const Tensor& x) {
  std::vector<Tensor> parts;
  for (Index i = 0; i < x.extent(0); ++i) parts.push_back(sum(square(x[i])));
  return sum(stack(parts));
}

}  // namespace

TEST_CASE("gradients: through ten thousand slices cost what they hold") {
  const Tensor x = ones({10000, 1000});
  Tape tape;
  const Tensor y = by_slices(x);
  // A gradient of x's size for every slice would move 400 GB, and this test never end; one of the slice's moves 40 MB.
  CHECK(distance(tape.gradient(y, x), full({10000, 1000}, 2)) == 0);
}

TEST_CASE("gradients: through ten thousand slices in a recorded sweep cost what they hold") {
  const Tensor x = ones({10000, 10});
  Tape tape;
  const Tensor y = by_slices(x);
  const Index records = tape.size();
  const Tensor recorded = tape.gradient(y, x, {.recorded = true});
  CHECK(distance(recorded, full({10000, 10}, 2)) == 0);
  CHECK(tape.size() < 4 * records);
  CHECK(elements_recorded(tape, records) < 10 * x.size());
  // And the gradient of that, through the records of a sweep.
  CHECK(distance(tape.gradient(sum(square(recorded)), x), full({10000, 10}, 8)) == 0);
}

TEST_CASE("gradients: are right for slices and uses of the whole in any order") {
  const auto mixed = [](const Tensor& x) {
    const Tensor a = sum(square(x[0])), b = sum(x * x * x), c = sum(slice(x, 1, 3) * slice(x, 0, 2));
    const Tensor d = sum(square(take_rows(x, indices({2, 0, 2}))));
    return a * b + c * d;
  };
  const GradientCheck check = check_gradients(mixed, varied({3, 2}));
  CHECK_MESSAGE(check.passed, fmt::format("{}", check));
}

TEST_CASE("gradients: a sweep may run any number of times and changes nothing") {
  const Tensor x = varied({4}), w = varied({4, 4}, 2);
  Tape tape;
  const Tensor y = sum(tanh(matmul(reshape(x, {1, 4}), w)));
  const Index size = tape.size();
  const Tensor first = tape.gradient(y, w);
  (void)tape.gradient(y, x);
  CHECK(same_bits(first, tape.gradient(y, w)));
  CHECK(tape.size() == size);
  CHECK(w.version() == 0);
}

TEST_CASE("gradients: a sweep passes only the records between the two") {
  const Tensor x = varied({3});
  Tape tape;
  Tensor before = x;
  for (int i = 0; i < 100; ++i) before = before * 1.5;
  const Tensor start = before;
  const Tensor middle = tanh(tanh(start));
  (void)exp(start);  // beside the path
  const Tensor y = sum(middle * varied({3}, 2));
  (void)exp(middle);  // beyond the result
  std::vector<std::uint32_t> passed;
  (void)tape.gradient(y, start,
                      {.observer = [&](const Record& record, const Tensor&) { passed.push_back(record.index); }});
  // sum, multiply, tanh, tanh, start
  CHECK(passed.size() == 5);
  CHECK(std::is_sorted(passed.rbegin(), passed.rend()));
  CHECK(passed.front() == tape.find(y)->index);
  CHECK(passed.back() == tape.find(start)->index);
}

TEST_CASE("gradients: an observer sees each record with the whole gradient that arrives") {
  const Tensor x = varied({3});
  Tape tape;
  const Tensor h = tanh(x);
  const Tensor y = sum(square(h)) + sum(h * 3.0);  // two paths into h
  std::vector<Tensor> seen(static_cast<std::size_t>(tape.size()));
  (void)tape.gradient(y, x, {.observer = [&](const Record& record, const Tensor& g) {
                        CHECK(g.shape() == record.output.shape());
                        seen[record.index] = detach(g);
                      }});
  for (Index i = 0; i < tape.size(); ++i) {
    if (!seen[static_cast<std::size_t>(i)].defined()) continue;
    CHECK(same_bits(seen[static_cast<std::size_t>(i)], tape.gradient(y, tape[i].output)));
  }
  CHECK(distance(seen[tape.find(h)->index], 2.0 * h + 3.0) < 1e-15);
}

TEST_CASE("gradients: what an observer keeps stays as it was") {
  const Tensor x = varied({3});
  Tape tape;
  Tensor h = x;
  for (int i = 0; i < 5; ++i) h = tanh(h + x);
  const Tensor y = sum(h);
  std::vector<Tensor> kept, copies;
  (void)tape.gradient(y, x, {.observer = [&](const Record&, const Tensor& g) {
                        kept.push_back(g);
                        copies.push_back(detach(g));
                      }});
  for (std::size_t i = 0; i < kept.size(); ++i) CHECK(same_bits(kept[i], copies[i]));
}

TEST_CASE("gradients: one of sum(a + b) may be clipped and the other stays") {
  const Tensor a = varied({3}, 1), b = varied({3}, 2);
  Tape tape;
  auto [da, db] = tape.gradients(sum(a + b), {a, b});
  da.edit<double>()[0] = 100;
  CHECK(distance(db, ones({3}, f64)) == 0);
  CHECK(distance(tape.gradient(sum(a + b), a), ones({3}, f64)) == 0);

  // The same asked for twice, and the parts of one.
  auto [once, again, part] = tape.gradients(sum(square(a)), {a, a, slice(a, 0, 2)});
  const Tensor expected = 2.0 * a;
  once.edit<double>()[0] = 100;
  CHECK(distance(again, expected) == 0);
  CHECK(distance(part, slice(expected, 0, 2)) == 0);
  part.edit<double>()[0] = 50;
  CHECK(distance(again, expected) == 0);
}

TEST_CASE("gradients: a seed is given and stays the caller's") {
  const Tensor a = varied({3}, 1), b = varied({3}, 2), seed = varied({3}, 3), before = detach(seed);
  Tape tape;
  const Tensor y = a + b;
  for (const bool recorded : {false, true}) {
    auto [da, dy] = tape.gradients(y, {a, y}, {.recorded = recorded, .seed = seed});
    CHECK(distance(da, seed) == 0);
    da.edit<double>()[0] = 100;
    dy.edit<double>()[1] = 100;
    CHECK(same_bits(seed, before));
    CHECK(distance(dy[0], seed[0]) == 0);
  }
  // A rule that may write its cotangent doesn't write the seed.
  const Tensor z = tanh(tanh(a));
  (void)tape.gradient(z, a, {.seed = seed});
  CHECK(same_bits(seed, before));
}

TEST_CASE("gradients: what an observer holds is not what the caller gets to write") {
  const Tensor x = varied({3});
  Tape tape;
  Tensor held;
  Tensor g = tape.gradient(sum(x * 2.0), x, {.observer = [&](const Record&, const Tensor& g) { held = g; }});
  g.edit<double>()[0] = 100;
  CHECK(distance(held, full({3}, 2, f64)) == 0);
}

TEST_CASE("gradients: recorded sweeps give gradients of any order") {
  const Tensor x = varied({3});
  Tape tape;
  const Tensor y = sum(square(square(x)));  // x⁴
  const Tensor first = tape.gradient(y, x, {.recorded = true});
  const Tensor second = tape.gradient(sum(first), x, {.recorded = true});
  const Tensor third = tape.gradient(sum(second), x, {.recorded = true});
  const Tensor fourth = tape.gradient(sum(third), x);
  // A few products: a few roundings.
  CHECK(distance(first, 4.0 * x * x * x) < 1e-14);
  CHECK(distance(second, 12.0 * x * x) < 1e-14);
  CHECK(distance(third, 24.0 * x) < 1e-14);
  CHECK(distance(fourth, full({3}, 24, f64)) < 1e-14);
}

TEST_CASE("gradients: third derivatives of tanh and sigmoid are the textbook's") {
  const Tensor x = varied({5});
  const auto third = [&](Unary f) {
    Tape tape;
    Tensor y = sum(f(x));
    for (int order = 0; order < 3; ++order) y = sum(tape.gradient(y, x, {.recorded = true}));
    return tape.gradient(y, x);  // the fourth, so that the third was a path too
  };
  const Tensor t = tanh(x), s = sigmoid(x);
  // d⁴ tanh = 8 t (1 − t²)(2 − 3 t²); d⁴ σ = s(1−s)(1 − 2s)(1 − 12 s + 12 s²).
  CHECK(distance(third(tanh), 8.0 * t * (1.0 - t * t) * (2.0 - 3.0 * t * t)) < 1e-13);
  CHECK(distance(third(sigmoid), s * (1.0 - s) * (1.0 - 2.0 * s) * (1.0 - 12.0 * s + 12.0 * s * s)) < 1e-13);
}

TEST_CASE("gradients: a recorded sweep of an unrecorded one is constant") {
  const Tensor x = tensor(3.0, f64);
  Tape tape;
  const Tensor g = tape.gradient(square(x), x);  // 2x, not recorded
  CHECK(tape.gradient(g * x, x).item() == 6);
}

TEST_CASE("gradients: through int64 do not exist") {
  const Tensor x = varied({3}), rows = indices({0, 2});
  Tape tape;
  const Tensor y = sum(take_rows(x, rows));
  check_says(message_of<TapeError>([&] { (void)tape.gradient(y, rows); }), {"argument 0", "int64"});
  const Tensor integers = cast(x, i64);
  check_says(message_of<TapeError>([&] { (void)tape.gradient(integers, x); }), {"int64"});
}
