// A model's parameters under dotted names, in order.
#pragma once

#include <concepts>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "autograd/tensor/tensor.h"

namespace ebb::nn {

class Parameters;

// Anything with parameters of its own: Linear, Rnn, or a struct of yours with this one function.
template <class M>
concept Module = requires(const M& module) {
  { module.parameters() } -> std::convertible_to<Parameters>;
};

// Handles to a model's parameters: the same storage, so that an optimiser's writes are seen by the model.
//
//   nn::Parameters parameters({{"rnn", rnn}, {"readout", readout}});  // rnn.U, rnn.W, rnn.b, readout.W, readout.b
class Parameters {
 public:
  class Entry;

  Parameters() = default;
  // A tensor under its name, a module's parameters under `name.`. Error on an empty name or one that is
  // taken, and on a tensor that is there already.
  Parameters(std::initializer_list<Entry> entries);

  void add(const std::string& name, const Tensor& tensor);
  void add(const std::string& prefix, const Parameters& parameters);

  std::span<const Tensor> tensors() const { return tensors_; }
  const std::vector<std::string>& names() const { return names_; }
  std::size_t count() const { return tensors_.size(); }
  // The one of that name; Error that lists the names there are.
  const Tensor& operator[](const std::string& name) const;

 private:
  std::vector<std::string> names_;
  std::vector<Tensor> tensors_;
};

// A name and what stands under it.
class Parameters::Entry {
 public:
  Entry(std::string name, const Tensor& tensor) : name_(std::move(name)), tensor_(tensor), is_tensor_(true) {}
  Entry(std::string name, Parameters parameters) : name_(std::move(name)), parameters_(std::move(parameters)) {}
  template <Module M>
  Entry(std::string name, const M& module) : Entry(std::move(name), Parameters(module.parameters())) {}

 private:
  friend class Parameters;
  std::string name_;
  Tensor tensor_;
  Parameters parameters_;
  bool is_tensor_ = false;
};

}  // namespace ebb::nn
