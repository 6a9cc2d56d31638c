// Laws that hold for any shapes, seeds and programs, tried on many by RapidCheck. The same ones every time, unless
// RC_PARAMS says otherwise: RC_PARAMS="seed=7 max_success=10000" tests/ebb_tests --test-case='properties:*'
#include <rapidcheck.h>
#include <stdlib.h>

#include <set>

#include "op_table.h"
#include "random_program.h"

using namespace ebb;
using namespace ebb::test;

namespace {

[[maybe_unused]] const int fixed_seed = setenv("RC_PARAMS", "seed=20260705 max_success=400", /*overwrite=*/0);

using Bytes = std::vector<std::uint8_t>;

// Enough for fifty ops.
Bytes any_bytes() {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::container<Bytes>(320, rc::gen::arbitrary<std::uint8_t>()));
}

Shape any_shape(Index most_axes = 4) {
  std::vector<Index> extents;
  const Index rank = *rc::gen::inRange<Index>(0, most_axes + 1);
  for (Index i = 0; i < rank; ++i) extents.push_back(*rc::gen::inRange<Index>(0, 4));
  return Shape(extents);
}

// A shape that broadcasts to `to`: some axes 1, some in front left out.
Shape any_part_of(const Shape& to) {
  std::vector<Index> extents;
  for (Index axis = *rc::gen::inRange<Index>(0, to.rank() + 1); axis < to.rank(); ++axis)
    extents.push_back(*rc::gen::arbitrary<bool>() ? to[axis] : 1);
  return Shape(extents);
}

double inner_product(const Tensor& a, const Tensor& b) { return sum(a * b).item(); }
double magnitude(const Tensor& a, const Tensor& b) { return sum(where(a * b < 0.0, -(a * b), a * b)).item(); }

std::string text_of(const RandomProgram& program) { return fmt::format("{}", fmt::join(program.names(), " ")); }

// A program on a tape, with its result by all of its arguments.
struct Recorded {
  explicit Recorded(const RandomProgram& program) : xs(program.arguments()) {
    for (const Tensor& x : xs) (void)sum(x);  // known to the tape also where the program ignores it
    y = program(xs);
    RC_LOG() << text_of(program) << "\n";
  }
  Tape tape;
  std::vector<Tensor> xs;
  Tensor y;
};

}  // namespace

TEST_CASE("properties: shapes broadcast alike in any order") {
  CHECK(rc::check("broadcasting commutes and associates", [] {
    const Shape whole = any_shape(), a = any_part_of(whole), b = any_part_of(whole), c = any_part_of(whole);
    RC_ASSERT(broadcast("t", a, b) == broadcast("t", b, a));
    RC_ASSERT(broadcast("t", a, broadcast("t", b, c)) == broadcast("t", broadcast("t", a, b), c));
    RC_ASSERT(broadcast("t", a, a) == a);
    RC_ASSERT(broadcasts_to(a, whole));
    const Tensor x = varied(a, 1), y = varied(b, 2);
    RC_ASSERT((x + y).shape() == broadcast("t", a, b));
    RC_ASSERT(same_bits(x + y, y + x));
    RC_ASSERT(same_bits(x * y, y * x));
  }));
  CHECK(rc::check("what does not broadcast is refused from both sides", [] {
    const Shape a = any_shape(), b = any_shape();
    const auto outcome = [](const Shape& s, const Shape& t) {
      try {
        return fmt::format("{}", broadcast("t", s, t));
      } catch (const ShapeError&) {
        return std::string("refused");
      }
    };
    RC_ASSERT(outcome(a, b) == outcome(b, a));
    RC_TAG(outcome(a, b) == "refused");
  }));
}

TEST_CASE("properties: sum_to is the transpose of broadcast_to") {
  CHECK(rc::check("<u, broadcast x> = <sum_to u, x>", [] {
    const Shape to = any_shape(), from = any_part_of(to);
    const Tensor x = varied(from, 1), u = varied(to, 2);
    const double left = inner_product(u, broadcast_to(x, to)), right = inner_product(sum_to(u, from), x);
    RC_ASSERT(std::fabs(left - right) <= 1e-13 * std::max(1.0, magnitude(u, broadcast_to(x, to))));
    RC_ASSERT(same_bits(broadcast_to(x, to), x + zeros(to, f64)));
  }));
}

TEST_CASE("properties: a sweep is linear in its seed") {
  CHECK(rc::check("sweep(a u + b v) = a sweep(u) + b sweep(v)", [] {
    Recorded p(RandomProgram(any_bytes(), /*smooth=*/false));
    const Tensor u = varied(p.y.shape(), 1), v = varied(p.y.shape(), 2);
    const auto of_u = p.tape.gradients(p.y, p.xs, {.seed = u}), of_v = p.tape.gradients(p.y, p.xs, {.seed = v});
    const auto of_both = p.tape.gradients(p.y, p.xs, {.seed = 0.3 * u - 2.0 * v});
    for (std::size_t i = 0; i < p.xs.size(); ++i)
      RC_ASSERT(distance(of_both[i], 0.3 * of_u[i] - 2.0 * of_v[i]) <= 1e-12);
  }));
}

TEST_CASE("properties: random programs agree with differences to second order") {
  std::set<std::string_view> used;
  CHECK(rc::check("gradients of programs agree with differences", [&] {
    const RandomProgram program(any_bytes(), /*smooth=*/true);
    const auto names = program.names();
    used.insert(names.begin(), names.end());
    const GradientCheck check =
        check_gradients(program, program.arguments(), {.tolerance = 1e-6, .orders = names.size() < 12 ? 2 : 1});
    RC_LOG() << text_of(program) << ": " << fmt::format("{}", check) << "\n";
    RC_ASSERT(check.passed);
  }));
  for (const ProgramOp& op : program_ops())
    if (op.form == ProgramOp::Form::smooth) CHECK_MESSAGE(used.contains(op.name), op.name << " was in no program");
}

TEST_CASE("properties: every op has its line among those of random programs") {
  std::set<std::string_view> names;
  for (const ProgramOp& op : program_ops()) names.insert(op.name);
  for (const OpRow& row : op_table()) CHECK_MESSAGE(names.contains(row.op), row.op << " is in no random program");
}

TEST_CASE("properties: forwards is the transpose of backwards for random programs") {
  CHECK(rc::check("<u, J v> = <transposed J u, v>", [] {
    Recorded p(RandomProgram(any_bytes(), /*smooth=*/false));
    const Tensor u = varied(p.y.shape(), 1);
    std::vector<Tensor> tangents;
    for (std::size_t i = 0; i < p.xs.size(); ++i) tangents.push_back(varied(p.xs[i].shape(), 10 + i));
    const Tensor pushed = p.tape.jvp(p.y, p.xs, tangents);
    const std::vector<Tensor> pulled = p.tape.gradients(p.y, p.xs, {.seed = u});
    double right = 0, size = magnitude(u, pushed);
    for (std::size_t i = 0; i < p.xs.size(); ++i) {
      right += inner_product(pulled[i], tangents[i]);
      size += magnitude(pulled[i], tangents[i]);
    }
    // What cancels within leaves the rounding errors of numbers of size 1, which the two directions needn't share.
    RC_ASSERT(std::fabs(inner_product(u, pushed) - right) <= 1e-12 * size + 1e-16);
  }));
}

TEST_CASE("properties: a recorded sweep of a random program gives the numbers of a plain one") {
  CHECK(rc::check("recorded = plain", [] {
    Recorded p(RandomProgram(any_bytes(), /*smooth=*/false));
    const Tensor u = varied(p.y.shape(), 1);
    const auto plain = p.tape.gradients(p.y, p.xs, {.seed = u});
    const auto again = p.tape.gradients(p.y, p.xs, {.seed = u});
    const auto recorded = p.tape.gradients(p.y, p.xs, {.recorded = true, .seed = u});
    for (std::size_t i = 0; i < p.xs.size(); ++i) {
      RC_ASSERT(same_bits(plain[i], again[i]));
      RC_ASSERT(distance(plain[i], recorded[i]) <= 1e-13);
    }
  }));
}
