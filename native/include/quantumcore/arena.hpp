#pragma once

#include "quantumcore/errors.hpp"
#include "quantumcore/memory.hpp"

namespace quantumcore {

/// Slots of T with addresses that never change; 32-bit indices are the links.
///
/// New slots ascend from 0; freed ones are reused last freed first, linked through the member
/// `Next`. Cost: O(1) each, no allocation. The index of a slot says nothing about its generation:
/// who keeps an index for long must compare a sequence too.
template <class T, u32 T::* Next>
class Arena {
 public:
  explicit Arena(u32 capacity) : items_(capacity) {}

  [[gnu::always_inline]] u32 acquire() {
    if (free_ != kNone) {
      const u32 slot = free_;
      free_ = items_[slot].*Next;
      --free_count_;
      return slot;
    }
    QC_ASSERT(used_ < items_.capacity());
    return used_++;
  }

  void release(u32 slot) {
    QC_ASSERT(slot < used_);
    items_[slot].*Next = free_;
    free_ = slot;
    ++free_count_;
  }

  T& operator[](u32 slot) { return items_[slot]; }
  const T& operator[](u32 slot) const { return items_[slot]; }

  /// How many more can be acquired.
  u64 left() const { return items_.capacity() - used_ + free_count_; }
  u32 used() const { return used_; }
  u32 live() const { return used_ - free_count_; }
  u32 free_count() const { return free_count_; }
  u32 first_free() const { return free_; }
  u32 next_free(u32 slot) const { return items_[slot].*Next; }
  u32 capacity() const { return static_cast<u32>(items_.capacity()); }
  std::size_t bytes() const { return std::size_t{used_} * sizeof(T); }
  /// Makes this one hold what `other` holds, slot for slot. Cost: one copy of what is used.
  void copy(const Arena& other) {
    QC_ASSERT(items_.capacity() == other.items_.capacity());
    items_.copy(other.items_, other.used_);
    used_ = other.used_;
    free_ = other.free_;
    free_count_ = other.free_count_;
  }
  /// Takes the memory of the first `slots` slots now.
  void fill(u32 slots) { items_.fill(slots); }

  /// Makes `used` slots exist, none of them free: for restoring, which then frees in its own order.
  void extend_to(u32 used) {
    QC_ASSERT(used_ == 0 && used <= items_.capacity());
    used_ = used;
  }

 private:
  Reserved<T> items_;
  u32 used_ = 0;
  u32 free_ = kNone;
  u32 free_count_ = 0;
};

}  // namespace quantumcore
