#include <nlohmann/json.hpp>

#include "autograd/inspect/repeats.h"
#include "autograd/inspect/text.h"

namespace ebb {

namespace {

using nlohmann::json;

json inputs_of(const Record& record) {
  json result = json::array();
  for (const std::uint32_t i : record.inputs()) result.push_back(i == Record::none ? json() : json(i));
  return result;
}

}  // namespace

// A record at a time: all of a long tape as objects would take a hundred times the memory of the tape.
std::string to_json(const Tape& tape) {
  std::string result = "{\"records\": [";
  for (Index i = 0; i < tape.size(); ++i) {
    const Record& record = tape[i];
    const Tensor& y = record.output;
    const json entry = {{"index", i},
                        {"scope", tape.scope(record)},
                        {"op", record.op.name},
                        {"inputs", inputs_of(record)},
                        {"shape", std::vector<Index>(y.shape().begin(), y.shape().end())},
                        {"dtype", name(y.dtype())},
                        {"bytes", detail::owned_bytes(record)},
                        {"keeps", detail::values_read(record)},
                        {"derivative", record.op.derivative}};
    result += i == 0 ? "\n" : ",\n";
    result += entry.dump(-1, ' ', false, json::error_handler_t::replace);
  }
  return result + "\n]}\n";
}

}  // namespace ebb
