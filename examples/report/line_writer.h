// Output that is checked: a full disk or a closed pipe is an error where it happens, and what was written before it
// stays whole.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

namespace report {

class OutputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Text that is handed to the system at once, unbuffered. Of a text that doesn't fit on the disk nothing stays in the
// file, so that a log ends with a whole line.
class LineWriter {
 public:
  // Creates the file, or empties it. OutputError naming it and the system's reason, here and in `write`.
  explicit LineWriter(const std::filesystem::path& path);
  static LineWriter standard_output();
  LineWriter(LineWriter&& other) noexcept;
  LineWriter& operator=(LineWriter&&) = delete;
  ~LineWriter();

  void write(std::string_view text);

  bool is_terminal() const;
  int columns() const;  // of the terminal; 80 where it doesn't say

 private:
  LineWriter(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {}

  int descriptor_;
  std::string name_;
};

}  // namespace report
