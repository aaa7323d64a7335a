#pragma once

#include "quantumcore/heap.hpp"
#include "quantumcore/id_table.hpp"
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
  u32 reserved;
  u16 currency;  // slot
  u8 failed;
  u8 reserved2;
  char hold_id[kIdBytes];

  u32 owner() const { return account; }
  const char (&id() const)[kIdBytes] { return hold_id; }
  i64 open() const { return placed - captured - released; }
  bool ends() const { return expires_ns != 0 && open() != 0; }
};
static_assert(sizeof(Hold) == 96);

/// All holds that were ever placed, and of those that end by the clock which is next.
class HoldIds : public IdTable<Hold> {
 public:
  explicit HoldIds(u32 max_holds) : IdTable(max_holds), ends_(max_holds) {}

  /// The hold that a command placed, or kNone. Cost: O(log n): they lie in that order.
  u32 find_placed(u64 sequence) const;
  /// Remembers a hold, and when it ends. Returns its row.
  u32 remember(const Hold& entry);
  /// Moves what was placed, captured and released of a hold. Cost: O(log n) when it closes.
  void change(u32 row, i64 placed, i64 captured, i64 released);

  /// The row of the open hold that ends first, or kNone.
  u32 next_end() const { return next_end_; }
  const HeapTable& ends() const { return ends_; }

 private:
  HeapTable ends_;
  u32 next_end_ = kNone;
};

}  // namespace quantumcore
