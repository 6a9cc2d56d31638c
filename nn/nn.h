// Everything of ebb's neural networks: their layers, how they are trained, and the instruments of the laboratory.
#pragma once

#include "nn/layers/cell.h"
#include "nn/layers/initialize.h"
#include "nn/layers/linear.h"
#include "nn/layers/parameter.h"
#include "nn/layers/rnn.h"

#include "nn/training/clip.h"
#include "nn/training/data_parallel.h"
#include "nn/training/loss.h"
#include "nn/training/optimizer.h"

#include "nn/instruments/gradient_flow.h"
#include "nn/instruments/lyapunov.h"
#include "nn/instruments/magnitude.h"
#include "nn/instruments/omega.h"
#include "nn/instruments/saturation.h"
#include "nn/instruments/transport.h"
