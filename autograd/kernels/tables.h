// The parts that each instruction set's objects export: one of each file, once per Level.
#pragma once

#include "autograd/kernels/kernels.h"

namespace ebb::kernels {

template <class T, Level level>
void fill_elementwise(Table<T>& table);
template <class T, Level level>
void fill_matrix(Table<T>& table);
template <class T, Level level>
void fill_affine(Table<T>& table);
template <class T, Level level>
void fill_gram(Table<T>& table);

}  // namespace ebb::kernels
