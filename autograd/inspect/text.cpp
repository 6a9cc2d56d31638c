#include "autograd/inspect/text.h"

#include <algorithm>
#include <array>

#include "autograd/inspect/repeats.h"

namespace ebb {

namespace {

// Code points: how wide the letters that this library prints are.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

enum class Align { left, right };

// Rows under a heading, each column as wide as its widest cell; a row of one cell is a line of its own.
template <std::size_t columns>
class Table {
 public:
  using Row = std::array<std::string, columns>;

  explicit Table(const std::array<Align, columns>& align) : align_(align) {}
  void add(Row row) {
    for (std::size_t i = 0; i < columns; ++i) width_[i] = std::max(width_[i], width_of(row[i]));
    rows_.push_back(std::move(row));
  }
  void add_line(std::string line) {
    rows_.emplace_back();
    lines_.emplace_back(rows_.size() - 1, std::move(line));
  }
  std::size_t width(std::size_t column) const { return width_[column]; }

  // Without a newline at the end.
  std::string text() const {
    std::string result;
    auto line = lines_.begin();
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      if (r != 0) result += '\n';
      const bool alone = line != lines_.end() && line->first == r;
      result += alone ? (line++)->second : line_of(rows_[r]);
    }
    return result;
  }

 private:
  std::string line_of(const Row& row) const {
    std::string line;
    for (std::size_t i = 0; i < columns; ++i) {
      const std::string padding(width_[i] - width_of(row[i]), ' ');
      line += align_[i] == Align::left ? row[i] + padding : padding + row[i];
      line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
  }

  std::array<Align, columns> align_;
  std::array<std::size_t, columns> width_{};
  std::vector<Row> rows_;
  std::vector<std::pair<std::size_t, std::string>> lines_;
};

// On one line, whatever the name of a scope holds.
std::string in_line(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  return text;
}

std::string shortened(const std::vector<std::string>& words) {
  constexpr std::size_t most = 6;
  if (words.size() <= most) return fmt::format("{}", fmt::join(words, " "));
  return fmt::format("{} {} {} … {}", words[0], words[1], words[2], words.back());
}

std::string inputs_of(const Record& record) {
  std::vector<std::string> words;
  for (const std::uint32_t i : record.inputs()) words.push_back(i == Record::none ? "num" : fmt::format("{}", i));
  return shortened(words);
}

std::string keeps_of(const Record& record) {
  std::vector<std::string> words;
  for (const std::uint32_t i : detail::values_read(record))
    words.push_back(i == record.index ? "y" : fmt::format("{}", i));
  return shortened(words);
}

std::string bytes_text(const Record& record) {
  if (detail::is_source(record)) return "–";
  return record.output.body().root ? "view" : fmt::format("{}", detail::owned_bytes(record));
}

std::string shape_text(const Tensor& x) {
  return x.dtype() == f32 ? fmt::format("{}", x.shape()) : fmt::format("{} {}", x.shape(), name(x.dtype()));
}

std::string text_of(const Tape& tape) {
  if (tape.size() == 0) return "an empty tape";
  using enum Align;
  Table<8> table({right, left, left, left, left, left, right, left});
  table.add({"index", "scope", "op", "inputs", "shape", "keeps", "bytes", "derivative"});
  const auto add = [&](std::uint32_t first, std::uint32_t end) {
    for (std::uint32_t i = first; i < end; ++i) {
      const Record& record = tape[i];
      table.add({fmt::format("{}", i), in_line(tape.scope(record)), std::string(record.op.name), inputs_of(record),
                 shape_text(record.output), keeps_of(record), bytes_text(record), std::string(record.op.derivative)});
    }
  };
  std::uint32_t next = 0;
  for (const Stretch& stretch : TapeReader(tape).stretches()) {
    add(next, stretch.hidden());
    const std::string what = stretch.period == 1 ? "record" : fmt::format("{} records", stretch.period);
    table.add_line(fmt::format("    …  ×{} the same {}, {} to {}", stretch.repeats - 2, what, stretch.hidden(),
                               stretch.last() - 1));
    next = stretch.last();
  }
  add(next, static_cast<std::uint32_t>(tape.size()));
  return table.text();
}

std::string text_of(const TapeMemory& memory) {
  using enum Align;
  Table<4> table({left, right, right, right});
  table.add({"op", "records", "live", "kept"});
  const auto add = [&](std::string_view op, Index records, std::size_t live, std::size_t kept) {
    table.add({std::string(op), fmt::format("{}", records), fmt::format("{}", live), fmt::format("{}", kept)});
  };
  for (const TapeMemory::OfOp& row : memory.by_op) add(row.op, row.records, row.live, row.kept);
  add("all", memory.records, memory.live, memory.kept);
  return fmt::format("{}\n{} bytes of records, {} reusable", table.text(), memory.record_bytes, memory.reusable);
}

}  // namespace

}  // namespace ebb

auto fmt::formatter<ebb::Tape>::format(const ebb::Tape& tape, fmt::format_context& context) const
    -> fmt::format_context::iterator {
  return fmt::format_to(context.out(), "{}", ebb::text_of(tape));
}

auto fmt::formatter<ebb::TapeMemory>::format(const ebb::TapeMemory& memory, fmt::format_context& context) const
    -> fmt::format_context::iterator {
  return fmt::format_to(context.out(), "{}", ebb::text_of(memory));
}
