#pragma once

#include <utility>

#include "quantumcore/arena.hpp"

namespace quantumcore {

/// Where a row stands in a heap.
struct HeapLinks {
  u32 left;
  u32 right;
  u32 up;
  u32 rank;  // rows down to the nearest free place on the right; never more than on the left
};

/// A leftist heap of rows that live elsewhere: many heaps share one table of links, each is no more
/// than the number of its least row. Which of two equal rows is on top is not defined.
///
/// Cost: adding, taking any row out: O(log n); the least: O(1). Nothing is allocated.
class HeapTable {
 public:
  explicit HeapTable(std::size_t rows) : links_(rows) {}

  /// Adds `row` to the heap with the least row `top` (kNone: empty).
  template <class Less>
  void add(u32& top, u32 row, const Less& less) {
    links_[row] = HeapLinks{kNone, kNone, kNone, 1};
    top = merged(top, row, less);
  }

  /// Takes `row` out of the heap in which it is.
  template <class Less>
  void remove(u32& top, u32 row, const Less& less) {
    const u32 up = links_[row].up;
    const u32 below = merged(links_[row].left, links_[row].right, less);
    if (below != kNone) links_[below].up = up;
    if (up == kNone) {
      QC_ASSERT(top == row);
      top = below;
      return;
    }
    (links_[up].left == row ? links_[up].left : links_[up].right) = below;
    for (u32 at = up; at != kNone && lean_left(at); at = links_[at].up) {
    }
  }

  const HeapLinks& links(u32 row) const { return links_[row]; }

 private:
  u32 rank(u32 row) const { return row == kNone ? 0 : links_[row].rank; }

  /// Puts the deeper side on the left; returns whether the rank of `row` changed.
  bool lean_left(u32 row) {
    HeapLinks& links = links_[row];
    if (rank(links.left) < rank(links.right)) std::swap(links.left, links.right);
    const u32 before = links.rank;
    links.rank = rank(links.right) + 1;
    return links.rank != before;
  }

  /// Joins two heaps along their right sides, which are O(log n) long; returns the new top.
  template <class Less>
  u32 merged(u32 a, u32 b, const Less& less) {
    u32 top = kNone;
    u32 last = kNone;
    for (; a != kNone && b != kNone; a = links_[last].right) {
      if (less(b, a)) std::swap(a, b);
      hang(top, last, a);
      last = a;
    }
    hang(top, last, a != kNone ? a : b);
    for (; last != kNone; last = links_[last].up) lean_left(last);
    return top;
  }

  void hang(u32& top, u32 last, u32 row) {
    (last == kNone ? top : links_[last].right) = row;
    if (row != kNone) links_[row].up = last;
  }

  Reserved<HeapLinks> links_;
};

}  // namespace quantumcore
