// Logs read back, thinned out and put into words and pages.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "report/line_writer.h"
#include "report/page.h"
#include "report/payload.h"
#include "report/thin.h"
#include "report/words.h"

namespace {

namespace fs = std::filesystem;
using report::Json;
using report::nn::Kind;
using report::nn::Magnitude;

const std::string header = R"({"program":"p","run":"r","time":3,"scored":1,"gamma":1.0,"clip":0.0})"
                           "\n";
const std::string update =
    R"({"update":0,"loss":1.5,"gradient_norm":2.0,"lambda":1.1,"state_gradient":["no path",1e-3,0.1,10.0]})";

report::LogFile read(const std::string& text) {
  const fs::path file = fs::temp_directory_path() / fmt::format("ebb-report-test-{}.jsonl", getpid());
  std::ofstream(file) << text;
  try {
    report::LogFile log = report::read_log(file);
    fs::remove(file);
    return log;
  } catch (...) {
    fs::remove(file);
    throw;
  }
}

std::string error_of(const std::string& text) {
  try {
    (void)read(text);
  } catch (const report::LogError& error) {
    return error.what();
  }
  return "";
}

std::string verdict_of(std::vector<Magnitude> gradient, std::size_t anchor = 0) {
  gradient.insert(gradient.begin(), Magnitude::no_path());
  return report::verdict({gradient, anchor == 0 ? gradient.size() - 1 : anchor});
}

Magnitude number(double x) { return Magnitude::of(x); }

}  // namespace

TEST_CASE("report: a verdict says what became of the gradient on its way back, and how fast") {
  const Magnitude underflow{0, Kind::underflow}, saturated{0, Kind::saturated};
  CHECK(verdict_of({number(1e-6), number(1e-4), number(1e-2), number(1)}) ==
        "vanishing: step 1 keeps 1.0e-06 of step 4; half-life 0.2 steps");
  CHECK(verdict_of({number(512), number(64), number(8), number(1)}) ==
        "exploding: step 1 has 5.1e+02 times step 4; doubles every 0.3 steps");
  CHECK(verdict_of({number(0.5), number(1)}) == "staying in size: step 1 has 0.5 times step 2");
  CHECK(verdict_of({underflow, underflow, number(0.25), number(1)}) ==
        "vanishing: exactly zero 2 steps back (underflow: too small for float32); half-life 0.5 steps");
  CHECK(verdict_of({saturated, number(1)}) ==
        "vanishing: exactly zero 1 step back (saturated: every σ' is 0 as stored)");
  CHECK(verdict_of({number(1), saturated}) ==
        "nothing arrives: ‖∂L/∂s_2‖ is already zero (saturated: every σ' is 0 as stored)");
  CHECK(verdict_of({number(HUGE_VAL), number(1)}) == "no number: ‖∂L/∂s_1‖ is infinity");
  CHECK(verdict_of({number(1), number(NAN)}) == "no number: ‖∂L/∂s_2‖ is nan");
  CHECK(verdict_of({number(1)}) == "no step to go back");
  CHECK(verdict_of({number(1), number(2)}, 1) == "a loss at every step: it hides what decays on the way");
  // A fit that goes the other way than the ends is no rate of theirs.
  CHECK(verdict_of({number(200), number(1e-9), number(1e-9), number(1e9), number(1e9), number(1)}) ==
        "exploding: step 1 has 2.0e+02 times step 6");
  CHECK(verdict_of({}) == "no step to look at");
  // From the first state that the loss reads.
  CHECK(verdict_of({number(1e-6), number(1), number(100)}, 2) ==
        "vanishing: step 1 keeps 1.0e-06 of step 2; half-life 0.1 steps");
}

TEST_CASE("report: what the bound says, at, above and below 1") {
  CHECK(report::bound_says(0.5) == "it had to shrink");
  CHECK(report::bound_says(1 + 1e-7) == "it could not grow");
  CHECK(report::bound_says(2) == "it could grow, but need not have");
  CHECK(report::bound_says(NAN).empty());
}

TEST_CASE("report: thinning keeps the ends and the extremes") {
  std::vector<double> heights(1000, 0.0);
  heights[317] = 5;
  heights[733] = -7;
  const auto at = [&](std::size_t i) { return heights[i]; };
  const std::vector<std::size_t> kept = report::thinned(heights.size(), 50, at, at);
  CHECK(kept.size() <= 50);
  CHECK(kept.front() == 0);
  CHECK(kept.back() == 999);
  CHECK(std::is_sorted(kept.begin(), kept.end()));
  for (const std::size_t extreme : {317, 733}) CHECK(std::find(kept.begin(), kept.end(), extreme) != kept.end());
  CHECK(report::thinned(3, 50, at, at) == std::vector<std::size_t>{0, 1, 2});
  CHECK(report::thinned(0, 50, at, at).empty());
}

TEST_CASE("report: a log is read back, and what is wrong with one is said with its line") {
  const report::LogFile log = read(header + update + "\n" + R"({"result":{"updates":1}})" + "\n");
  REQUIRE(log.updates.size() == 1);
  CHECK(log.updates[0].state_gradient[0].kind == Kind::no_path);
  CHECK(log.updates[0].state_gradient[3].value == 10);
  CHECK(log.updates[0].rho.kind == Kind::no_path);
  CHECK(log.anchor() == 3);
  CHECK(log.result["updates"] == 1);

  // The run was killed while it wrote.
  CHECK(read(header + update + "\n" + R"({"update":1,"lo)").updates.size() == 1);

  for (const std::string& text : std::vector<std::string>{"", "\n", "{}\n", "[1]\n", "nonsense\n"})
    CHECK(!error_of(text).empty());
  CHECK(error_of(header + "{]\n").find("line 2") != std::string::npos);
  CHECK(error_of(header + update + "\n" + R"({"surprise":1})" + "\n")
            .find("line 3: a line of an unknown kind, \"surprise\"") != std::string::npos);
  CHECK(error_of(header + R"({"update":0,"state_gradient":[1,2]})" + "\n").find("has 2 places; \"time\" asks for 4") !=
        std::string::npos);
  CHECK(error_of(header + R"({"update":"x","state_gradient":[1,2,3,4]})" + "\n").find("line 2") != std::string::npos);
  CHECK_THROWS_AS((void)report::read_log("/no/such/file"), report::LogError);
}

TEST_CASE("report: a line that isn't as it must be is named with its line and its key, before a page is made of it") {
  const std::string most = update.substr(0, update.size() - 1);
  const std::string grid =
      R"({"title":"t","x":{"label":"x","from":0,"to":1},"y":{"label":"y","from":0,"to":1},"label":"l",)";
  const auto names = [](const std::string& text, const std::string& line, const std::string& part) {
    CAPTURE(text);
    const std::string error = error_of(text);
    CHECK(error.find(line) != std::string::npos);
    CHECK(error.find(part) != std::string::npos);
    CHECK(error.find("json.exception") == std::string::npos);
  };
  names(R"({"program":"p","time":"x"})"
        "\n",
        "line 1", "\"time\" isn't a whole number");
  names(R"({"program":"p","run":5})"
        "\n",
        "line 1", "\"run\" isn't a text");
  for (const auto& [line, part] : std::vector<std::pair<std::string, std::string>>{
           {most + R"(,"lyapunov":"x"})", "\"lyapunov\" isn't a number or null"},
           {most + R"(,"rho":-1})", "\"rho\" isn't a magnitude of 0 or more"},
           {most + R"(,"saturation_by_unit":[[1],[1,2]]})", "\"saturation_by_unit\" isn't a list of equally long"},
           {most + R"(,"saturation_by_unit":[null]})", "\"saturation_by_unit\""},
           {R"({"update":0,"state_gradient":[1,1,1,-1]})",
            "\"state_gradient\" isn't a list of magnitudes of 0 or more"},
           {R"({"update":0,"state_gradient":{"a":1,"b":1,"c":1,"d":1}})", "\"state_gradient\""},
           {R"({"tape":5})", "\"tape\" isn't an object"},
           {R"({"tape":{"update":0,"records":5}})", "\"records\" isn't a list of objects"},
           {R"({"tape":{"update":0,"records":[{"op":"add"}]}})", "\"index\" is missing"},
           {R"({"tape":{"update":0,"records":[{"index":0,"op":"add","keeps":"x"}]}})",
            "\"keeps\" isn't a list of indices"},
           {R"({"result":5})", "\"result\" isn't an object"},
           {R"({"result":{"story":5}})", "\"story\" isn't a list of texts"},
           {R"({"check":{"what":"a","limit":"b","value":1}})", "\"passes\" is missing"},
           {R"({"curve":{"chart":"c"}})", "\"x\" is missing"},
           {R"({"curve":{"chart":"c","x":"x","y":"y","name":"n","log_y":false,"points":[[1]]}})", "\"points\""},
           {R"({"grid":)" + grid + R"("values":[[1,2],[3]]}})", "\"values\" isn't a list of equally long"},
       })
    names(header + line + "\n", "line 2", part);
  names(header + update + "\n" + update + "\n", "line 3", "update 0 comes after update 0");
  CHECK(error_of(header + R"({"grid":)" + grid + R"("values":[[1,null],[3,4]]}})" + "\n").empty());
}

TEST_CASE("report: how many states the loss reads is from one to all of them") {
  const auto with = [](const std::string& fields) { return R"({"program":"p")" + fields + "}\n"; };
  const std::string states = R"({"update":0,"state_gradient":[1,2,3,4]})";
  for (const char* scored : {"1", "2", "3"}) {
    const report::LogFile log = read(with(fmt::format(R"(,"time":3,"scored":{})", scored)) + states + "\n");
    CHECK(report::payload("p", {log})["runs"].size() == 1);
  }
  for (const char* scored : {"0", "4", "9007199254740992"}) {
    CAPTURE(scored);
    const std::string error = error_of(with(fmt::format(R"(,"time":3,"scored":{})", scored)) + states + "\n");
    CHECK(error.find("line 1: \"scored\" is") != std::string::npos);
    CHECK(error.find("from 1 to 3") != std::string::npos);
  }
  CHECK(error_of(with(R"(,"time":0,"scored":0)")).find("\"scored\" is 0") != std::string::npos);
  const report::LogFile one_state = read(with(R"(,"time":0)") + R"({"update":0,"state_gradient":[1]})" + "\n");
  CHECK(report::payload("p", {one_state})["runs"][0]["verdict"][0] == "no step to look at");
}

TEST_CASE("report: whole numbers that sums would overflow are refused, wherever they stand") {
  const std::string tape = R"({"tape":{"update":0,"records":[{"index":0,"op":"add",)";
  for (const char* number : {"-1", "9007199254740993", "9223372036854775807", "9223372036854775808",
                             "18446744073709551615", "99999999999999999999", "1.5", "1e3"}) {
    CAPTURE(number);
    const auto names = [&](const std::string& text, const char* line, const char* key) {
      const std::string error = error_of(text);
      CHECK(error.find(fmt::format("{}: \"{}\" isn't a", line, key)) != std::string::npos);
    };
    names(fmt::format("{{\"program\":\"p\",\"time\":{}}}\n", number), "line 1", "time");
    names(fmt::format("{{\"program\":\"p\",\"time\":3,\"scored\":{}}}\n", number), "line 1", "scored");
    names(header + fmt::format("{{\"update\":{},\"state_gradient\":[1,1,1,1]}}\n", number), "line 2", "update");
    names(header + fmt::format("{{\"tape\":{{\"update\":{},\"records\":[]}}}}\n", number), "line 2", "update");
    names(header + fmt::format("{{\"result\":{{\"updates\":{}}}}}\n", number), "line 2", "updates");
    names(header + fmt::format("{{\"tape\":{{\"update\":0,\"records\":[{{\"index\":{}}}]}}}}\n", number), "line 2",
          "index");
    names(header + tape + fmt::format("\"step\":{}}}]}}}}\n", number), "line 2", "step");
    for (const char* key : {"inputs", "shape", "keeps"})
      names(header + tape + fmt::format("\"{}\":[{}]}}]}}}}\n", key, number), "line 2", key);
  }
  CHECK(error_of(header + R"({"update":9007199254740992,"state_gradient":[1,1,1,1]})" + "\n").empty());
}

TEST_CASE("report: brackets that nest deeper than a log's are refused before they are parsed") {
  const auto nested = [](std::size_t depth, const std::string& open, const std::string& close) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i) text += open;
    text += "0";
    for (std::size_t i = 0; i < depth; ++i) text += close;
    return text;
  };
  const std::string lists = nested(50'000, "[", "]"), objects = nested(50'000, R"({"a":)", "}"),
                    unclosed = std::string(50'000, '[');
  for (const std::string& deep : {lists, objects, unclosed}) {
    const std::string places[] = {R"({"program":"p","x":)" + deep + "}\n",
                                  deep + "\n",
                                  header + deep + "\n",
                                  header + R"({"update":0,"state_gradient":)" + deep + "}\n",
                                  header + R"({"update":0,"state_gradient":[1,1,1,1],"x":)" + deep + "}\n",
                                  header + R"({"tape":)" + deep + "}\n",
                                  header + R"({"result":{"story":)" + deep + "}}\n",
                                  header + R"({"surprise":)" + deep + "}\n"};
    for (const std::string& text : places) {
      const std::string error = error_of(text);
      CHECK(error.find("at most 32") != std::string::npos);
      CHECK(error.find(text.starts_with(header) ? "line 2" : "line 1") != std::string::npos);
      CHECK(error.size() < 200);
    }
  }
  // Up to there, and in strings, nothing is refused for it.
  CHECK(error_of(R"({"program":"p","x":)" + nested(31, "[", "]") + "}\n").empty());
  CHECK(!error_of(R"({"program":"p","x":)" + nested(32, "[", "]") + "}\n").empty());
  CHECK(error_of(R"({"program":"p","run":")" + std::string(100, '[') + R"(\"[\\"})" + "\n").empty());
}

TEST_CASE("report: experiments stand side by side, and one that was killed isn't said to pass") {
  const std::string check = R"({"check":{"what":"a","value":1,"limit":"< 2","passes":true}})"
                            "\n";
  const std::string ended = check + R"({"result":{"passes":true}})"
                                    "\n";
  const Json payload = report::payload("two", {read(header + ended), read(header + check)});
  REQUIRE(payload["experiments"].size() == 2);
  CHECK(payload["experiments"][0]["passes"] == true);
  CHECK(payload["experiments"][1]["passes"].is_null());
  CHECK(report::payload("none", {read(header)})["experiments"].empty());
}

TEST_CASE("report: fault 25: of a page that can't be written nothing is left, and an older one stays") {
  if (!report::has_page()) return;
  const fs::path folder = fs::temp_directory_path() / fmt::format("ebb-report-test-{}", getpid());
  fs::create_directory(folder);
  std::ofstream(folder / "log.jsonl") << header << update << "\n";
  const fs::path html = folder / "report.html";
  report::write_report(html, "first", {folder});
  const std::uintmax_t size = fs::file_size(html);
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  rlimit low = old;
  low.rlim_cur = size / 2;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &low);
  CHECK_THROWS_AS(report::write_report(html, "second", {folder}), report::OutputError);
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  CHECK(fs::file_size(html) == size);
  CHECK(std::distance(fs::directory_iterator(folder), fs::directory_iterator()) == 2);
  CHECK_THROWS_AS(report::write_report(folder / "none" / "report.html", "third", {folder}), report::OutputError);
  fs::remove_all(folder);
}

TEST_CASE("report: fault 24: hostile names and values that are no numbers") {
  const std::string name = R"(</script><img src=x onerror=alert(1)>"'&)";
  Json line = Json::parse(header);
  line["run"] = name;
  const std::string kinds =
      R"({"update":0,"loss":"nan","gradient_norm":"infinity","state_gradient":["no path","underflow","nan","infinity"]})";
  const Json payload = report::payload(name, {read(report::line(line) + kinds + "\n")});
  CHECK(payload["runs"][0]["heat"][0] == Json({"p", "u", "n", "i"}));
  CHECK(payload["runs"][0]["loss"][0] == "n");
  CHECK(payload["runs"][0]["gradient_norm"][0] == "i");
  CHECK(payload["runs"][0]["verdict"][0] == "no number: ‖∂L/∂s_3‖ is infinity");
  if (!report::has_page()) return;
  const std::string page = report::page_of(payload), plain = report::page_of(report::payload("x", {}));
  const auto count = [](const std::string& text, const std::string& part) {
    std::size_t n = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
    return n;
  };
  for (const char* part : {"</script", "<img", "<!--"}) CHECK(count(page, part) == count(plain, part));
  CHECK(page.find("\\u003cimg src=x") != std::string::npos);
}

TEST_CASE("report: fault 24: ten million cells become a page of less than 10 MB, with their extremes") {
  constexpr std::size_t updates = 2500, steps = 4000;
  report::LogFile log;
  log.header = Json::parse(header);
  log.header["time"] = steps - 1;
  for (std::size_t row = 0; row < updates; ++row) {
    report::Update seen;
    seen.update = static_cast<report::Index>(row);
    for (std::size_t k = 0; k < steps; ++k)
      seen.state_gradient.push_back(number(std::exp(-1e-3 * static_cast<double>(k * (row % 7)) - 1.2345)));
    log.updates.push_back(std::move(seen));
  }
  log.updates[1234].state_gradient[2345] = number(1e30);
  log.updates[987].state_gradient[3210] = {0, Kind::underflow};
  const Json payload = report::payload("large", {log});
  const Json& run = payload["runs"][0];
  CHECK(run["heat"].size() * run["heat"][0].size() <= 800'000);
  CHECK(payload.dump().size() < 10'000'000);
  CHECK(run["logged"] == updates);
  const auto cell = [&](std::size_t update, std::size_t step) {
    const Json &rows = run["updates"], &columns = run["steps"];
    const auto row = std::find(rows.begin(), rows.end(), update),
               column = std::find(columns.begin(), columns.end(), step);
    REQUIRE(row != rows.end());
    REQUIRE(column != columns.end());
    return run["heat"][static_cast<std::size_t>(row - rows.begin())]
              [static_cast<std::size_t>(column - columns.begin())];
  };
  CHECK(cell(1234, 2345) == 30.0);
  CHECK(cell(987, 3210) == "u");
}
