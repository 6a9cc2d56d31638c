// A tape made visible: printed, drawn, as JSON, and in bytes.
#include "support.h"

#include <nn/nn.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

using namespace ebb;
using namespace ebb::test;
using nlohmann::json;

namespace {

Index lines_of(const std::string& text) { return 1 + std::count(text.begin(), text.end(), '\n'); }

Index count_of(std::string_view text, std::string_view part) {
  Index count = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

// T steps of a recurrent network written out, on the current tape; inputs drawn at each step, so sources.
Tensor unroll(Index steps, bool scopes) {
  const Tensor U = varied({3, 5}, 1, f32), W = varied({5, 5}, 2, f32);
  Tensor h = varied({4, 5}, 3, f32);
  for (Index k = 1; k <= steps; ++k) {
    std::optional<Scope> scope;
    if (scopes) scope.emplace(fmt::format("step {}", k));
    const Tensor xU = matmul(varied({4, 3}, 4, f32), U);
    h = tanh(xU + matmul(h, W));
  }
  return h;
}

// Whether the braces and quotes of a text for Graphviz fit.
bool balanced(const std::string& dot) {
  Index depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < dot.size(); ++i) {
    if (quoted && dot[i] == '\\')
      ++i;
    else if (dot[i] == '"')
      quoted = !quoted;
    else if (!quoted)
      depth += dot[i] == '{' ? 1 : dot[i] == '}' ? -1 : 0;
    if (depth < 0) return false;
  }
  return depth == 0 && !quoted;
}

}  // namespace

TEST_CASE("tape text: one aligned line a record") {
  const Tensor x = ones({2, 3}), w = ones({3}, f64);
  Tape tape;
  {
    const Scope scope("größe");  // as wide as it has letters
    const Tensor y = tanh(x) * x;
    const Scope inner("part");
    (void)(reshape(y, {3, 2}) - 2.0);
  }
  (void)(w * w);
  CHECK(fmt::format("{}", tape) ==
        "index  scope       op        inputs  shape        keeps  bytes  derivative\n"
        "    0  größe       source            [2, 3]                  –\n"
        "    1  größe       tanh      0       [2, 3]       y         24  g · (1 − y²)\n"
        "    2  größe       multiply  1 0     [2, 3]       1 0       24  a: g · b, b: g · a\n"
        "    3  größe/part  reshape   2       [3, 2]               view  g in the shape of x\n"
        "    4  größe/part  subtract  3 num   [3, 2]                 24  a: g, b: −g\n"
        "    5              source            [3] float64             –\n"
        "    6              multiply  5 5     [3] float64  5         24  a: g · b, b: g · a");
}

TEST_CASE("tape text: an empty tape, and names that would break a line") {
  Tape tape;
  CHECK(fmt::format("{}", tape) == "an empty tape");
  const Scope scope("two\nlines");
  (void)tanh(ones({}));
  CHECK(lines_of(fmt::format("{}", tape)) == 3);
}

TEST_CASE("tape text: what repeats is folded") {
  Tape tape;
  const Tensor loss = sum(unroll(100, false));
  const std::string text = fmt::format("{}", tape);
  check_says(text,
             {"\n    …  ×97 the same 5 records, 13 to 497\n", "\n  498         source           [4, 3]             –\n",
              "\n  502         tanh    501      [4, 5]  y         80  g · (1 − y²)\n"});
  // The first step reads the weights for the first time; the second is the first of those that are all the same.
  CHECK(lines_of(text) == 1 + 8 + 5 + 1 + 5 + 1);
  CHECK(tape.size() == 504);
}

TEST_CASE("tape text: steps in scopes of their own are folded too") {
  Tape tape;
  (void)unroll(100, true);
  const std::string text = fmt::format("{}", tape);
  CHECK(lines_of(text) == 1 + 8 + 5 + 1 + 5);
  check_says(text, {"step 1 ", "step 2 ", "step 100 "});
  CHECK(text.find("step 3") == text.npos);
}

TEST_CASE("tape text: inputs that move on evenly are a repetition, others aren't") {
  const Tensor x = varied({64, 3});
  Tape tape;
  std::vector<Tensor> rows;
  for (Index i = 0; i < 64; ++i) rows.push_back(x[i]);
  for (Index i = 0; i < 64; ++i) (void)square(rows[static_cast<std::size_t>(i)]);
  CHECK(lines_of(fmt::format("{}", tape)) == 1 + 1 + 3 + 3);
  for (Index i = 0; i < 64; ++i) (void)sqrt(rows[static_cast<std::size_t>(i * i % 61)]);
  CHECK(lines_of(fmt::format("{}", tape)) > 50);
}

TEST_CASE("tape text: short repetitions stand as they are, and the longest one wins over those within it") {
  const Tensor x = varied({3});
  {
    Tape tape;
    Tensor y = x;
    for (int i = 0; i < 4; ++i) y = tanh(y);
    CHECK(lines_of(fmt::format("{}", tape)) == 1 + tape.size());
  }
  Tape tape;
  Tensor y = x;
  for (int step = 0; step < 20; ++step) {
    for (int i = 0; i < 8; ++i) y = tanh(y);
    y = square(y);
  }
  const std::string text = fmt::format("{}", tape);
  check_says(text, {"×18 the same 9 records"});
  CHECK(count_of(text, "…") == 1);
}

TEST_CASE("tape text: a long tape is a short text, and soon") {
  Tape tape;
  (void)unroll(20000, true);
  REQUIRE(tape.size() > 100000);
  const std::uint64_t walked = ebb::walked(tape);
  CHECK(lines_of(fmt::format("{}", tape)) == 20);
  CHECK(to_dot(tape).size() < 5000);
  CHECK(ebb::walked(tape) == walked);
}

TEST_CASE("tape text: many inputs are abbreviated") {
  const Tensor x = varied({2});
  Tape tape;
  (void)concat(std::vector<Tensor>(20, x));
  check_says(fmt::format("{}", tape), {"  0 0 0 … 0  "});
}

TEST_CASE("tape dot: a node a record, an arrow from each input, scopes as clusters") {
  const Tensor x = ones({2});
  Tape tape;
  {
    const Scope scope("a \"b\" \\ c");
    (void)(square(x) * 2.0);
  }
  (void)tanh(x);
  const std::string dot = to_dot(tape);
  CHECK(balanced(dot));
  check_says(dot, {"digraph tape {", "label=\"a \\\"b\\\" \\\\ c\"", "r1 [label=\"1 square\\n[2]\"", "r0 -> r1 ",
                   "\n  r1 -> r2\n", "r0 -> r3 ", "\n    r1 [", "\n  r3 ["});
  // x is read inside and outside of the scope that it was first met in.
  check_says(dot, {"\n  r0 ["});
  CHECK(count_of(dot, " -> ") == 3);
}

TEST_CASE("tape dot: of a hundred steps, the first and the last as clusters") {
  Tape tape;
  (void)sum(unroll(100, false));
  const std::string dot = to_dot(tape);
  CHECK(balanced(dot));
  check_says(dot, {"label=\"1 of 99\"", "label=\"… ×97\"", "label=\"99 of 99\"", "\n  r12 -> more8\n",
                   "\n  more8 -> r500\n", "\n    r498 ["});
  CHECK(count_of(dot, "subgraph") == 2);
  CHECK(count_of(dot, "[label=") == 8 + 5 + 1 + 5 + 1);

  Tape scoped;
  (void)unroll(100, true);
  const std::string steps = to_dot(scoped);
  CHECK(balanced(steps));
  check_says(steps, {"label=\"step 1\"", "label=\"step 2\"", "label=\"step 100\""});
  CHECK(count_of(steps, "label=\"step ") == 3);
}

TEST_CASE("tape dot: an empty tape") {
  const Tape tape;
  CHECK(balanced(to_dot(tape)));
}

TEST_CASE("tape json: every record, as data") {
  const Tensor x = ones({2, 3}, f64);
  Tape tape;
  const Scope scope("\"quoted\"\n\xff");
  (void)(sqrt(x) * 2.0)[0];
  const json parsed = json::parse(to_json(tape));
  const json& records = parsed.at("records");
  REQUIRE(records.size() == 4);
  CHECK(records[1] == json::parse(R"({"index": 1, "scope": "\"quoted\"\n\ufffd", "op": "sqrt", "inputs": [0],
      "shape": [2, 3], "dtype": "float64", "bytes": 48, "keeps": [1], "derivative": ")" +
                                  std::string(tape[1].op.derivative) + "\"}"));
  CHECK(records[0].at("bytes") == 0);
  CHECK(records[2].at("inputs") == json::parse("[1, null]"));
  CHECK(records[2].at("keeps") == json::array());  // the slope of 2x is a constant
  CHECK(records[3].at("bytes") == 0);              // a view
  const Tape empty;
  CHECK(json::parse(to_json(empty)).at("records").empty());
}

TEST_CASE("tape memory: each storage once, kept where a derivative reads it") {
  const Tensor x = ones({10, 4}), w = ones({4}, f64);
  std::thread([&] {  // whose free lists are empty
    {
      Tape tape;
      const Tensor y = tanh(x);      // 160 bytes, read by its own derivative
      const Tensor z = x[0] + y[1];  // two views, and 16 bytes that nothing reads
      (void)(cast(z, f64) * w);      // 32 bytes read for ∂w, 32 of the product
      const TapeMemory memory = tape.memory();
      CHECK(memory.records == 8);
      CHECK(memory.record_bytes == 8 * sizeof(Record));
      CHECK(memory.live == 160 + 160 + 16 + 32 + 32 + 32);
      CHECK(memory.kept == 160 + 32 + 32);
      CHECK(memory.reusable == 0);
      REQUIRE(memory.by_op.size() == 6);
      CHECK(memory.by_op[0].op == "source");
      CHECK(memory.by_op[0].records == 2);
      CHECK(memory.by_op[0].live == 192);
      CHECK(memory.by_op[0].kept == 32);  // w
      CHECK(memory.by_op[1].op == "tanh");
      CHECK(memory.by_op[1].kept == 160);
      CHECK(memory.by_op[5].op == "select");
      CHECK(memory.by_op[5].live == 0);
      CHECK(fmt::format("{}", memory) ==
            "op        records  live  kept\n"
            "source          2   192    32\n"
            "tanh            1   160   160\n"
            "cast            1    32    32\n"
            "multiply        1    32     0\n"
            "add             1    16     0\n"
            "select          2     0     0\n"
            "all             8   432   224\n"
            "512 bytes of records, 0 reusable");
    }
    const Tape next;
    const std::size_t reusable = next.memory().reusable;
    CHECK(reusable == detail::reusable_bytes());
    CHECK(reusable >= 160 + 16 + 32 + 32);
    release_memory();
    CHECK(next.memory().reusable == 0);
  })
      .join();
}

TEST_CASE("tape memory: inputs beyond those that a record holds count") {
  const Tensor x = ones({});
  Tape tape;
  (void)stack(std::vector<Tensor>(20, x));
  CHECK(tape.memory().record_bytes == 2 * sizeof(Record) + 20 * 4);
}

TEST_CASE("tape text: a network's unroll is a scope") {
  Rng rng(1);
  const nn::Rnn rnn({.inputs = 3, .hidden = 5}, rng);
  Tape tape;
  const nn::Unrolled run = rnn(ones({100, 2, 3}));
  CHECK(tape.scope(*tape.find(run.last())) == "rnn");
  CHECK(lines_of(fmt::format("{}", tape)) == 1 + 5 + 1 + 2);
  check_says(to_dot(tape), {"label=\"rnn\"", "label=\"… ×98\""});
}
