// Every op against differences of its values, from the one table of op_table.h; and no op without a row there.
#include "op_table.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

using namespace ebb;
using namespace ebb::test;

namespace {

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

// What stands between `before` and `after`, on one line, in the project's files of that folder and ending.
std::set<std::string> found(const std::string& folder, const std::string& ending, const std::string& before,
                            char after) {
  std::set<std::string> names;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(std::filesystem::path(EBB_SOURCE_DIR) / folder)) {
    if (entry.path().extension() != ending) continue;
    const std::string text = text_of(entry.path());
    for (std::size_t at = text.find(before); at != text.npos; at = text.find(before, at)) {
      at += before.size();
      const std::string name = text.substr(at, text.find(after, at) - at);
      if (name.find('\n') == name.npos) names.insert(name);
    }
  }
  return names;
}

// The functions of the public headers that return a tensor.
std::set<std::string> declared_functions() {
  std::set<std::string> names;
  for (const char* folder : {"autograd", "nn"})
    for (const char* before : {"[[nodiscard]] Tensor ", "[[nodiscard]] inline Tensor "})
      names.merge(found(folder, ".h", before, '('));
  for (const char* member : {"operator", "operator[]"}) names.erase(member);  // a module's operator(); see select
  return names;
}

Tensor float32(const Tensor& x) { return x.dtype() == f64 ? cast(x, f32) : x; }

std::vector<Tensor> float32(std::span<const Tensor> xs) {
  std::vector<Tensor> result;
  for (const Tensor& x : xs) result.push_back(float32(x));
  return result;
}

std::vector<Tensor> floats(std::span<const Tensor> xs) {
  std::vector<Tensor> result;
  for (const Tensor& x : xs)
    if (x.dtype() != i64) result.push_back(x);
  return result;
}

// The row's value, and its gradients for a cotangent that repeats nothing.
struct Evaluated {
  Tensor value;
  std::vector<Tensor> gradients;
};
Evaluated evaluate(const OpRow& row, std::span<const Tensor> arguments, bool recorded) {
  Tape tape;
  const std::vector<Tensor> wanted = floats(arguments);
  for (const Tensor& x : wanted) (void)sum(x);  // known to the tape also where the op ignores it
  Evaluated result{row.function(arguments), {}};
  const Tensor cotangent = varied(result.value.shape(), 7, result.value.dtype());
  result.gradients = tape.gradients(sum(result.value * cotangent), wanted, {.recorded = recorded});
  return result;
}

// Other values for all elements, and indices that are none out of range.
void overwrite(Tensor x) {
  if (x.dtype() == i64)
    x.assign(zeros_like(x));
  else
    x.assign(varied(x.shape(), 30, x.dtype()));
}

struct Wrong {
  static constexpr auto name = "wrong";
  static auto value(auto x) { return x * x; }
  static auto derivative(auto x, auto) { return 2.001 * x; }
};

}  // namespace

TEST_CASE("ops: every function of the headers that returns a tensor has a row in the table") {
  // What isn't an op of tensors: it makes one from nothing, cuts the path on purpose, asks a tape, a Jacobian or a
  // cell, or is not recorded at all.
  const std::set<std::string> not_ops = {"tensor",      "zeros",
                                         "ones",        "full",
                                         "zeros_like",  "ones_like",
                                         "eye",         "linspace",
                                         "uniform",     "normal",
                                         "from_values", "detach",
                                         "gradient",    "jvp",
                                         "vjp",         "matrix",
                                         "hessian",     "hessian_vector_product",
                                         "outputs",     "orthonormal_columns",
                                         "rows"};
  const std::set<std::string> declared = declared_functions();
  REQUIRE(declared.size() > 40);

  std::set<std::string> rows;
  for (const OpRow& row : op_table()) rows.insert(std::string(row.op));
  for (const std::string& name : declared)
    if (!not_ops.contains(name)) CHECK_MESSAGE(rows.contains(name), name << " has no row in op_table()");
  for (const std::string& name : rows) CHECK_MESSAGE(declared.contains(name), name << " is in no header");
}

TEST_CASE("ops: every op that the sources can record is recorded by a row of the table") {
  std::set<std::string> defined;
  for (const char* ending : {".cpp", ".h"})
    for (const char* before : {"name = \"", "Named<\""}) defined.merge(found("autograd", ending, before, '"'));
  for (const char* other : {"source", "inner_result"}) defined.erase(other);
  for (const char* example : {"swish", "scaled"}) defined.erase(example);  // in formula_op.h and custom_op.h
  REQUIRE(defined.size() > 40);

  std::set<std::string> recorded;
  for (const OpRow& row : op_table()) {
    Tape tape;
    (void)row.function(row.arguments);
    for (Index i = 0; i < tape.size(); ++i) recorded.insert(std::string(tape[i].op.name));
  }
  for (const std::string& name : defined) CHECK_MESSAGE(recorded.contains(name), name << " was recorded by no row");
}

TEST_CASE("ops: no file of the library is longer than 400 lines") {
  for (const char* folder : {"autograd", "autograd/kernels", "nn"})
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(std::filesystem::path(EBB_SOURCE_DIR) / folder)) {
      if (!entry.is_regular_file()) continue;
      const std::string text = text_of(entry.path());
      CHECK_MESSAGE(std::count(text.begin(), text.end(), '\n') <= 400, entry.path().string());
    }
}

TEST_CASE("ops: first and second and third derivatives agree with differences in float64") {
  for (const OpRow& row : op_table()) {
    const std::vector<Tensor> wanted = floats(row.arguments);
    if (wanted.empty()) continue;
    const GradientCheck check = check_gradients(row.function, row.arguments, {.orders = 3});
    CHECK_MESSAGE(check.passed, row.op << " " << row.what << ": " << fmt::format("{}", check));
    Index expected = 0;
    for (const Tensor& x : wanted) expected += x.size();
    // The second order once for each argument.
    CHECK(check.compared == expected * (2 + static_cast<Index>(wanted.size())));
  }
}

TEST_CASE("ops: a recorded sweep gives the numbers of a plain one") {
  for (const OpRow& row : op_table()) {
    const Evaluated plain = evaluate(row, row.arguments, false), recorded = evaluate(row, row.arguments, true);
    REQUIRE(plain.gradients.size() == recorded.gradients.size());
    for (std::size_t i = 0; i < plain.gradients.size(); ++i)
      // The same few operations, in another order at most: some rounding errors of 1e-16.
      CHECK_MESSAGE(distance(plain.gradients[i], recorded.gradients[i]) < 1e-14, row.op << " " << row.what);
  }
}

TEST_CASE("ops: forwards is the transpose of backwards, recorded or not") {
  for (const OpRow& row : op_table()) {
    Tape tape;
    const std::vector<Tensor> xs = floats(row.arguments);
    for (const Tensor& x : xs) (void)sum(x);
    const Tensor y = row.function(row.arguments);
    if (y.dtype() == i64 || !tape.find(y)) continue;  // the slope of the identity is a constant
    const Tensor u = varied(y.shape(), 7, y.dtype());
    std::vector<Tensor> tangents;
    for (std::size_t i = 0; i < xs.size(); ++i) tangents.push_back(varied(xs[i].shape(), 20 + i, xs[i].dtype()));
    const std::vector<Tensor> pulled = tape.gradients(y, xs, {.seed = u});
    const Tensor pushed = tape.jvp(y, xs, tangents);
    const Tensor recorded = tape.jvp(y, xs, tangents, {.recorded = true});
    double right = 0, size = 1;
    for (std::size_t i = 0; i < xs.size(); ++i) {
      const double part = sum(cast(pulled[i] * tangents[i], f64)).item();
      right += part;
      size += std::fabs(part);
    }
    // Some rounding errors of 1e-16.
    CHECK_MESSAGE(std::fabs(sum(cast(u * pushed, f64)).item() - right) <= 1e-12 * size, row.op << " " << row.what);
    CHECK_MESSAGE(distance(pushed, recorded) < 1e-14, row.op << " " << row.what);
  }
}

TEST_CASE("ops: float32 gives the values and gradients of float64") {
  for (const OpRow& row : op_table()) {
    const Evaluated exact = evaluate(row, row.arguments, false);
    const Evaluated rounded = evaluate(row, float32(row.arguments), false);
    if (exact.value.dtype() != f64) continue;
    CHECK_MESSAGE(rounded.value.dtype() == f32, row.op << " " << row.what);
    // Arguments of size 1 are off by 6e-8 after the cast; none of the rows magnifies that by more than a hundred.
    CHECK_MESSAGE(distance(exact.value, rounded.value) < 1e-5, row.op << " " << row.what);
    for (std::size_t i = 0; i < exact.gradients.size(); ++i) {
      CHECK_MESSAGE(rounded.gradients[i].dtype() == f32, row.op << " " << row.what);
      CHECK_MESSAGE(distance(exact.gradients[i], rounded.gradients[i]) < 1e-5, row.op << " " << row.what);
    }
  }
}

TEST_CASE("ops: float32 and float64 mix in none") {
  for (const OpRow& row : op_table()) {
    if (floats(row.arguments).size() < 2) continue;
    for (std::size_t i = 0; i < row.arguments.size(); ++i) {
      std::vector<Tensor> mixed = row.arguments;
      if (mixed[i].dtype() == i64) continue;
      mixed[i] = float32(mixed[i]);
      INFO(row.op << " " << row.what << ", argument " << i);
      check_says(message_of<Error>([&] { (void)row.function(mixed); }), {"float32", "float64"});
    }
  }
}

TEST_CASE("ops: empty tensors are defined, with all derivatives, or a clear error") {
  int defined = 0, refused = 0;
  const auto run = [&](const OpRow& row, std::span<const Tensor> arguments) {
    const std::vector<Tensor> xs = floats(arguments);
    try {
      Tape tape;
      for (const Tensor& x : xs) (void)sum(x);
      const Tensor y = row.function(arguments);
      ++defined;
      if (y.dtype() == i64 || !tape.find(y)) return;
      const Tensor seed = ones_like(y);
      const std::vector<Tensor> gradients = tape.gradients(y, xs, {.recorded = true, .seed = seed});
      for (std::size_t i = 0; i < xs.size(); ++i) {
        CHECK(gradients[i].shape() == xs[i].shape());
        CHECK(distance(gradients[i], tape.gradient(y, xs[i], {.seed = seed})) < 1e-14);
        CHECK(tape.gradient(sum(gradients[i]), xs[i]).shape() == xs[i].shape());
      }
      CHECK(tape.jvp(y, xs, xs).shape() == y.shape());
    } catch (const Error& error) {
      ++refused;
      CHECK_MESSAGE(std::string(error.what()).starts_with("["), error.what());
    }
  };
  for (const OpRow& row : op_table())
    for (Index axis = 0; axis < 3; ++axis) {
      const auto emptied = [axis](const Tensor& x) { return axis < x.rank() ? slice(x, 0, 0, axis) : x; };
      INFO(row.op << " " << row.what << ", empty along " << axis);
      std::vector<Tensor> all = row.arguments;
      for (Tensor& x : all) x = emptied(x);
      run(row, all);
      for (std::size_t i = 0; i < row.arguments.size(); ++i) {
        std::vector<Tensor> one = row.arguments;
        one[i] = emptied(one[i]);
        run(row, one);
      }
    }
  CHECK(defined > 500);
  CHECK(refused > 100);
}

TEST_CASE("ops: every record of the table's rows tells its derivative") {
  for (const OpRow& row : op_table()) {
    Tape tape;
    (void)row.function(row.arguments);
    for (Index i = 0; i < tape.size(); ++i)
      CHECK_MESSAGE(tape[i].op.derivative.empty() == !tape[i].op.vjp,
                    row.op << " " << row.what << ": " << tape[i].op.name);
  }
}

TEST_CASE("ops: no op changes its arguments") {
  for (const OpRow& row : op_table()) {
    std::vector<Tensor> before;
    for (const Tensor& x : row.arguments) before.push_back(detach(x));
    (void)evaluate(row, row.arguments, false);
    (void)evaluate(row, row.arguments, true);
    for (std::size_t i = 0; i < before.size(); ++i) {
      CHECK_MESSAGE(same_bits(row.arguments[i], before[i]), row.op << " " << row.what);
      CHECK_MESSAGE(row.arguments[i].version() == 0, row.op << " " << row.what);
    }
  }
}

TEST_CASE("ops: after a write a pass gives what it gave before, or says that a value is stale") {
  int stale = 0, unread = 0;
  const auto try_it = [&](const OpRow& row, std::size_t written, bool recorded) {
    std::vector<Tensor> arguments, tangents;
    for (const Tensor& x : row.arguments) arguments.push_back(detach(x));
    const std::vector<Tensor> xs = floats(arguments);
    for (const Tensor& x : xs) tangents.push_back(varied(x.shape(), 20, x.dtype()));
    Tape tape;
    for (const Tensor& x : xs) (void)sum(x);
    const Tensor y = row.function(arguments);
    if (y.dtype() == i64 || !tape.find(y)) return;
    const Tensor seed = varied(y.shape(), 7, y.dtype());
    const std::function<std::vector<Tensor>()> passes[] = {
        [&] { return tape.gradients(y, xs, {.recorded = recorded, .seed = seed}); },
        [&] { return std::vector{tape.jvp(y, xs, tangents, {.recorded = recorded})}; }};
    const std::vector<Tensor> expected[] = {passes[0](), passes[1]()};
    overwrite(written < arguments.size() ? arguments[written] : y);
    for (std::size_t pass = 0; pass < 2; ++pass) try {
        const std::vector<Tensor> results = passes[pass]();
        for (std::size_t i = 0; i < results.size(); ++i)
          CHECK_MESSAGE(same_bits(results[i], expected[pass][i]),
                        row.op << " " << row.what << ", written: " << written);
        ++unread;
      } catch (const StaleValueError&) {
        ++stale;
      }
  };
  for (const OpRow& row : op_table())
    for (std::size_t written = 0; written <= row.arguments.size(); ++written)  // the last: the result
      for (const bool recorded : {false, true}) try_it(row, written, recorded);
  CHECK(stale > 1000);
  CHECK(unread > 1000);
}

TEST_CASE("ops: an undefined tensor is refused") {
  const Tensor x = ones({2}), none;
  check_says(message_of<Error>([&] { (void)(x + none); }), {"undefined"});
  check_says(message_of<Error>([&] { (void)tanh(none); }), {"undefined"});
  check_says(message_of<Error>([&] { (void)matmul(none, none); }), {"undefined"});
}

TEST_CASE("ops: a wrong derivative is found") {
  const GradientCheck first = check_gradients([](const Tensor& x) { return elementwise<Wrong>(x); }, varied({2, 3}));
  CHECK_FALSE(first.passed);
  CHECK(first.worst.error > 1e-4);
  check_says(fmt::format("{}", first), {"gradients differ", "order 1", "argument 0"});

  // A path that is cut.
  const GradientCheck second = check_gradients([](const Tensor& x) { return x * square(detach(x)); }, varied({2}));
  CHECK_FALSE(second.passed);
}

TEST_CASE("ops: a derivative that is wrong from some order on is found at that order") {
  const auto cut_at = [](int order) {
    return [order](const Tensor& x) {
      // The k-th derivative of (x − detach(x))ᵏ alone isn't 0.
      Tensor power = x - detach(x);
      for (int k = 1; k < order; ++k) power = power * (x - detach(x));
      return square(square(x)) + power;
    };
  };
  for (const int order : {1, 2, 3}) {
    const std::array<Tensor, 1> arguments{varied({2})};
    const auto f = cut_at(order);
    const auto by_orders = [&](int orders) {
      return check_gradients([&](std::span<const Tensor> xs) { return f(xs[0]); }, arguments, {.orders = orders});
    };
    CHECK(by_orders(order).worst.order == order);
    CHECK_FALSE(by_orders(order).passed);
    if (order > 1) CHECK(by_orders(order - 1).passed);
  }
}

TEST_CASE("ops: a check of nothing says so") {
  const auto f = [](const Tensor& x) { return sum(square(x)); };
  const GradientCheck check = check_gradients(f, zeros({2, 0}));
  CHECK(check.passed);
  CHECK(check.compared == 0);
  check_says(fmt::format("{}", check), {"nothing to compare"});
  check_says(message_of<Error>([&] {
               (void)check_gradients(f, indices({1, 2}));
             }),
             {"[check_gradients]", "float", "1 arguments"});
  const std::array<Tensor, 1> arguments{varied({2})};
  for (const int orders : {0, 4})
    check_says(message_of<Error>([&] {
                 (void)check_gradients([&](std::span<const Tensor> xs) { return f(xs[0]); }, arguments,
                                       {.orders = orders});
               }),
               {"[check_gradients]", fmt::format("orders = {}", orders)});
}
