#pragma once

#include "quantumcore/arena.hpp"
#include "quantumcore/client_ids.hpp"
#include "quantumcore/hash_index.hpp"
#include "quantumcore/heap.hpp"
#include "quantumcore/layout.hpp"

namespace quantumcore {

/// One hold that a client placed, or an id that failed; for ever. Minor units.
struct Hold {
  u64 sequence;    // of the command that placed it: its name
  i64 amount;      // as it was asked for first
  i64 expires_ns;  // 0: never
  i64 placed;      // in all, after amendments
  i64 captured;
  i64 released;
  u32 account;  // slot
  u32 next_free;
  u16 currency;  // slot
  u8 failed;
  u8 reserved;
  char hold_id[kIdBytes];

  i64 open() const { return placed - captured - released; }
  bool ends() const { return expires_ns != 0 && open() != 0; }
};
static_assert(sizeof(Hold) == 96);

/// All holds that were ever placed, in order, and of those that end by the clock which is next.
class HoldIds {
 public:
  explicit HoldIds(u32 max_holds) : entries_(max_holds), ends_(max_holds) {}

  u32 find(u32 account, const char (&id)[kIdBytes]) const {
    return by_id_.find(id_tag(account, id), [&](u32 s) {
      return entries_[s].account == account && std::memcmp(entries_[s].hold_id, id, kIdBytes) == 0;
    });
  }
  /// The hold that a command placed, or kNone. Cost: O(log n): they lie in that order.
  u32 find_placed(u64 sequence) const;
  bool full() const { return entries_.left() == 0; }
  /// Remembers a hold, and when it ends. Returns its row.
  u32 remember(const Hold& entry);
  /// Moves what was placed, captured and released of a hold. Cost: O(log n) when it closes.
  void change(u32 row, i64 placed, i64 captured, i64 released);

  const Hold& operator[](u32 row) const { return entries_[row]; }
  u32 count() const { return entries_.used(); }
  u32 capacity() const { return entries_.capacity(); }
  /// The row of the open hold that ends first, or kNone.
  u32 next_end() const { return next_end_; }
  const HeapTable& ends() const { return ends_; }
  std::size_t bytes() const { return entries_.bytes() + by_id_.bytes(); }
  /// Takes over the holds, not the ways to find one.
  void copy_entries(const HoldIds& other) { entries_.copy(other.entries_); }
  void fill(u32 holds) { entries_.fill(holds); }
  /// Takes the memory of so many now.
  void reserve(u32 holds) {
    fill(holds);
    by_id_.reserve(holds);
  }

 private:
  Arena<Hold, &Hold::next_free> entries_;
  HashIndex by_id_;
  HeapTable ends_;
  u32 next_end_ = kNone;
};

}  // namespace quantumcore
