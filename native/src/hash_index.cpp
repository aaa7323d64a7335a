#include "quantumcore/hash_index.hpp"

#include "quantumcore/errors.hpp"
#include "quantumcore/memory.hpp"

namespace quantumcore {

HashIndex::HashIndex(u32 initial_log2) : mask_((1U << initial_log2) - 1) {
  cells_ = reinterpret_cast<Cell*>(map_filled(bytes()));
}

HashIndex::~HashIndex() { unmap_pages(reinterpret_cast<std::byte*>(cells_), bytes()); }

void HashIndex::place(u32 tag, u32 slot) {
  u32 i = tag & mask_;
  while (cells_[i].slot_plus_1 != 0) i = (i + 1) & mask_;
  cells_[i] = Cell{tag, slot + 1};
}

void HashIndex::reserve(u64 count) {
  u64 cells = u64{mask_} + 1;
  while (count * 2 > cells) cells *= 2;
  if (cells > u64{mask_} + 1) grow(cells);
}

void HashIndex::insert(u32 tag, u32 slot) {
  if ((count_ + 1) * 2 > u64{mask_} + 1) grow(u64{mask_} * 2 + 2);
  place(tag, slot);
  ++count_;
}

void HashIndex::erase(u32 tag, u32 slot) {
  u32 hole = tag & mask_;
  while (cells_[hole].slot_plus_1 != slot + 1) {
    QC_ASSERT(cells_[hole].slot_plus_1 != 0);
    hole = (hole + 1) & mask_;
  }
  // Whatever follows in the run moves back over the hole unless that would take it before its home.
  for (u32 i = (hole + 1) & mask_; cells_[i].slot_plus_1 != 0; i = (i + 1) & mask_) {
    const u32 home = cells_[i].tag & mask_;
    if (((i - home) & mask_) >= ((i - hole) & mask_)) {
      cells_[hole] = cells_[i];
      hole = i;
    }
  }
  cells_[hole] = Cell{0, 0};
  --count_;
}

void HashIndex::grow(u64 cells) {
  Cell* const old = cells_;
  const u64 old_bytes = bytes();
  const u32 old_mask = mask_;
  QC_ASSERT(cells <= u64{1} << 32);
  mask_ = static_cast<u32>(cells - 1);
  cells_ = reinterpret_cast<Cell*>(map_filled(bytes()));
  for (u64 i = 0; i <= old_mask; ++i) {
    if (old[i].slot_plus_1 != 0) place(old[i].tag, old[i].slot_plus_1 - 1);
  }
  unmap_pages(reinterpret_cast<std::byte*>(old), old_bytes);
}

}  // namespace quantumcore
