#include <algorithm>
#include <set>

#include "autograd/inspect/repeats.h"
#include "autograd/inspect/text.h"

namespace ebb {

namespace {

// In double quotes for Graphviz, whatever the name of a scope holds.
std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (c == '\n')
      result += "\\n";
    else
      result += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return result + '"';
}

// A box around nodes: a scope, or one time of what repeats.
struct Cluster {
  std::string id;
  std::string label;

  friend bool operator==(const Cluster& a, const Cluster& b) { return a.id == b.id; }
};
using Path = std::vector<Cluster>;  // outermost first

std::size_t shared_length(const Path& a, const Path& b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

class Drawing {
 public:
  explicit Drawing(const Tape& tape) : tape_(tape), reader_(tape) {
    const auto size = static_cast<std::uint32_t>(tape.size());
    std::uint32_t next = 0;
    for (const Stretch& stretch : reader_.stretches()) {
      add_records(next, stretch.first);
      add_stretch(stretch);
      next = stretch.end();
    }
    add_records(next, size);
    move_sources_out();
  }

  std::string text() const {
    std::string result =
        "digraph tape {\n"
        "  rankdir=LR newrank=true\n"
        "  node [fontname=\"sans-serif\" fontsize=11 shape=ellipse margin=\"0.08,0.04\"]\n"
        "  graph [fontname=\"sans-serif\" fontsize=11 style=rounded color=gray60]\n"
        "  edge [arrowsize=0.6 color=gray40]\n";
    append_nodes(result);
    for (const auto& [from, to] : edges())
      result += fmt::format("  {} -> {}{}\n", nodes_[from].id, nodes_[to].id,
                            nodes_[from].source ? " [color=gray80 weight=0]" : "");
    return result + "}\n";
  }

 private:
  // A record, or what stands for many.
  struct Node {
    std::string id;
    std::string attributes;
    Path path;
    std::uint32_t first, end;  // the records that it stands for
    bool source;
    bool moved = false;  // out of the scope that it was recorded in
  };

  Path scope_path(const Record& record) const {
    Path path;
    for (const std::uint32_t scope : reader_.scopes(record))
      path.push_back({fmt::format("cluster_scope_{}", scope), reader_.scope_name(scope)});
    return path;
  }

  void add_node(std::uint32_t index, Path path) {
    const Record& record = tape_[index];
    const bool source = detail::is_source(record);
    const std::string label = fmt::format("{} {}\n{}", index, record.op.name, record.output.shape());
    std::string attributes = "label=" + quoted(label);
    if (source) attributes += " shape=box style=filled fillcolor=gray92 color=gray60";
    if (!record.op.derivative.empty()) attributes += " tooltip=" + quoted(record.op.derivative);
    add({fmt::format("r{}", index), std::move(attributes), std::move(path), index, index + 1, source});
  }

  void add(Node node) {
    node_of_.resize(node.end, nodes_.size());
    nodes_.push_back(std::move(node));
  }

  void add_records(std::uint32_t first, std::uint32_t end) {
    for (std::uint32_t i = first; i < end; ++i) add_node(i, scope_path(tape_[i]));
  }

  void add_stretch(const Stretch& stretch) {
    const Path around = path_around(stretch);
    add_step(stretch, 0, around);
    add({fmt::format("more{}", stretch.first),
         fmt::format("label=\"… ×{}\" shape=plaintext fontsize=16", stretch.repeats - 2), around, stretch.hidden(),
         stretch.last(), false});
    add_step(stretch, stretch.repeats - 1, around);
  }

  // What is around all times of a stretch.
  Path path_around(const Stretch& stretch) const {
    Path around = scope_path(tape_[stretch.first]);
    for (const std::uint32_t start : {stretch.first, stretch.last()})
      for (std::uint32_t i = start; i < start + stretch.period; ++i)
        around.resize(shared_length(around, scope_path(tape_[i])));
    return around;
  }

  // One time of a stretch, in a cluster unless it is one record or in a scope of its own already.
  void add_step(const Stretch& stretch, std::uint32_t time, const Path& around) {
    const std::uint32_t start = stretch.first + time * stretch.period;
    std::vector<Path> paths;
    std::size_t shared = 0;
    for (std::uint32_t i = start; i < start + stretch.period; ++i) {
      paths.push_back(scope_path(tape_[i]));
      shared = i == start ? paths[0].size() : std::min(shared, shared_length(paths[0], paths.back()));
    }
    if (stretch.period > 1 && shared == around.size()) {
      const Cluster step{fmt::format("cluster_step_{}", start), fmt::format("{} of {}", time + 1, stretch.repeats)};
      for (Path& path : paths) path.insert(path.begin() + static_cast<std::ptrdiff_t>(around.size()), step);
    }
    for (std::uint32_t i = 0; i < stretch.period; ++i) add_node(start + i, std::move(paths[i]));
  }

  // A source belongs where all of its readers are: a weight isn't part of the first step that happens to read it.
  void move_sources_out() {
    for (const auto& [from, to] : edges()) {
      Node& node = nodes_[from];
      const std::size_t shared = shared_length(node.path, nodes_[to].path);
      if (!node.source || shared == node.path.size()) continue;
      node.path.resize(shared);
      node.moved = true;
    }
  }

  // From input to reader, each once and none within what stands for many.
  std::set<std::pair<std::size_t, std::size_t>> edges() const {
    std::set<std::pair<std::size_t, std::size_t>> result;
    for (std::uint32_t i = 0; i < node_of_.size(); ++i)
      for (const std::uint32_t input : tape_[i].inputs())
        if (input != Record::none && node_of_[input] != node_of_[i]) result.emplace(node_of_[input], node_of_[i]);
    return result;
  }

  void append_nodes(std::string& result) const {
    Path open;
    const auto indented = [&](std::string_view line) {
      result += std::string(2 * (open.size() + 1), ' ');
      result += line;
      result += '\n';
    };
    const auto close_to = [&](std::size_t length) {
      while (open.size() > length) {
        open.pop_back();
        indented("}");
      }
    };
    const auto append = [&](const Node& node) {
      close_to(shared_length(open, node.path));
      for (std::size_t i = open.size(); i < node.path.size(); ++i) {
        indented(fmt::format("subgraph {} {{", node.path[i].id));
        open.push_back(node.path[i]);
        indented("label=" + quoted(node.path[i].label));
      }
      indented(fmt::format("{} [{}]", node.id, node.attributes));
    };
    for (const Node& node : nodes_)
      if (node.moved) append(node);
    for (const Node& node : nodes_)
      if (!node.moved) append(node);
    close_to(0);
  }

  const Tape& tape_;
  TapeReader reader_;
  std::vector<Node> nodes_;
  std::vector<std::size_t> node_of_;  // of each record
};

}  // namespace

std::string to_dot(const Tape& tape) { return Drawing(tape).text(); }

}  // namespace ebb
