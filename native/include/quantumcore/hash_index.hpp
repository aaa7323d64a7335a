#pragma once

#include "quantumcore/memory.hpp"

namespace quantumcore {

/// Open-addressing index from a 32-bit tag (a hash) to a slot of an arena.
///
/// A tag only narrows the search: `find` asks `same(slot)` for a full comparison, so two keys with
/// equal hash stay apart. Deletion shifts back, so there are no tombstones and old tables do not
/// slow down. Nothing ever iterates over it: the order of cells must not reach an event. Cost: one
/// cache line as a rule; at most half full. Doubling re-places all cells, streaming.
class HashIndex {
 public:
  explicit HashIndex(u32 initial_log2 = 10);
  ~HashIndex();
  HashIndex(const HashIndex&) = delete;
  HashIndex& operator=(const HashIndex&) = delete;

  template <class Same>
  u32 find(u32 tag, Same&& same) const {
    for (u32 i = tag & mask_;; i = (i + 1) & mask_) {
      const Cell& cell = cells_[i];
      if (cell.slot_plus_1 == 0) return kNone;
      if (cell.tag == tag && same(cell.slot_plus_1 - 1)) return cell.slot_plus_1 - 1;
    }
  }

  void prefetch(u32 tag) const { __builtin_prefetch(&cells_[tag & mask_], 1); }
  void insert(u32 tag, u32 slot);
  /// Grows now to where `count` cells need no further growth.
  void reserve(u64 count);
  void erase(u32 tag, u32 slot);
  u64 size() const { return count_; }
  u64 bytes() const { return (u64{mask_} + 1) * sizeof(Cell); }

 private:
  struct Cell {
    u32 tag;
    u32 slot_plus_1;  // 0: empty, so that fresh pages are an empty table
  };

  void grow(u64 cells);
  void place(u32 tag, u32 slot);

  u32 mask_;
  u64 count_ = 0;
  Cell* cells_;
};

/// A way from a small number to a slot, for the ids that venues really give: one load instead of a
/// hash, a probe and a comparison. Numbers beyond it are the index's.
class SmallIds {
 public:
  static constexpr u32 kCount = u32{1} << 20;

  SmallIds() : slot_plus_1_(kCount) {}
  static bool holds(u32 id) { return id < kCount; }
  /// The slot of a number that it holds, or kNone.
  u32 find(u32 id) const { return slot_plus_1_[id] - 1; }
  void insert(u32 id, u32 slot) { slot_plus_1_[id] = slot + 1; }

 private:
  Reserved<u32> slot_plus_1_;
};
static_assert(kNone == u32{0} - 1);

/// A tag from one number; the multiplication spreads neighbouring ids over the table.
inline u32 tag_of(u64 v) {
  v *= 0x9E3779B97F4A7C15;
  return static_cast<u32>(v >> 32);
}

}  // namespace quantumcore
