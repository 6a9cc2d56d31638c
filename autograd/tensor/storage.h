// Where values live. A tensor is a handle to a Body: a header of two cache lines with the values behind it (a few small
// ones inside it), or, for a view, with a pointer into another body's values. Bodies come from free lists of size
// classes that each thread keeps, so that the second training step finds the memory of the first, page faults and all.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "autograd/tensor/shape.h"

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif

namespace ebb {

// What a tensor's elements are: float, double, or std::int64_t (for indices; never differentiated).
enum class DType : std::uint8_t { f32, f64, i64 };
inline constexpr DType f32 = DType::f32;
inline constexpr DType f64 = DType::f64;
inline constexpr DType i64 = DType::i64;

constexpr const char* name(DType type) { return type == f32 ? "float32" : type == f64 ? "float64" : "int64"; }
constexpr std::size_t bytes_of(DType type) { return type == f32 ? 4 : 8; }

// Gives this thread's free blocks and the tape memory that it reuses back to the system.
void release_memory();

namespace detail {

// Counts handles. Atomic read-modify-write only once the process has a second thread.
class ReferenceCount {
 public:
  explicit ReferenceCount(std::uint32_t count) : count_(count) {}
  void add() {
    if (single_threaded())
      count_.store(count_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    else
      count_.fetch_add(1, std::memory_order_relaxed);
  }
  // True for the last one.
  bool remove() {
    const std::uint32_t count = count_.load(std::memory_order_acquire);
    if (count == 1) return true;
    if (!single_threaded()) return count_.fetch_sub(1, std::memory_order_acq_rel) == 1;
    count_.store(count - 1, std::memory_order_relaxed);
    return false;
  }
  std::uint32_t get() const { return count_.load(std::memory_order_acquire); }

 private:
  static bool single_threaded() {
#if __has_include(<sys/single_threaded.h>)
    return __libc_single_threaded != 0;
#else
    return false;
#endif
  }
  std::atomic<std::uint32_t> count_;
};

// Where on which tape a tensor was recorded. Tapes are numbered from 1 and no number is used twice.
struct TapePosition {
  static constexpr std::uint32_t none = 0xffffffff;
  std::uint64_t tape = 0;
  std::uint32_t index = none;
  std::uint32_t version = 0;  // of the storage then: what has been written since has no history
};

// Copies of a matrix laid out for products (packed.h).
struct PackedCopies;
void destroy(PackedCopies* copies) noexcept;

struct alignas(64) Body {
  Body(DType type, Index elements, const Shape& extents, std::uint16_t block, std::byte* values)
      : dtype(type), size_class(block), data(values), size(elements), shape(Shape::piecewise(extents)) {}

  ReferenceCount references{1};
  std::uint32_t version = 0;  // of the storage; a view's is its root's
  TapePosition position;      // set by the tape that made it
  DType dtype;
  std::uint16_t size_class;
  std::uint16_t edits = 0;                    // of the storage that are open
  std::atomic<std::uint16_t> multiplied = 0;  // the low bits of 1 + the version that a product read last
  std::atomic<PackedCopies*> packed = nullptr;
  std::byte* data;
  Body* root = nullptr;  // the body whose storage a view shares; null for one with its own
  Index size;
  Shape shape;

  const Body& storage() const { return root ? *root : *this; }
  Body& storage() { return root ? *root : *this; }
};

// Whether the body's values are what that tape left there.
inline bool comes_from(const Body& body, std::uint64_t tape) {
  return body.position.tape == tape && body.position.version == body.storage().version;
}

// Whether the storage's values are those of that version: not written since, and not open to be written.
inline bool has_version(const Body& body, std::uint32_t version) {
  const Body& storage = body.storage();
  return storage.version == version && storage.edits == 0;
}
// An Edit of the storage begins (Error where they are too many to count), and ends: its version moves on.
void open_edit(Body& storage);
inline void close_edit(Body& storage) noexcept {
  ++storage.version;
  --storage.edits;
}

// A body with room for `shape` (values not set), or for the shape and type of another; or a view of `elements` of `of`
// from `offset` on; one reference.
Body* make_body(DType dtype, const Shape& shape);
Body* make_body_like(const Body& like);
Body* make_view(Body& of, Index offset, const Shape& shape);
void destroy(Body* body) noexcept;

inline void unreference(Body* body) noexcept {
  if (body->references.remove()) destroy(body);
}

// Other memory from the free lists, and back.
void* allocate_bytes(std::size_t bytes);
void free_bytes(void* block, std::size_t bytes) noexcept;

// Bytes that tensors hold from the system, in all threads and with the free lists; and those in this thread's lists.
std::size_t system_bytes_held();
std::size_t reusable_bytes();

// Whether this thread may still keep memory for reuse: not once its thread-local objects are gone, for nobody would
// free it. What has static lifetime is used until after that.
bool thread_keeps_memory();
// Frees whatever else this thread keeps for reuse. `free` is called by release_memory(), and as the thread ends. For
// objects that live as long as the program.
struct AtRelease {
  explicit AtRelease(void (*function)());

  void (*free)();
  AtRelease* next;
};

}  // namespace detail

// An allocator for containers: one that is made at every training step finds the memory of the step before.
template <class T>
struct Reused {
  using value_type = T;

  Reused() = default;
  template <class Other>
  Reused(const Reused<Other>&) {}  // NOLINT(google-explicit-constructor): as allocators are

  T* allocate(std::size_t n) {
    if (n > (std::size_t{1} << 47) / sizeof(T)) throw std::bad_array_new_length();
    return static_cast<T*>(detail::allocate_bytes(n * sizeof(T)));
  }
  void deallocate(T* block, std::size_t n) noexcept { detail::free_bytes(block, n * sizeof(T)); }

  friend bool operator==(const Reused&, const Reused&) { return true; }
};

}  // namespace ebb
