// Everything that this library throws. Each message reads `[op] what was wrong, with which values, what to do`; after
// an error the tape and every tensor are as they were before the call.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace ebb {

// The base of all errors, thrown as itself where no narrower type fits (an unknown option, a mix of element types).
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Shapes, extents, axes or indices that don't fit together.
class ShapeError : public Error {
 public:
  using Error::Error;
};

// A tape was asked for something that it didn't record, or a path would be cut silently.
class TapeError : public Error {
 public:
  using Error::Error;
};

// A value that a derivative reads was written after it had been recorded.
class StaleValueError : public TapeError {
 public:
  using TapeError::TapeError;
};

// NaN or infinity where a finite number is needed.
class NonFiniteError : public Error {
 public:
  using Error::Error;
};

// A file or a text that isn't what it should be.
class FormatError : public Error {
 public:
  using Error::Error;
};

// Throws an E whose message is `[where] …`, formatted as by fmt.
template <class E = Error, class... Args>
[[noreturn]] void fail(fmt::string_view where, fmt::format_string<Args...> text, Args&&... args) {
  throw E(fmt::format("[{}] {}", where, fmt::format(text, std::forward<Args>(args)...)));
}

}  // namespace ebb
