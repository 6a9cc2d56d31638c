#include "sequence/model.h"

#include <algorithm>

namespace sequence {

namespace {

nn::Init recurrent_init(const RunOptions& options) {
  if (options.init == "orthogonal") return nn::orthogonal(options.gain);
  if (options.init == "xavier") return nn::xavier(options.gain);
  if (options.init == "normal") return nn::normal(options.gain);
  if (options.init == "uniform") return nn::uniform(options.gain);
  if (options.init == "identity") return nn::identity(options.gain);
  // 15 connections a unit, as in Pascanu, Mikolov & Bengio 2013.
  if (options.init == "sparse") return nn::sparse(std::min<Index>(15, options.hidden), options.gain);
  return nn::zeros();
}

nn::Init normal_or_xavier(const std::optional<double>& std) { return std ? nn::normal(*std) : nn::xavier(); }

}  // namespace

Model make_model(const RunOptions& options, Index inputs, Index outputs, ebb::Rng& rng) {
  const nn::RnnOptions rnn{.inputs = inputs,
                           .hidden = options.hidden,
                           .activation = options.activation,
                           .input_init = normal_or_xavier(options.input_std),
                           .recurrent_init = recurrent_init(options)};
  const nn::LinearOptions readout{
      .inputs = options.hidden, .outputs = outputs, .weight_init = normal_or_xavier(options.readout_std)};
  nn::Rnn cell(rnn, rng);
  return {std::move(cell), nn::Linear(readout, rng)};
}

}  // namespace sequence
