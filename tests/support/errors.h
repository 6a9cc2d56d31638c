// The table of what every path that throws says, in errors_ops_test.cpp, errors_tape_test.cpp
// and errors_nn_test.cpp; errors_test.cpp holds it against the sources.
#pragma once

#include <typeinfo>
#include <vector>

#include "support.h"

namespace ebb::test {

struct ErrorRow {
  void (*throwing)();
  const std::type_info& type;
  const char* message;  // all of it
};

template <class E>
ErrorRow row(void (*throwing)(), const char* message) {
  return {throwing, typeid(E), message};
}

const std::vector<ErrorRow>& op_error_rows();
const std::vector<ErrorRow>& tape_error_rows();
const std::vector<ErrorRow>& nn_error_rows();

}  // namespace ebb::test
