// Weights laid out for products once a version: that a write is seen, and that copies go when their weight does.
#include <nn/nn.h>

#include "support.h"

using namespace ebb;
using namespace ebb::test;

namespace {

// Three loops, which know of no copies.
Tensor by_hand(const Tensor& a, const Tensor& b) {
  Tensor y = zeros({a.extent(0), b.extent(1)}, f64);
  auto sums = y.edit<double>();
  const auto left = a.values<double>(), right = b.values<double>();
  for (Index i = 0; i < a.extent(0); ++i)
    for (Index j = 0; j < b.extent(1); ++j)
      for (Index r = 0; r < b.extent(0); ++r)
        sums(i, j) +=
            left[static_cast<std::size_t>(i * b.extent(0) + r)] * right[static_cast<std::size_t>(r * b.extent(1) + j)];
  return y;
}

// Multiplies by w and wᵀ often enough for both to be laid out; whether all products are right.
bool multiplies_rightly(const Tensor& w) {
  const Tensor a = varied({3, w.extent(0)}, 8), b = varied({3, w.extent(1)}, 9);
  const Tensor y = by_hand(a, w), z = by_hand(b, transpose(w));
  for (int time = 0; time < 3; ++time)
    if (distance(matmul(a, w), y) > 1e-14 || distance(matmul(b, w, {.transpose_b = true}), z) > 1e-14) return false;
  return true;
}

}  // namespace

TEST_CASE("packed: a weight multiplies with the values it has, however they were written") {
  Tensor w = varied({9, 5}, 1);
  CHECK(multiplies_rightly(w));
  w.assign(varied({9, 5}, 2));
  CHECK(multiplies_rightly(w));
  w.edit<double>()(8, 4) = 3;
  CHECK(multiplies_rightly(w));

  Rng rng(1);
  const nn::Linear layer({.inputs = 9, .outputs = 5, .dtype = f64}, rng);
  const nn::Parameters parameters{{"layer", layer}};
  nn::Adam optimizer(parameters);
  for (int step = 0; step < 3; ++step) {
    CHECK(multiplies_rightly(layer.W));
    const std::vector<Tensor> gradients{ones_like(layer.W), ones_like(layer.b)};
    optimizer.step(gradients);
  }
}

TEST_CASE("packed: a view sees what was written through its source, and the other way") {
  Tensor whole = varied({2, 6, 4}, 1);
  Tensor part = whole[1];
  CHECK(multiplies_rightly(part));
  whole.edit<double>()(1, 5, 3) = 4;
  CHECK(multiplies_rightly(part));

  const Tensor flat = reshape(whole, {12, 4});
  CHECK(multiplies_rightly(flat));
  part.edit<double>()(0, 0) = 5;
  CHECK(multiplies_rightly(flat));
  CHECK(multiplies_rightly(part));
}

TEST_CASE("packed: while an edit is open each product takes what stands there") {
  Tensor w = varied({6, 6}, 1);
  CHECK(multiplies_rightly(w));
  {
    auto edit = w.edit<double>();
    edit(2, 3) = 7;
    CHECK(multiplies_rightly(w));
    edit(2, 3) = 8;
    CHECK(multiplies_rightly(w));
  }
  CHECK(multiplies_rightly(w));
}

TEST_CASE("packed: copies are replaced with each version, and go with their weight") {
  release_memory();
  const std::size_t before = detail::system_bytes_held();
  {
    Tensor w = varied({64, 64}, 1);
    const std::size_t alone = detail::system_bytes_held() - detail::reusable_bytes();
    const Tensor a = varied({3, 64}, 2);
    const auto use = [&] {
      for (int time = 0; time < 2; ++time) (void)(matmul(a, w) + matmul(a, w, {.transpose_b = true}));
    };
    use();
    const std::size_t laid_out = detail::system_bytes_held() - detail::reusable_bytes();
    CHECK(laid_out - alone >= 2 * w.size() * 8);  // of w and wᵀ
    for (int version = 0; version < 100; ++version) {
      w.edit<double>()(0, 0) = version;
      use();
    }
    CHECK(detail::system_bytes_held() - detail::reusable_bytes() == laid_out);
  }
  release_memory();
  CHECK(detail::system_bytes_held() == before);
}

// Rules overwrite what arrives where nobody else holds it, and hand it on.
TEST_CASE("packed: an observer multiplies by the gradients as they are") {
  const Tensor x = varied({6, 5}, 1), a = varied({3, 6}, 8);
  Rng rng(1);
  const nn::Rnn rnn({.inputs = 5, .hidden = 5, .activation = nn::Activation::identity, .dtype = f64}, rng);
  Tape tape;
  Tensor y = x;
  for (int k = 0; k < 4; ++k) y = tanh(y) + x;
  y = rnn(reshape(y, {3, 2, 5})).last();
  int seen = 0;
  const auto observer = [&](const Record&, const Tensor& g) {
    if (g.rank() != 2) return;
    const Tensor left = slice(transpose(a), 0, g.extent(0));
    const Tensor product = matmul(transpose(left), g);
    CHECK(distance(product, by_hand(transpose(left), g)) < 1e-14);
    ++seen;
  };
  (void)tape.gradient(sum(y * y), x, {.observer = observer});
  CHECK(seen >= 10);
}
