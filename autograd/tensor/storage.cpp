#include "autograd/tensor/storage.h"

#include <array>
#include <bit>
#include <limits>
#include <new>
#include <utility>

#include "autograd/tensor/error.h"

namespace ebb::detail {

namespace {

// Blocks of 64 bytes to 1 KiB in steps of 64, then eight sizes to each doubling.
constexpr std::size_t step = 64;
constexpr int small_classes = 16;
constexpr int classes = small_classes + 8 * (50 - 10);

int class_of(std::size_t bytes) {
  if (bytes <= step * small_classes) return static_cast<int>((bytes - 1) / step);
  const int doubling = static_cast<int>(std::bit_width(bytes - 1)) - 1;
  const auto eighth = static_cast<int>(((bytes - 1) >> (doubling - 3)) & 7);
  return small_classes + (doubling - 10) * 8 + eighth;
}

std::size_t bytes_of_class(int c) {
  if (c < small_classes) return step * static_cast<std::size_t>(c + 1);
  const int doubling = 10 + (c - small_classes) / 8;
  return static_cast<std::size_t>(9 + (c - small_classes) % 8) << (doubling - 3);
}

struct FreeBlock {
  FreeBlock* next;
};

// One class's free blocks. It keeps at most as many as this thread has taken from the system, so that a thread that
// only frees what another allocates doesn't hoard.
struct FreeList {
  FreeBlock* first = nullptr;
  std::size_t kept = 0;
  std::size_t taken = 0;
};

struct Pool {
  std::array<FreeList, classes> lists{};
};

// Small, so that a library which is loaded late finds room for it among the thread's own.
constinit thread_local Pool* pool = nullptr;
constinit thread_local bool closed = false;  // the thread is ending: straight to the system from here on
constinit std::atomic<std::size_t> system_bytes = 0;
constinit AtRelease* at_release = nullptr;

void* system_allocate(int c) {
  const std::size_t bytes = bytes_of_class(c);
  void* block = ::operator new (bytes, std::align_val_t{alignof(Body)});
  system_bytes.fetch_add(bytes, std::memory_order_relaxed);
  return block;
}

[[gnu::noinline]] void system_free(void* block, int c) noexcept {
  system_bytes.fetch_sub(bytes_of_class(c), std::memory_order_relaxed);
  ::operator delete (block, std::align_val_t{alignof(Body)});
}

void drain() noexcept {
  if (!pool) return;
  for (int c = 0; c < classes; ++c) {
    FreeList& list = pool->lists[static_cast<std::size_t>(c)];
    while (FreeBlock* block = list.first) {
      list.first = block->next;
      system_free(block, c);
    }
    list = {};
  }
}

// Frees what its thread keeps. Apart from the pool, so that the way to that needs no guard.
struct AtThreadEnd {
  ~AtThreadEnd() {
    closed = true;
    release_memory();
    delete pool;
    pool = nullptr;
  }
  bool armed = false;
};
thread_local AtThreadEnd at_thread_end;

void* take_from_system(int c) {
  if (!thread_keeps_memory()) return system_allocate(c);
  if (!pool) pool = new Pool;
  void* block = system_allocate(c);
  ++pool->lists[static_cast<std::size_t>(c)].taken;
  return block;
}

void* allocate(int c) {
  if (!pool) return take_from_system(c);
  FreeList& list = pool->lists[static_cast<std::size_t>(c)];
  FreeBlock* block = list.first;
  if (!block) return take_from_system(c);
  list.first = block->next;
  --list.kept;
  // The next one is asked for now: on a tape longer than the cache it would be waited for.
  if (const auto* next = reinterpret_cast<const std::byte*>(list.first)) {
    __builtin_prefetch(next, 1);
    __builtin_prefetch(next + sizeof(Body) / 2, 1);
  }
  return block;
}

void release(void* block, int c) noexcept {
  if (!pool || pool->lists[static_cast<std::size_t>(c)].kept >= pool->lists[static_cast<std::size_t>(c)].taken) {
    system_free(block, c);
    return;
  }
  FreeList& list = pool->lists[static_cast<std::size_t>(c)];
  list.first = new (block) FreeBlock{list.first};
  ++list.kept;
}

}  // namespace

bool thread_keeps_memory() {
  if (!closed) at_thread_end.armed = true;
  return !closed;
}

Body* make_body(DType dtype, const Shape& shape) {
  const Index size = shape.size();
  const std::size_t bytes = bytes_of(dtype) * static_cast<std::size_t>(size);
  if (bytes > std::size_t{1} << 48) fail<ShapeError>("tensor", "{} {} would take {} bytes", name(dtype), shape, bytes);
  // Small values go into what the header leaves of its second cache line.
  constexpr std::size_t header = offsetof(Body, shape) + sizeof(Shape);
  const bool inside = bytes <= sizeof(Body) - header;
  const int c = class_of(sizeof(Body) + (inside ? 0 : bytes));
  void* block = allocate(c);
  std::byte* data = static_cast<std::byte*>(block) + (inside ? header : sizeof(Body));
  return new (block) Body(dtype, size, shape, static_cast<std::uint16_t>(c), data);
}

Body* make_body_like(const Body& like) {
  if (like.root) return make_body(like.dtype, like.shape);
  void* block = allocate(like.size_class);
  std::byte* data = static_cast<std::byte*>(block) + (like.data - reinterpret_cast<const std::byte*>(&like));
  return new (block) Body(like.dtype, like.size, like.shape, like.size_class, data);
}

Body* make_view(Body& of, Index offset, const Shape& shape) {
  const int c = class_of(sizeof(Body));
  std::byte* data = of.data + static_cast<std::size_t>(offset) * bytes_of(of.dtype);
  Body* body = new (allocate(c)) Body(of.dtype, shape.size(), shape, static_cast<std::uint16_t>(c), data);
  body->root = &of.storage();
  body->root->references.add();
  return body;
}

// Apart, so that for most there is nothing to prepare.
[[gnu::noinline]] static void destroy_with_parts(Body* body) noexcept {
  Body* root = body->root;
  if (PackedCopies* copies = body->packed.load(std::memory_order_acquire)) destroy(copies);
  release(body, body->size_class);
  if (root) unreference(root);  // a root has its own storage, so this goes no deeper
}

void destroy(Body* body) noexcept {
  if (body->root || body->packed.load(std::memory_order_acquire)) return destroy_with_parts(body);
  release(body, body->size_class);
}

void open_edit(Body& storage) {
  if (storage.edits == std::numeric_limits<decltype(storage.edits)>::max())
    fail("edit", "{} edits of this tensor are open, which is as many as are counted; end some", storage.edits);
  ++storage.edits;
}

void* allocate_bytes(std::size_t bytes) { return allocate(class_of(bytes)); }
void free_bytes(void* block, std::size_t bytes) noexcept { release(block, class_of(bytes)); }

std::size_t system_bytes_held() { return system_bytes.load(); }
std::size_t reusable_bytes() {
  std::size_t bytes = 0;
  if (!pool) return bytes;
  for (int c = 0; c < classes; ++c) bytes += pool->lists[static_cast<std::size_t>(c)].kept * bytes_of_class(c);
  return bytes;
}

AtRelease::AtRelease(void (*function)()) : free(function), next(std::exchange(at_release, this)) {}

}  // namespace ebb::detail

void ebb::release_memory() {
  for (const detail::AtRelease* at = detail::at_release; at; at = at->next) at->free();
  detail::drain();
}
