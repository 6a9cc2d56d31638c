// Everything of ebb's neural networks.
#pragma once

#include "nn/cell.h"
#include "nn/clip.h"
#include "nn/data_parallel.h"
#include "nn/gradient_flow.h"
#include "nn/initialize.h"
#include "nn/linear.h"
#include "nn/loss.h"
#include "nn/lyapunov.h"
#include "nn/magnitude.h"
#include "nn/omega.h"
#include "nn/optimizer.h"
#include "nn/parameter.h"
#include "nn/rnn.h"
#include "nn/saturation.h"
#include "nn/transport.h"
