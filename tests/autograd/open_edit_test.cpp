// An Edit that is open while values are read: a sweep refuses what may have been written since, and gives what it gave
// before where no derivative reads it.
#include <nn/nn.h>

#include <memory>

#include "op_table.h"

using namespace ebb;
using namespace ebb::test;

namespace {

// Opens an Edit of float64 or int64 elements, and writes through it.
class OpenEdit {
 public:
  explicit OpenEdit(Tensor x) {
    if (x.dtype() == f64)
      floats_ = std::make_unique<Edit<double>>(x);
    else
      indices_ = std::make_unique<Edit<std::int64_t>>(x);
  }
  void write() {
    if (floats_)
      for (double& element : *floats_) element += 0.25;
    else
      for (std::int64_t& element : *indices_) element = 0;
  }

 private:
  std::unique_ptr<Edit<double>> floats_;
  std::unique_ptr<Edit<std::int64_t>> indices_;
};

// Whether the pass is refused for a stale value; anything else goes on.
template <class F>
bool is_stale(F&& pass) {
  try {
    (void)pass();
    return false;
  } catch (const StaleValueError&) {
    return true;
  }
}

}  // namespace

TEST_CASE("open edit: what is written after an op has read it is refused, before the edit ends and after") {
  Tensor x = tensor({1, 2, 3}, f64);
  auto edit = std::make_unique<Edit<double>>(x);
  const Tape tape;
  const Tensor y = sum(x * x);
  (*edit)[0] = 50;
  auto& sweeps = const_cast<Tape&>(tape);
  check_says(message_of<StaleValueError>([&] { (void)sweeps.gradient(y, x); }),
             {"[gradient]", "(multiply)", "an Edit is open", "shape [3]"});
  CHECK(is_stale([&] { return sweeps.jvp(y, x, ones_like(x)); }));
  CHECK(is_stale([&] { return sweeps.gradient(y, x, {.recorded = true}); }));
  CHECK(is_stale([&] { return sweeps.jacobian(y, x).matrix(); }));
  edit.reset();
  check_says(message_of<StaleValueError>([&] { (void)sweeps.gradient(y, x); }), {"written since"});
  const Tensor again = sum(x * x);
  CHECK(elements(sweeps.gradient(again, x)) == std::vector<double>{100, 4, 6});
}

TEST_CASE("open edit: it is refused too where it was opened after the op") {
  Tensor x = tensor({1, 2, 3}, f64);
  Tape tape;
  const Tensor y = sum(x * x);
  auto edit = x.edit<double>();
  CHECK(is_stale([&] { return tape.gradient(y, x); }));
  edit[0] = 50;
  CHECK(is_stale([&] { return tape.gradient(y, x); }));
}

TEST_CASE("open edit: of any of an op's arguments, every pass is right or refused") {
  int stale = 0, unread = 0;
  for (const OpRow& row : op_table())
    for (std::size_t written = 0; written < row.arguments.size(); ++written)
      for (const bool recorded : {false, true}) {
        std::vector<Tensor> expected[2];
        for (const bool open : {false, true}) {
          std::vector<Tensor> arguments, xs, tangents;
          for (const Tensor& x : row.arguments) arguments.push_back(detach(x));
          for (const Tensor& x : arguments)
            if (x.dtype() != i64) xs.push_back(x);
          for (const Tensor& x : xs) tangents.push_back(varied(x.shape(), 20));
          std::unique_ptr<OpenEdit> edit;
          if (open) edit = std::make_unique<OpenEdit>(arguments[written]);
          Tape tape;
          for (const Tensor& x : xs) (void)sum(x);
          const Tensor y = row.function(arguments);
          if (y.dtype() == i64 || !tape.find(y)) break;
          if (open) edit->write();
          const Tensor seed = varied(y.shape(), 7, y.dtype());
          const std::function<std::vector<Tensor>()> passes[] = {
              [&] { return tape.gradients(y, xs, {.recorded = recorded, .seed = seed}); },
              [&] { return std::vector{tape.jvp(y, xs, tangents, {.recorded = recorded})}; }};
          for (std::size_t pass = 0; pass < 2; ++pass) {
            if (!open) {
              expected[pass] = passes[pass]();
              continue;
            }
            try {
              const std::vector<Tensor> results = passes[pass]();
              for (std::size_t i = 0; i < results.size(); ++i)
                CHECK_MESSAGE(same_bits(results[i], expected[pass][i]),
                              row.op << " " << row.what << ", open: " << written);
              ++unread;
            } catch (const StaleValueError&) {
              ++stale;
            }
          }
        }
      }
  CHECK(stale > 500);
  CHECK(unread > 500);
}

TEST_CASE("open edit: through views, either way") {
  const std::function<Tensor(const Tensor&)> views[] = {
      [](const Tensor& x) {
        return reshape(x, {3, 2});
      },
      [](const Tensor& x) { return x[1]; },
      [](const Tensor& x) { return slice(x, 0, 1); },
  };
  for (const auto& view_of : views) {
    for (const bool edits_view : {false, true}) {
      Tensor x = varied({2, 3});
      Tensor view = view_of(x);
      Tensor& written = edits_view ? view : x;
      const Tensor& read = edits_view ? x : view;
      Tape tape;
      const auto edit = written.edit<double>();
      const Tensor y = sum(read * read);
      CHECK(is_stale([&] { return tape.gradient(y, read); }));
    }
    // The view is taken by a record.
    Tensor x = varied({2, 3});
    Tape tape;
    const Tensor view = view_of(x);
    const auto edit = x.edit<double>();
    const Tensor y = sum(view * view);
    CHECK(is_stale([&] { return tape.gradient(y, x); }));
  }
}

TEST_CASE("open edit: of what a recurrent network reads") {
  Rng rng(1);
  nn::Rnn rnn({.inputs = 3, .hidden = 4, .dtype = f64}, rng);
  const auto by_steps = [&](const Tensor& x, const Tensor& s) {
    Tensor state = s;
    for (Index t = 0; t < x.extent(0); ++t) state = rnn_step(x, t, state, rnn.U, rnn.W, rnn.b, rnn.activation);
    return state;
  };
  const auto by_run = [&](const Tensor& x, const Tensor& s) { return rnn(x, s).last(); };
  for (const std::function<Tensor(const Tensor&, const Tensor&)>& run :
       {std::function<Tensor(const Tensor&, const Tensor&)>(by_steps), {by_run}})
    for (const int which : {0, 1, 2, 3, 4}) {
      Tensor x = varied({5, 2, 3}, 1), s = varied({2, 4}, 2);
      Tensor* const all[] = {&x, &s, &rnn.U, &rnn.W, &rnn.b};
      const auto gradients = [&](Tape& tape, const Tensor& y) { return tape.gradients(y, {x, s, rnn.U, rnn.W}); };
      Tape tape;
      OpenEdit edit(*all[which]);
      const Tensor y = sum(square(run(x, s)));
      CAPTURE(which);
      const bool reads_it = which != 4;  // no derivative reads the bias
      CHECK(is_stale([&] { return gradients(tape, y); }) == reads_it);
      edit.write();
      CHECK(is_stale([&] { return gradients(tape, y); }) == reads_it);
    }
}

TEST_CASE("open edit: of a weight that is laid out for products") {
  Tensor w = varied({6, 6}, 1);
  const Tensor a = varied({3, 6}, 2);
  for (int time = 0; time < 3; ++time) (void)matmul(a, w);
  Tape tape;
  auto edit = w.edit<double>();
  const Tensor y = sum(matmul(tanh(matmul(a, w)), w, {.transpose_b = true}));
  for (int time = 0; time < 2; ++time) {
    CHECK(is_stale([&] { return tape.gradient(y, a); }));
    edit(0, 0) += 1;
  }
}

TEST_CASE("open edit: as many as are open are counted, and more are refused") {
  Tensor x = varied({4});
  std::vector<std::unique_ptr<Edit<double>>> edits;
  const auto open = [&](std::size_t count) {
    while (edits.size() < count) edits.push_back(std::make_unique<Edit<double>>(x));
  };
  Tape tape;
  const Tensor y = sum(x * x);
  for (const std::size_t count : {1, 255, 256, 257, 512, 65535}) {
    open(count);
    CAPTURE(count);
    CHECK(is_stale([&] { return tape.gradient(y, x); }));
  }
  check_says(message_of<Error>([&] { open(65536); }), {"[edit]", "65535", "end some"});
  CHECK(is_stale([&] { return tape.gradient(y, x); }));
  edits.clear();
  const Tensor z = sum(x * x);
  CHECK(distance(tape.gradient(z, x), 2.0 * x) < 1e-15);
}

namespace {

// y = x², whose derivative reads what it put aside.
struct Squared {
  static constexpr auto name = "squared";
  Tensor value(Saved& saved, const Tensor& x) const {
    saved = {aside};
    return x * x;
  }
  std::array<Tensor, 1> vjp(const Saved& saved, const Tensor& g, const Tensor&, const Tensor&) const {
    return {2.0 * g * saved[0]};
  }
  Tensor jvp(const Saved& saved, const std::array<Tensor, 1>& tangents, const Tensor&, const Tensor&) const {
    return 2.0 * tangents[0] * saved[0];
  }
  Tensor aside;
};

}  // namespace

TEST_CASE("open edit: of what an op of one's own saved, and a write to it") {
  const Tensor x = varied({4});
  Tensor aside = detach(x);
  Tape tape;
  const Tensor y = sum(custom(Squared{aside}, x));
  CHECK(distance(tape.gradient(y, x), 2.0 * x) < 1e-15);
  {
    const auto edit = aside.edit<double>();
    CHECK(is_stale([&] { return tape.gradient(y, x); }));
    CHECK(is_stale([&] { return tape.jvp(y, x, x); }));
  }
  check_says(message_of<StaleValueError>([&] { (void)tape.gradient(y, x); }), {"squared", "saved", "clone"});
}

TEST_CASE("open edit: of what a checkpoint reads, handed to it or captured") {
  Tensor x = varied({4}, 1), captured = varied({4}, 2);
  for (const bool hands_over : {true, false}) {
    Tape tape;
    Tensor& written = hands_over ? x : captured;
    const auto edit = written.edit<double>();
    const Tensor y = sum(checkpointed([captured](const Tensor& in) { return in * captured; }, x));
    CHECK(is_stale([&] { return tape.gradient(y, x); }));
  }
}

TEST_CASE("open edit: what an observer writes is refused where a product of it waits to be multiplied") {
  const Tensor w = varied({4, 4}, 2), u = varied({2}, 3);
  for (const bool keeps_open : {false, true}) {
    Tensor x = varied({3, 4}, 1);
    Tape tape;
    (void)sum(w);
    const Tensor between = tanh(u);
    const Tensor loss = sum(matmul(x, w)) + sum(between);
    std::unique_ptr<OpenEdit> edit;
    const Observer writes = [&, place = tape.find(between)->index](const Record& record, const Tensor&) {
      if (record.index != place) return;
      edit = std::make_unique<OpenEdit>(x);
      edit->write();
      if (!keeps_open) edit.reset();
    };
    CHECK(is_stale([&] { return tape.gradients(loss, {w, u}, {.observer = writes}); }));
    CHECK(bool(edit) == keeps_open);
  }
}

namespace {

// y = x, with a rule that writes to another tensor.
struct Writes {
  static constexpr auto name = "writes";
  Tensor value(Saved&, const Tensor& x) const { return x * 1.0; }
  std::array<Tensor, 1> vjp(const Saved&, const Tensor& g, const Tensor&, const Tensor&) const {
    Tensor(victim).assign(zeros_like(victim));
    return {g};
  }
  Tensor victim;
};

}  // namespace

TEST_CASE("open edit: what a rule writes is refused where a product of it waits to be multiplied") {
  const Tensor x = varied({3, 4}, 1), w = varied({4, 4}, 2), u = varied({2}, 3);
  Tape tape;
  (void)sum(w);
  const Tensor between = custom(Writes{x}, u);
  const Tensor loss = sum(matmul(x, w)) + sum(between);
  CHECK(is_stale([&] { return tape.gradients(loss, {w, u}); }));
}

TEST_CASE("open edit: what a rule writes after a run was swept changes nothing, or is refused") {
  Rng rng(1);
  const nn::Rnn rnn({.inputs = 4, .hidden = 4, .dtype = f64}, rng);
  const Tensor u = varied({2}, 3);
  for (const Index steps : {1, 3}) {  // the products of a single step wait
    const Tensor x = varied({steps, 2, 4}, 1);
    Tape tape;
    for (const Tensor& first : {rnn.U, rnn.W}) (void)sum(first);
    const Tensor between = custom(Writes{x}, u);
    const Tensor of_run = sum(rnn(x).last()), loss = of_run + sum(between);
    const Tensor expected = tape.gradient(of_run, rnn.U);
    Tensor by_U;
    const bool stale = is_stale([&] {
      by_U = tape.gradients(loss, {rnn.U, u})[0];
      return by_U;
    });
    CHECK(stale == (steps == 1));
    if (!stale) CHECK(distance(by_U, expected) < 1e-14);
  }
}

TEST_CASE("open edit: what a checkpoint writes as it is run again is refused where a product of it waits") {
  Tensor running = varied({3, 4}, 1);
  const Tensor w = varied({4, 4}, 2), u = varied({4}, 3);
  Tape tape;
  (void)sum(w);
  const auto updates = [running](const Tensor& in) {
    {
      const Pause pause;
      Tensor(running).assign(running * 0.5);
    }
    return tanh(in);
  };
  const Tensor between = checkpointed(updates, u);
  const Tensor loss = sum(matmul(running, w)) + sum(between);
  CHECK(is_stale([&] { return tape.gradients(loss, {w, u}); }));
}

TEST_CASE("open edit: indices that an observer writes are refused, recorded sweeps included") {
  for (const bool recorded : {false, true}) {
    const Tensor table = varied({5, 2}, 1), u = varied({2}, 2);
    Tensor rows = indices({0, 1});
    Tape tape;
    (void)sum(table);
    const Tensor between = tanh(u);
    const Tensor loss = sum(take_rows(table, rows)) + sum(between);
    const Observer writes = [&, place = tape.find(between)->index](const Record& record, const Tensor&) {
      if (record.index == place) rows.edit<std::int64_t>()[0] = 3;
    };
    const auto sweep = [&] { return tape.gradients(loss, {table, u}, {.recorded = recorded, .observer = writes}); };
    CHECK(is_stale(sweep) == recorded);  // a plain sweep has added the rows by then
  }
}

TEST_CASE("open edit: of a checkpoint's result, which no derivative reads") {
  const Tensor x = varied({3}, 1);
  Tape tape;
  Tensor y = checkpointed([](const Tensor& in) { return in * 2.0; }, x);
  const Tensor z = sum(y);
  auto edit = y.edit<double>();
  edit[0] = 5;
  CHECK(elements(tape.gradient(z, x)) == std::vector<double>{2, 2, 2});
}
