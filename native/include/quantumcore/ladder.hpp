#pragma once

#include <bit>

#include "quantumcore/arena.hpp"

namespace quantumcore {

/// A ladder sorts the levels of one side by key, the smallest first. Asks use their ticks as keys,
/// bids the complement: so "best" is the smallest key on both sides, and one code serves both.
/// No branch: the side of an order cannot be guessed.
inline constexpr i64 key_of(bool sell, i64 ticks) { return ticks ^ (static_cast<i64>(sell) - 1); }
inline constexpr i64 ticks_of(bool sell, i64 key) { return key_of(sell, key); }

inline constexpr i64 kNoKey = kMaxI64;
inline constexpr u32 kWindowBits = 18;        // 64 × 64 × 64 ticks
inline constexpr u32 kWindowsPerSide = 1024;  // CAPACITY beyond it

/// One price: its queue and the sum of its leaves.
struct Level {
  u32 head;
  u32 tail;
  i64 lots;
};
static_assert(sizeof(Level) == 16);

/// 64 neighbouring prices; a set bit is a level with orders.
struct alignas(64) Leaf {
  u64 bits;
  i64 base_key;
  u32 window;
  u32 position;  // in the window, 0..4095
  u32 next_free;
  u32 reserved[9];
  Level levels[64];
};
static_assert(sizeof(Leaf) == 64 + 64 * 16);

/// 262,144 neighbouring prices as three storeys of 64; a set bit is something non-empty below.
struct Window {
  u64 top;
  u64 middle[64];
  i64 number;  // key >> kWindowBits
  u32 next_free;
  u32 reserved;
  u32 leaf_plus_1[4096];  // 0: none, so that fresh pages are an empty window
};

struct DirectoryEntry {
  i64 number;
  u32 window;
  u32 reserved;
};

/// The windows and leaves of all ladders, and for each ladder a stretch of directory.
struct LadderPages {
  LadderPages(u32 max_leaves, u32 max_windows, u32 max_ladders)
      : leaves(max_leaves),
        windows(max_windows),
        directory(std::size_t{max_ladders} * kWindowsPerSide) {}

  Arena<Leaf, &Leaf::next_free> leaves;
  Arena<Window, &Window::next_free> windows;
  Reserved<DirectoryEntry> directory;

  Level& level(u32 id) { return leaves[id >> 6].levels[id & 63]; }
  const Level& level(u32 id) const { return leaves[id >> 6].levels[id & 63]; }
  /// Starts loading a level and the head of its leaf; any number will do.
  void prefetch(u32 id) const {
    const u32 known = id >> 6 < leaves.used() ? id : 0;
    __builtin_prefetch(&leaves[known >> 6], 1);
    __builtin_prefetch(&level(known), 1);
  }
  i64 key_of_level(u32 id) const { return leaves[id >> 6].base_key + (id & 63); }
};

/// One side of one book. Levels are named by id = leaf × 64 + offset, stable while they have
/// orders.
///
/// Cost: best level O(1); making or dropping a level is a few bit operations, plus a binary search
/// over the side's windows when the price is not in the window used last. Empty ticks cost nothing.
class Ladder {
 public:
  Ladder() = default;
  explicit Ladder(u32 number) : directory_(number * kWindowsPerSide) {}

  i64 best_key() const { return best_key_; }
  u32 best_level() const { return best_level_; }
  bool empty() const { return best_level_ == kNone; }

  /// What stands at a key: its window and its level, each kNone if there is none.
  struct Place {
    u32 window;
    u32 level;
  };
  /// Always inline: with many callers the compiler would rather call it, at 50 instructions of each
  /// replacement.
  [[gnu::always_inline]] Place place(const LadderPages& pages, i64 key) const {
    const u32 window = window_of(pages, window_number(key));
    if (window == kNone) return {kNone, kNone};
    const u32 leaf_plus_1 = pages.windows[window].leaf_plus_1[leaf_position(key)];
    if (leaf_plus_1 == 0) return {window, kNone};
    const u32 offset = static_cast<u32>(key) & 63;
    const bool stands = (pages.leaves[leaf_plus_1 - 1].bits >> offset & 1) != 0;
    return {window, stands ? (leaf_plus_1 - 1) * 64 + offset : kNone};
  }
  /// Starts loading the level at a key and the head of its leaf. Returns the number that the level
  /// has if it stands, or kNone. Any key will do; a window that was not used last is not looked
  /// for.
  u32 prefetch(const LadderPages& pages, i64 key) const {
    if (hint_ >= window_count_ || entry(pages, hint_).number != window_number(key)) return kNone;
    const u32 leaf_plus_1 =
        pages.windows[entry(pages, hint_).window].leaf_plus_1[leaf_position(key)];
    if (leaf_plus_1 == 0) return kNone;
    const u32 level = (leaf_plus_1 - 1) * 64 + (static_cast<u32>(key) & 63);
    __builtin_prefetch(&pages.leaves[leaf_plus_1 - 1], 1);
    __builtin_prefetch(&pages.level(level), 1);
    return level;
  }
  /// Whether `make` would find room at a key of that place when `before` windows are made first, of
  /// them `beside` here.
  bool has_room(const LadderPages& pages, const Place& place, u32 beside = 0,
                u32 before = 0) const {
    return place.window != kNone ||
           (window_count_ + beside < kWindowsPerSide && pages.windows.left() > before);
  }
  /// The level at `key`, made if need be; `fresh` then is true, and the caller writes the level and
  /// puts an order there before anything else.
  u32 make(LadderPages& pages, i64 key, bool& fresh);
  /// Takes a level whose last order left out of the bitmaps; pages that became empty are freed.
  void drop(LadderPages& pages, u32 level);
  /// The level that follows `level` from best to worst, or kNone.
  u32 after(const LadderPages& pages, u32 level) const;

  u32 window_count() const { return window_count_; }
  /// Takes over its stretch of directory.
  void copy_directory(LadderPages& pages, const LadderPages& other) const {
    for (u32 i = 0; i < window_count_; ++i) {
      pages.directory[directory_ + i] = other.directory[directory_ + i];
    }
  }
  const DirectoryEntry& entry(const LadderPages& pages, u32 i) const {
    return pages.directory[directory_ + i];
  }

 private:
  static i64 window_number(i64 key) { return key >> kWindowBits; }
  static u32 leaf_position(i64 key) { return static_cast<u32>(key >> 6) & 4095; }

  [[gnu::always_inline]] u32 window_of(const LadderPages& pages, i64 number) const {
    if (hint_ < window_count_ && entry(pages, hint_).number == number) [[likely]] {
      return entry(pages, hint_).window;
    }
    return search_window(pages, number);
  }
  u32 search_window(const LadderPages& pages, i64 number) const;
  u32 lower_bound(const LadderPages& pages, i64 number) const;
  u32 open_window(LadderPages& pages, i64 number);
  void close_window(LadderPages& pages, u32 window);
  void find_best(const LadderPages& pages);

  u32 directory_ = 0;
  u32 window_count_ = 0;
  mutable u32 hint_ = 0;  // where the last window was found; only speed depends on it
  u32 best_level_ = kNone;
  i64 best_key_ = kNoKey;
};

}  // namespace quantumcore
