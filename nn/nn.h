// Everything of ebb's neural networks.
#pragma once

#include "nn/clip.h"
#include "nn/data_parallel.h"
#include "nn/gradient_flow.h"
#include "nn/initialize.h"
#include "nn/linear.h"
#include "nn/loss.h"
#include "nn/optimizer.h"
#include "nn/parameter.h"
#include "nn/rnn.h"
