#include "quantumcore/ladder.hpp"

namespace quantumcore {

namespace {

u32 lowest(u64 bits) { return static_cast<u32>(std::countr_zero(bits)); }
/// The bits above `position`; none above 63.
u64 above(u64 bits, u32 position) {
  return position == 63 ? 0 : bits & (~u64{0} << (position + 1));
}

/// First non-empty leaf at or after the given bits of a window; the window is not empty.
u32 first_leaf(const Window& window) {
  const u32 middle = lowest(window.top);
  return middle * 64 + lowest(window.middle[middle]);
}

u32 first_level(const LadderPages& pages, const Window& window, u32 position) {
  const u32 leaf = window.leaf_plus_1[position] - 1;
  return leaf * 64 + lowest(pages.leaves[leaf].bits);
}

}  // namespace

u32 Ladder::lower_bound(const LadderPages& pages, i64 number) const {
  u32 low = 0;
  u32 high = window_count_;
  while (low < high) {
    const u32 middle = (low + high) / 2;
    if (entry(pages, middle).number < number) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

u32 Ladder::search_window(const LadderPages& pages, i64 number) const {
  const u32 i = lower_bound(pages, number);
  if (i == window_count_ || entry(pages, i).number != number) return kNone;
  hint_ = i;
  return entry(pages, i).window;
}

u32 Ladder::make(LadderPages& pages, i64 key, bool& fresh) {
  u32 window_slot = window_of(pages, window_number(key));
  if (window_slot == kNone) window_slot = open_window(pages, window_number(key));
  Window& window = pages.windows[window_slot];
  const u32 position = leaf_position(key);
  const u32 offset = static_cast<u32>(key) & 63;
  if (window.leaf_plus_1[position] == 0) {
    const u32 leaf = pages.leaves.acquire();
    Leaf& made = pages.leaves[leaf];
    made.bits = 0;
    made.base_key = key - offset;
    made.window = window_slot;
    made.position = position;
    window.leaf_plus_1[position] = leaf + 1;
    window.middle[position >> 6] |= u64{1} << (position & 63);
    window.top |= u64{1} << (position >> 6);
  }
  const u32 leaf = window.leaf_plus_1[position] - 1;
  const u32 level = leaf * 64 + offset;
  Leaf& page = pages.leaves[leaf];
  if ((page.bits >> offset & 1) == 0) {
    page.bits |= u64{1} << offset;
    fresh = true;
    if (best_level_ == kNone || key < best_key_) {
      best_key_ = key;
      best_level_ = level;
    }
  }
  return level;
}

void Ladder::drop(LadderPages& pages, u32 level) {
  Leaf& leaf = pages.leaves[level >> 6];
  QC_ASSERT((leaf.bits >> (level & 63) & 1) == 1);
  leaf.bits &= ~(u64{1} << (level & 63));
  if (leaf.bits == 0) {
    Window& window = pages.windows[leaf.window];
    const u32 window_slot = leaf.window;
    const u32 middle = leaf.position >> 6;
    window.leaf_plus_1[leaf.position] = 0;
    window.middle[middle] &= ~(u64{1} << (leaf.position & 63));
    pages.leaves.release(level >> 6);
    if (window.middle[middle] == 0) window.top &= ~(u64{1} << middle);
    if (window.top == 0) close_window(pages, window_slot);
  }
  if (level == best_level_) find_best(pages);
}

u32 Ladder::after(const LadderPages& pages, u32 level) const {
  const Leaf& leaf = pages.leaves[level >> 6];
  if (const u64 rest = above(leaf.bits, level & 63); rest != 0) {
    return (level & ~63U) + lowest(rest);
  }
  const Window& window = pages.windows[leaf.window];
  const u32 middle = leaf.position >> 6;
  if (const u64 rest = above(window.middle[middle], leaf.position & 63); rest != 0) {
    return first_level(pages, window, middle * 64 + lowest(rest));
  }
  if (const u64 rest = above(window.top, middle); rest != 0) {
    const u32 next = lowest(rest);
    return first_level(pages, window, next * 64 + lowest(window.middle[next]));
  }
  const u32 i = lower_bound(pages, window.number) + 1;
  if (i == window_count_) return kNone;
  const Window& next = pages.windows[entry(pages, i).window];
  return first_level(pages, next, first_leaf(next));
}

u32 Ladder::open_window(LadderPages& pages, i64 number) {
  QC_ASSERT(window_count_ < kWindowsPerSide);
  const u32 slot = pages.windows.acquire();
  pages.windows[slot].number = number;
  const u32 i = lower_bound(pages, number);
  for (u32 j = window_count_; j > i; --j) {
    pages.directory[directory_ + j] = pages.directory[directory_ + j - 1];
  }
  pages.directory[directory_ + i] = DirectoryEntry{number, slot, 0};
  ++window_count_;
  hint_ = i;
  return slot;
}

void Ladder::close_window(LadderPages& pages, u32 window) {
  const u32 i = lower_bound(pages, pages.windows[window].number);
  QC_ASSERT(i < window_count_ && entry(pages, i).window == window);
  for (u32 j = i + 1; j < window_count_; ++j) {
    pages.directory[directory_ + j - 1] = pages.directory[directory_ + j];
  }
  --window_count_;
  hint_ = 0;
  pages.windows.release(window);
}

void Ladder::find_best(const LadderPages& pages) {
  if (window_count_ == 0) {
    best_level_ = kNone;
    best_key_ = kNoKey;
    return;
  }
  const Window& window = pages.windows[entry(pages, 0).window];
  best_level_ = first_level(pages, window, first_leaf(window));
  best_key_ = pages.key_of_level(best_level_);
  __builtin_prefetch(&pages.level(best_level_), 1);  // whoever emptied the last one goes on here
}

}  // namespace quantumcore
