#include "autograd/ops/packed.h"

#include <atomic>
#include <mutex>

#include "autograd/kernels/kernels.h"
#include "autograd/tensor/access.h"

namespace ebb::detail {

struct PackedCopies {
  struct Copy {
    std::atomic<std::uint64_t> version = 0;  // 1 + the one that was copied
    Tensor panels;
  };
  std::mutex mutex;
  Copy copies[2];  // of b and of bᵀ
};

void destroy(PackedCopies* copies) noexcept { delete copies; }

namespace {

template <class T>
void pack_into(const Tensor& b, bool transposed, const Tensor& panels) {
  const Index k = b.extent(transposed ? 1 : 0), n = b.extent(transposed ? 0 : 1);
  kernels::table<T>().pack(k, n, data<T>(b), b.extent(1), transposed, data<T>(panels));
}

Tensor room_for(const Tensor& b, bool transposed) {
  return by_float_type("matmul", b.dtype(), [&](auto zero) {
    const auto size = kernels::table<decltype(zero)>().packed_size;
    return uninitialised(b.dtype(), {size(b.extent(transposed ? 1 : 0), b.extent(transposed ? 0 : 1))});
  });
}

void pack(const Tensor& b, bool transposed, const Tensor& panels) {
  by_float_type("matmul", b.dtype(), [&](auto zero) { pack_into<decltype(zero)>(b, transposed, panels); });
}

PackedCopies& copies_of(Body& body) {
  PackedCopies* copies = body.packed.load(std::memory_order_acquire);
  if (copies) return *copies;
  auto* made = new PackedCopies;
  if (body.packed.compare_exchange_strong(copies, made, std::memory_order_acq_rel)) return *made;
  delete made;  // another thread was first
  return *copies;
}

}  // namespace

Tensor packed_once(const Tensor& b, bool transposed) {
  Tensor panels = room_for(b, transposed);
  pack(b, transposed, panels);
  return panels;
}

namespace {

// Nobody reads what is written here: to write b while another thread multiplies by it is an error already.
[[gnu::noinline]] const Tensor& renewed(const Tensor& b, bool transposed, std::uint64_t version) {
  PackedCopies& copies = copies_of(b.body());
  PackedCopies::Copy& copy = copies.copies[transposed];
  const std::lock_guard lock(copies.mutex);
  if (copy.version.load(std::memory_order_relaxed) == version) return copy.panels;
  if (!copy.panels.defined() || !unique(copy.panels)) copy.panels = room_for(b, transposed);
  pack(b, transposed, copy.panels);
  copy.version.store(version, std::memory_order_release);
  return copy.panels;
}

// The copy of b as it is now.
inline const Tensor& packed_copy(const Tensor& b, bool transposed) {
  const Body& body = b.body();
  const std::uint64_t version = std::uint64_t{body.storage().version} + 1;
  const PackedCopies* copies = body.packed.load(std::memory_order_acquire);
  const bool is_current = copies && copies->copies[transposed].version.load(std::memory_order_acquire) == version;
  return is_current ? copies->copies[transposed].panels : renewed(b, transposed, version);
}

}  // namespace

Tensor packed(const Tensor& b, bool transposed) {
  return b.body().storage().edits > 0 ? packed_once(b, transposed) : packed_copy(b, transposed);
}

const Tensor* packed_if_it_pays(const Tensor& b, bool transposed) {
  Body& body = b.body();
  const Body& storage = body.storage();
  const auto version = static_cast<std::uint16_t>(storage.version + 1);
  if (body.multiplied.load(std::memory_order_relaxed) != version) {
    body.multiplied.store(version, std::memory_order_relaxed);
    return nullptr;
  }
  return storage.edits == 0 ? &packed_copy(b, transposed) : nullptr;
}

}  // namespace ebb::detail
