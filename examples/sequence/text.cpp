#include "sequence/text.h"

#include <fmt/format.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace sequence {

namespace {

std::string read(const std::string& path) {
  if (std::filesystem::is_directory(path)) throw UsageError(fmt::format("--input {}: it is a folder", path));
  std::ifstream file(path, std::ios::binary);
  if (!file) throw UsageError(fmt::format("--input {}: {}", path, std::strerror(errno)));
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) throw UsageError(fmt::format("--input {}: it cannot be read", path));
  return bytes;
}

}  // namespace

Text::Text(const RunOptions& options) : time_(options.time) {
  const std::string text = read(options.input);
  if (text.empty()) throw UsageError(fmt::format("--input {}: the file is empty", options.input));
  if (const auto zero = text.find('\0'); zero != std::string::npos)
    throw UsageError(fmt::format("--input {}: not a text: byte {} is zero", options.input, zero));
  const auto size = static_cast<Index>(text.size());
  if (size <= time_)
    throw UsageError(
        fmt::format("--input {}: {} bytes, but a window of --time {} takes {}", options.input, size, time_, time_ + 1));

  std::array<Index, 256> count{}, class_of{};
  for (const char byte : text) ++count[static_cast<unsigned char>(byte)];
  for (std::size_t byte = 0; byte < count.size(); ++byte) {
    if (count[byte] == 0) continue;
    class_of[byte] = static_cast<Index>(bytes_.size());
    bytes_ += static_cast<char>(byte);
    const double share = static_cast<double>(count[byte]) / static_cast<double>(size);
    trivial_loss -= share * std::log(share);
  }
  if (bytes_.size() == 1) throw UsageError(fmt::format("--input {}: all of its bytes are the same", options.input));
  trivial_answer = "knowing only how often each byte occurs";
  for (const char byte : text) text_.push_back(class_of[static_cast<unsigned char>(byte)]);
  for (Index b = 0; b < options.batch; ++b) places_.push_back(b * size / options.batch);

  inputs = outputs = static_cast<Index>(bytes_.size());
  scored = time_;
  continues = true;
}

Batch Text::next(ebb::Rng&) {
  const auto readers = static_cast<Index>(places_.size());
  Batch batch{ebb::zeros({time_, readers, inputs}), ebb::zeros({time_, readers}, ebb::i64)};
  auto input = batch.inputs.edit<float>();
  auto target = batch.targets.edit<std::int64_t>();
  for (Index b = 0; b < readers; ++b) {
    auto& place = places_[static_cast<std::size_t>(b)];
    for (Index t = 0; t < time_; ++t) {
      input(t, b, text_[static_cast<std::size_t>(place)]) = 1;
      place = (place + 1) % static_cast<Index>(text_.size());
      target(t, b) = text_[static_cast<std::size_t>(place)];
    }
  }
  return batch;
}

std::string Text::sample(const Model& model, Index length, ebb::Rng& rng) const {
  const auto newline = bytes_.find('\n');
  std::size_t last = newline != std::string::npos ? newline : 0;
  ebb::Tensor state = ebb::zeros({1, model.rnn.W.extent(0)});
  std::string text;
  while (static_cast<Index>(text.size()) < length) {
    ebb::Tensor input = ebb::zeros({1, 1, inputs});
    input.edit<float>()[static_cast<Index>(last)] = 1;
    state = model.rnn(input, state).last();
    const ebb::Tensor shares = ebb::exp(ebb::log_softmax(model.readout(state)));
    double left = rng.uniform();
    for (last = 0; last + 1 < bytes_.size(); ++last)
      if ((left -= shares.values<float>()[last]) < 0) break;
    if (last == newline && !text.empty()) break;
    text += bytes_[last];
  }
  return text;
}

}  // namespace sequence
