#pragma once

#include "quantumcore/arena.hpp"
#include "quantumcore/hash_index.hpp"
#include "quantumcore/wide.hpp"

namespace quantumcore {

/// What an account has bought of an instrument less what it has sold, in lots: of fills alone.
struct Position {
  i128 lots;
  u32 account;     // slot
  u32 instrument;  // slot
  u32 next;        // of the same account, or the arena's free list
  u32 reducing;    // working reduce-only orders of the account in the instrument
};
static_assert(sizeof(Position) == 32);

/// One row for each account and instrument that have ever traded. Looked up at fills and for
/// reduce-only orders; never removed.
class Positions {
 public:
  explicit Positions(u32 capacity) : rows_(capacity) {}

  u32 find(u32 account, u32 instrument) const {
    return by_place_.find(tag(account, instrument), [&](u32 row) {
      return rows_[row].account == account && rows_[row].instrument == instrument;
    });
  }
  /// The row of a position, made if need be; `first` is the head of the account's list.
  u32 make(u32 account, u32 instrument, u32& first) {
    // Most accounts trade one instrument, or one at a time: no search for those.
    if (first != kNone && rows_[first].instrument == instrument) [[likely]] {
      return first;
    }
    return make_elsewhere(account, instrument, first);
  }

  Position& operator[](u32 row) { return rows_[row]; }
  const Position& operator[](u32 row) const { return rows_[row]; }
  u32 count() const { return rows_.used(); }
  std::size_t bytes() const { return rows_.bytes() + by_place_.bytes(); }
  void copy_rows(const Positions& other) { rows_.copy(other.rows_); }
  void fill(u32 rows) { rows_.fill(rows); }

 private:
  [[gnu::noinline]] u32 make_elsewhere(u32 account, u32 instrument, u32& first) {
    const u32 found = find(account, instrument);
    if (found != kNone) return found;
    const u32 row = rows_.acquire();
    rows_[row] = Position{0, account, instrument, first, 0};
    first = row;
    by_place_.insert(tag(account, instrument), row);
    return row;
  }
  static u32 tag(u32 account, u32 instrument) {
    return tag_of(static_cast<u64>(account) << 32 | instrument);
  }

  Arena<Position, &Position::next> rows_;
  HashIndex by_place_;
};

/// A reduce-only order and what it may keep.
struct Kept {
  u32 slot;
  u32 reserved;
  i64 lots;
};

}  // namespace quantumcore
