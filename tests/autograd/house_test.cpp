// The order of the folders: an include runs within a folder or to one below, never upwards or round.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

// What each folder may include besides itself.
const std::map<std::string, Names> below{
    {"autograd/tensor", {}},
    {"autograd/formulas", {}},
    {"autograd/kernels", {"autograd/formulas"}},
    {"autograd/tape", {"autograd/tensor"}},
    {"autograd/ops", {"autograd/tape", "autograd/kernels", "autograd/formulas", "autograd/tensor"}},
    {"autograd/sweep", {"autograd/ops", "autograd/tape", "autograd/kernels", "autograd/formulas", "autograd/tensor"}},
    {"autograd/recurrent",
     {"autograd/sweep", "autograd/ops", "autograd/tape", "autograd/kernels", "autograd/formulas", "autograd/tensor"}},
    {"autograd/inspect", {"autograd/sweep", "autograd/ops", "autograd/tape", "autograd/tensor"}},
    {"nn/layers",
     {"autograd/recurrent", "autograd/sweep", "autograd/ops", "autograd/tape", "autograd/tensor", "autograd/inspect"}},
    {"nn/training", {"nn/layers", "autograd/ops", "autograd/tape", "autograd/tensor"}},
    {"nn/instruments", {"nn/layers", "autograd/ops", "autograd/tape", "autograd/tensor", "autograd/inspect"}}};

constexpr const char* from_everywhere = "autograd/tensor/index.h";  // it includes nothing

struct Include {
  std::string file;  // the one that includes, from the top of the project
  int line;
  std::string header;
};

std::vector<Include> includes_of(const std::string& file, std::istream& text) {
  std::vector<Include> result;
  int line = 1;
  for (std::string row; std::getline(text, row); ++line) {
    const std::string before = "#include \"";
    if (row.starts_with(before))
      result.push_back({file, line, row.substr(before.size(), row.rfind('"') - before.size())});
  }
  return result;
}

// What is wrong with it; nothing where it is as it should be.
std::string fault_of(const Include& include) {
  const auto folder = [](const std::string& file) { return fs::path(file).parent_path().string(); };
  const std::string from = folder(include.file), to = folder(include.header);
  const bool is_umbrella = from == "autograd" || from == "nn";
  if (is_umbrella || from == to || include.header == from_everywhere) return {};
  const auto known = below.find(from);
  if (known == below.end()) return fmt::format("{}:{}: {} is no folder of the house", include.file, include.line, from);
  if (known->second.contains(to)) return {};
  return fmt::format("{}:{}: {} may not include {}", include.file, include.line, from, include.header);
}

// The files on a circle of includes from the header back to it; none where there is none.
std::vector<std::string> circle_from(const std::map<std::string, Names>& includes, const std::string& header,
                                     std::vector<std::string> way, Names& seen) {
  if (std::find(way.begin(), way.end(), header) != way.end()) return way;
  if (!seen.insert(header).second) return {};
  way.push_back(header);
  const auto found = includes.find(header);
  if (found == includes.end()) return {};
  for (const std::string& next : found->second)
    if (const auto circle = circle_from(includes, next, way, seen); !circle.empty()) return circle;
  return {};
}

}  // namespace

TEST_CASE("house: no include runs upwards or round, and folders are one deep") {
  const fs::path top = EBB_SOURCE_DIR;
  std::map<std::string, Names> graph;
  std::size_t count = 0;
  for (const char* library : {"autograd", "nn"})
    for (const auto& entry : fs::recursive_directory_iterator(top / library)) {
      const std::string name = fs::relative(entry.path(), top).generic_string();
      if (entry.is_directory()) {
        CHECK_MESSAGE(below.contains(name), name << " is no folder of the house");
        continue;
      }
      std::ifstream text(entry.path());
      for (const Include& include : includes_of(name, text)) {
        ++count;
        graph[name].insert(include.header);
        const std::string fault = fault_of(include);
        CHECK_MESSAGE(fault.empty(), fault);
        CHECK_MESSAGE(fs::exists(top / include.header), name << " includes " << include.header);
      }
    }
  CHECK(count > 200);
  Names seen;
  for (const auto& [file, headers] : graph) {
    const std::vector<std::string> circle = circle_from(graph, file, {}, seen);
    CHECK_MESSAGE(circle.empty(), fmt::format("includes run round: {}", fmt::join(circle, " → ")));
  }
}

TEST_CASE("house: an include that is turned upwards is named with its file and its line") {
  std::istringstream text("// A comment.\n#include \"autograd/tensor/tensor.h\"\n#include \"autograd/sweep/pass.h\"\n");
  const std::vector<Include> includes = includes_of("autograd/tape/tape.h", text);
  REQUIRE(includes.size() == 2);
  CHECK(fault_of(includes[0]).empty());
  CHECK(fault_of(includes[1]) == "autograd/tape/tape.h:3: autograd/tape may not include autograd/sweep/pass.h");
  CHECK(fault_of({"autograd/new/file.h", 1, "autograd/tape/tape.h"}) ==
        "autograd/new/file.h:1: autograd/new is no folder of the house");
  CHECK(fault_of({"autograd/kernels/kernels.h", 1, from_everywhere}).empty());
  CHECK(!fault_of({"autograd/tape/tape.h", 1, "nn/layers/cell.h"}).empty());
  Names seen;
  CHECK(circle_from({{"a", {"b"}}, {"b", {"c"}}, {"c", {"a"}}}, "a", {}, seen).size() == 3);
}
