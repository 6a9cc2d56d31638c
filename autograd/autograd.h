// Everything of ebb's automatic differentiation, in the order of the argument: values, formulas, the tape, its ops, the
// sweeps over it, recurrent steps, and looking at it.
#pragma once

#include "autograd/tensor/error.h"
#include "autograd/tensor/random.h"
#include "autograd/tensor/shape.h"
#include "autograd/tensor/storage.h"
#include "autograd/tensor/tensor.h"

#include "autograd/kernels/instruction_set.h"

#include "autograd/tape/jacobian.h"
#include "autograd/tape/op.h"
#include "autograd/tape/tape.h"

#include "autograd/ops/custom_op.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/indexing.h"
#include "autograd/ops/layout.h"
#include "autograd/ops/linear_algebra.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/reduction.h"
#include "autograd/ops/softmax.h"

#include "autograd/sweep/checkpointed.h"
#include "autograd/sweep/gradient_check.h"

#include "autograd/recurrent/recurrent.h"

#include "autograd/inspect/position.h"
#include "autograd/inspect/text.h"
