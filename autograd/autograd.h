// Everything of ebb's automatic differentiation.
#pragma once

#include "autograd/elementwise.h"
#include "autograd/error.h"
#include "autograd/gradient_check.h"
#include "autograd/indexing.h"
#include "autograd/instruction_set.h"
#include "autograd/jacobian.h"
#include "autograd/linear_algebra.h"
#include "autograd/matrix.h"
#include "autograd/op.h"
#include "autograd/random.h"
#include "autograd/recurrent.h"
#include "autograd/reduction.h"
#include "autograd/shape.h"
#include "autograd/storage.h"
#include "autograd/tape.h"
#include "autograd/tensor.h"
