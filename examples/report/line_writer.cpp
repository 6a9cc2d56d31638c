#include "report/line_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace report {

LineWriter::LineWriter(const std::filesystem::path& path) : name_(path.string()) {
  descriptor_ = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw OutputError(fmt::format("cannot open {}: {}", name_, std::strerror(errno)));
}

LineWriter LineWriter::standard_output() { return {STDOUT_FILENO, "standard output"}; }

LineWriter::LineWriter(LineWriter&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), name_(std::move(other.name_)) {}

LineWriter::~LineWriter() {
  if (descriptor_ > STDERR_FILENO) close(descriptor_);
}

void LineWriter::write(std::string_view text) {
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t count = ::write(descriptor_, text.data() + written, text.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int reason = errno;
      // The part that did fit is taken back; where that can't be done (a pipe), it stays.
      const off_t end = lseek(descriptor_, 0, SEEK_CUR);
      if (written > 0 && end >= static_cast<off_t>(written))
        std::ignore = ftruncate(descriptor_, end - static_cast<off_t>(written));
      throw OutputError(fmt::format("cannot write to {}: {}", name_, std::strerror(reason)));
    }
    written += static_cast<std::size_t>(count);
  }
}

bool LineWriter::is_terminal() const { return isatty(descriptor_) != 0; }

int LineWriter::columns() const {
  winsize size{};
  return ioctl(descriptor_, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace report
