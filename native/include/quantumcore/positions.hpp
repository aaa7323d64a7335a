#pragma once

#include "quantumcore/arena.hpp"
#include "quantumcore/hash_index.hpp"
#include "quantumcore/wide.hpp"

namespace quantumcore {

/// What an account has bought of an instrument less what it has sold, in lots: of fills alone; what
/// it could come to, and how much it may (docs/reference/engine.md section 14).
struct alignas(64) Position {
  // What every order and every fill writes.
  i128 lots;
  i128 worst[2];    // with all that works to buy; with all that works to sell, as lots below zero
  u32 account;      // slot
  u32 instrument;   // slot
  u32 open_orders;  // working orders in it
  u32 group;        // row of GroupPositions; kNone: the account is of no group
  // The tightest limits, as of `version`, which is that of State::limits_version.
  u64 version;
  i64 order_lots;
  i64 order_notional;  // minor units of the quote
  i64 most[2];         // of the position at its worst: long, short
  u32 most_open;
  u32 beyond;        // kBeyond*: limits that are not only its own
  u32 base_balance;  // rows; kNone: not known here yet
  u32 quote_balance;
  u32 next;      // of the same account, or the arena's free list
  u32 reducing;  // working reduce-only orders of the account in the instrument

  /// Lots that work on a side.
  i128 working(bool sell) const { return sell ? worst[1] + lots : worst[0] - lots; }
};
static_assert(sizeof(Position) == 128);

inline constexpr u32 kBeyondGroup = 1;   // of a group
inline constexpr u32 kBeyondWorth = 2;   // of gross notional
inline constexpr u32 kBeyondCredit = 4;  // of a firm's line
inline constexpr u32 kBeyondMargin = 8;  // of margin and risk, in the quote currency
inline constexpr u32 kBeyondShare = 16;  // of what the instrument's market is

/// One row for each account and instrument that have ever had an order, or a position; never
/// removed.
class Positions {
 public:
  explicit Positions(u32 capacity) : rows_(capacity) {}

  /// `first` is the head of the account's list. Most accounts trade one instrument, or one at a
  /// time: no search for those.
  [[gnu::always_inline]] u32 find(u32 account, u32 instrument, u32 first) const {
    if (first != kNone && rows_[first].instrument == instrument) [[likely]] {
      return first;
    }
    return find(account, instrument);
  }
  [[gnu::noinline]] u32 find(u32 account, u32 instrument) const {
    return by_place_.find(tag(account, instrument), [&](u32 row) {
      return rows_[row].account == account && rows_[row].instrument == instrument;
    });
  }
  /// A new row like `blank`, which says whose it is; it becomes the head of the account's list.
  u32 add(const Position& blank, u32& first) {
    const u32 row = rows_.acquire();
    rows_[row] = blank;
    rows_[row].next = first;
    first = row;
    by_place_.insert(tag(blank.account, blank.instrument), row);
    return row;
  }

  Position& operator[](u32 row) { return rows_[row]; }
  const Position& operator[](u32 row) const { return rows_[row]; }
  u32 count() const { return rows_.used(); }
  u32 capacity() const { return rows_.capacity(); }
  std::size_t bytes() const { return rows_.bytes() + by_place_.bytes(); }
  /// Loads what orders write of a row, and what they are judged by; any number will do.
  void prefetch(u32 row) const {
    const Position& known = rows_[row < rows_.used() ? row : 0];
    __builtin_prefetch(&known, 1);
    __builtin_prefetch(&known.version);
  }
  void copy_rows(const Positions& other) { rows_.copy(other.rows_); }
  void fill(u32 rows) { rows_.fill(rows); }

 private:
  static u32 tag(u32 account, u32 instrument) {
    return tag_of(static_cast<u64>(account) << 32 | instrument);
  }

  Arena<Position, &Position::next> rows_;
  HashIndex by_place_;
};

/// What the accounts of a group have, and work, in an instrument together.
struct GroupPosition {
  i128 worst[2];  // sums of theirs
  u32 group;
  u32 instrument;  // slot
  u32 open_orders;
  u32 positions;  // rows that it sums; without one it is given back
  u32 next_free;  // the arena's
  u32 reserved[3];
};

class GroupPositions {
 public:
  explicit GroupPositions(u32 capacity) : rows_(capacity) {}

  /// The row, or kNone while nobody of the group has a position there.
  u32 find(u32 group, u32 instrument) const {
    return by_place_.find(tag(group, instrument), [&](u32 row) {
      return rows_[row].group == group && rows_[row].instrument == instrument;
    });
  }
  u32 make(u32 group, u32 instrument) {
    const u32 found = find(group, instrument);
    if (found != kNone) return found;
    const u32 row = rows_.acquire();
    rows_[row] = GroupPosition{};
    rows_[row].group = group;
    rows_[row].instrument = instrument;
    by_place_.insert(tag(group, instrument), row);
    return row;
  }
  void drop(u32 row) {
    by_place_.erase(tag(rows_[row].group, rows_[row].instrument), row);
    rows_.release(row);
  }
  u32 live() const { return rows_.live(); }

  GroupPosition& operator[](u32 row) { return rows_[row]; }
  const GroupPosition& operator[](u32 row) const { return rows_[row]; }

 private:
  static u32 tag(u32 group, u32 instrument) {
    return tag_of(static_cast<u64>(group) << 32 | instrument);
  }

  Arena<GroupPosition, &GroupPosition::next_free> rows_;
  HashIndex by_place_;
};

/// A reduce-only order and what it may keep.
struct Kept {
  u32 slot;
  u32 reserved;
  i64 lots;
};

}  // namespace quantumcore
