#include "nn/training/optimizer.h"

#include <cmath>
#include <utility>

#include "autograd/ops/reduction.h"
#include "autograd/tensor/access.h"
#include "nn/training/finite.h"

namespace ebb::nn {

bool detail::all_finite(const char* what, std::span<const Tensor> gradients, std::span<const std::string> names,
                        NonFinite non_finite, bool squares) {
  for (std::size_t k = 0; k < gradients.size(); ++k) {
    const bool bad = ebb::detail::by_float_type(what, gradients[k].dtype(), [&](auto zero) {
      using T = decltype(zero);
      const auto values = gradients[k].values<T>();
      const auto largest = static_cast<T>(ebb::detail::largest_magnitude(gradients[k]));
      if (std::isfinite(squares ? largest * largest : largest)) return false;
      if (non_finite == NonFinite::skip) return true;
      std::size_t i = 0;
      while (std::isfinite(squares ? values[i] * values[i] : values[i])) ++i;
      fail<NonFiniteError>(what,
                           "gradient {}{}{} is {} at element {} of shape {}{}; nothing was changed: clip the norm, "
                           "lower the learning rate, or ask to skip such steps",
                           k, names.empty() ? "" : " of ", names.empty() ? "" : names[k], values[i], i,
                           gradients[k].shape(), std::isfinite(values[i]) ? ", and its square is not finite" : "");
    });
    if (bad) return false;
  }
  return true;
}

namespace {

// That the gradients are one for each parameter.
void require_fit(const char* what, const Parameters& parameters, std::span<const Tensor> gradients) {
  if (gradients.size() != parameters.count())
    fail<ShapeError>(what, "{} gradients for {} parameters", gradients.size(), parameters.count());
  for (std::size_t k = 0; k < gradients.size(); ++k) {
    const Tensor& p = parameters.tensors()[k];
    if (!(gradients[k].shape() == p.shape()))
      fail<ShapeError>(what, "the gradient of {} has shape {}, the parameter {}", parameters.names()[k],
                       gradients[k].shape(), p.shape());
    if (gradients[k].dtype() != p.dtype())
      fail(what, "the gradient of {} is {}, the parameter {}", parameters.names()[k], name(gradients[k].dtype()),
           name(p.dtype()));
  }
}

void require(const char* what, bool fits, const char* name, double value, const char* range) {
  if (!fits) fail(what, "the {} is {}; it must be {}", name, value, range);
}

void require_floats(const char* what, const Parameters& parameters) {
  for (std::size_t k = 0; k < parameters.count(); ++k)
    if (parameters.tensors()[k].dtype() == i64)
      fail(what, "parameter {} is int64; it can't be trained", parameters.names()[k]);
}

std::vector<Tensor> zeros_like(std::span<const Tensor> tensors) {
  std::vector<Tensor> result;
  for (const Tensor& tensor : tensors) result.push_back(ebb::zeros_like(tensor));
  return result;
}

// Calls f(p, g, i) with the elements of parameter k and of its gradient as T's pointers.
template <class F>
void update(const Parameters& parameters, std::span<const Tensor> gradients, F f) {
  for (std::size_t k = 0; k < gradients.size(); ++k) {
    Tensor parameter = parameters.tensors()[k];
    ebb::detail::by_float_type("step", parameter.dtype(), [&](auto zero) {
      using T = decltype(zero);
      Edit<T> elements = parameter.edit<T>();
      f(k, elements.data(), gradients[k].values<T>());
    });
  }
}

}  // namespace

Sgd::Sgd(const Parameters& parameters, const SgdOptions& given) : options(given), parameters_(parameters) {
  require_options();
  require_floats("Sgd", parameters_);
}

void Sgd::require_options() const {
  require("Sgd", std::isfinite(options.learning_rate) && options.learning_rate >= 0, "learning rate",
          options.learning_rate, "finite and not negative");
  require("Sgd", options.momentum >= 0 && options.momentum < 1, "momentum", options.momentum, "in [0, 1)");
  require("Sgd", !options.nesterov || options.momentum > 0, "momentum", options.momentum,
          "positive for Nesterov's method");
}

void Sgd::step(std::span<const Tensor> gradients) {
  require_options();
  require_fit("Sgd", parameters_, gradients);
  if (!detail::all_finite("Sgd", gradients, parameters_.names(), options.non_finite)) {
    ++skipped_;
    return;
  }
  if (options.momentum > 0 && velocity_.empty()) velocity_ = zeros_like(parameters_.tensors());
  update(parameters_, gradients, [&](std::size_t k, auto* p, auto g) {
    using T = std::remove_pointer_t<decltype(p)>;
    const T rate = static_cast<T>(options.learning_rate), momentum = static_cast<T>(options.momentum);
    if (velocity_.empty()) {
      for (std::size_t i = 0; i < g.size(); ++i) p[i] -= rate * g[i];
      return;
    }
    Edit<T> v = velocity_[k].template edit<T>();
    for (std::size_t i = 0; i < g.size(); ++i) {
      T& velocity = v[static_cast<Index>(i)];
      velocity = momentum * velocity + g[i];
      p[i] -= rate * (options.nesterov ? g[i] + momentum * velocity : velocity);
    }
  });
}

Adam::Adam(const Parameters& parameters, const AdamOptions& given)
    : options(given),
      parameters_(parameters),
      first_(zeros_like(parameters.tensors())),
      second_(zeros_like(parameters.tensors())) {
  require_options();
  require_floats("Adam", parameters_);
}

void Adam::require_options() const {
  require("Adam", std::isfinite(options.learning_rate) && options.learning_rate >= 0, "learning rate",
          options.learning_rate, "finite and not negative");
  require("Adam", options.beta1 >= 0 && options.beta1 < 1, "beta1", options.beta1, "in [0, 1)");
  require("Adam", options.beta2 >= 0 && options.beta2 < 1, "beta2", options.beta2, "in [0, 1)");
  require("Adam", options.epsilon > 0, "epsilon", options.epsilon, "positive");
}

void Adam::step(std::span<const Tensor> gradients) {
  require_options();
  require_fit("Adam", parameters_, gradients);
  if (!detail::all_finite("Adam", gradients, parameters_.names(), options.non_finite, /*squares=*/true)) {
    ++skipped_;
    return;
  }
  ++steps_;
  const double correction1 = 1 - std::pow(options.beta1, static_cast<double>(steps_));
  const double correction2 = 1 - std::pow(options.beta2, static_cast<double>(steps_));
  const double rate = options.learning_rate / correction1, scale = 1 / std::sqrt(correction2);
  const double beta1 = options.beta1, beta2 = options.beta2;
  update(parameters_, gradients, [&](std::size_t k, auto* p, auto g) {
    using T = std::remove_pointer_t<decltype(p)>;
    Edit<T> m = first_[k].template edit<T>(), v = second_[k].template edit<T>();
    for (std::size_t i = 0; i < g.size(); ++i) {
      const double gradient = static_cast<double>(g[i]);
      T& first = m[static_cast<Index>(i)];
      T& second = v[static_cast<Index>(i)];
      first = static_cast<T>(beta1 * static_cast<double>(first) + (1 - beta1) * gradient);
      second = static_cast<T>(beta2 * static_cast<double>(second) + (1 - beta2) * gradient * gradient);
      const double step =
          rate * static_cast<double>(first) / (std::sqrt(static_cast<double>(second)) * scale + options.epsilon);
      p[i] = static_cast<T>(static_cast<double>(p[i]) - step);
    }
  });
}

}  // namespace ebb::nn
