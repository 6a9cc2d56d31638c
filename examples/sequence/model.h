// The network: a vanilla RNN and a linear readout of its states.
#pragma once

#include <nn/nn.h>

#include "sequence/options.h"

namespace sequence {

namespace nn = ebb::nn;

struct Model {
  nn::Rnn rnn;
  nn::Linear readout;

  nn::Parameters parameters() const { return {{"rnn", rnn}, {"readout", readout}}; }
};

Model make_model(const RunOptions& options, Index inputs, Index outputs, ebb::Rng& rng);

}  // namespace sequence
