#include "nn/layers/parameter.h"

#include <algorithm>

namespace ebb::nn {

Parameters::Parameters(std::initializer_list<Entry> entries) {
  for (const Entry& entry : entries) {
    if (entry.is_tensor_)
      add(entry.name_, entry.tensor_);
    else
      add(entry.name_, entry.parameters_);
  }
}

void Parameters::add(const std::string& name, const Tensor& tensor) {
  if (name.empty()) fail("Parameters", "a parameter needs a name");
  if (std::find(names_.begin(), names_.end(), name) != names_.end())
    fail("Parameters", "the name {} is taken; give each entry its own", name);
  if (!tensor.defined()) fail("Parameters", "{} is an undefined tensor", name);
  for (std::size_t i = 0; i < tensors_.size(); ++i)
    if (tensors_[i].is(tensor))
      fail("Parameters", "{} is the same tensor as {}, which an optimiser would step twice; give it once", name,
           names_[i]);
  names_.push_back(name);
  tensors_.push_back(tensor);
}

void Parameters::add(const std::string& prefix, const Parameters& parameters) {
  if (prefix.empty()) fail("Parameters", "a module needs a name");
  Parameters result = *this;  // all of them or none
  for (std::size_t i = 0, count = parameters.count(); i < count; ++i)
    result.add(prefix + "." + parameters.names_[i], parameters.tensors_[i]);
  *this = std::move(result);
}

const Tensor& Parameters::operator[](const std::string& name) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  if (found == names_.end())
    fail("Parameters", "no parameter {}; there are {}", name, fmt::join(names_.begin(), names_.end(), ", "));
  return tensors_[static_cast<std::size_t>(found - names_.begin())];
}

}  // namespace ebb::nn
