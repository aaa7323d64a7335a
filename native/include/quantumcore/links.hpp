#pragma once

#include "quantumcore/arena.hpp"

namespace quantumcore {

inline constexpr u8 kOco = 1;
inline constexpr u8 kOto = 2;
inline constexpr u8 kBracket = 3;

/// What ties orders of one account and instrument together (docs/reference/orders.md section 7). An
/// order that it has let go does not point here any more.
struct Link {
  u64 sequence;    // of the act that tied them
  i64 lots;        // what the parent had filled when it was done; exits are not larger
  u32 parent;      // slot; kNone: there is none, or it is done
  u32 members[2];  // slots; the first of a pair that shares holds for both; while they wait, whom
                   // it frees
  u32 instrument;  // slot
  u32 eldest;      // slot of the first member, so that (sequence, eldest) is its age
  u32 next_free;   // the arena's
  i128 over_lots;  // what the sums of what works leave out, because only one of a pair can trade
  i64 over_worth;  // the same of gross notional
  u8 kind;
  u8 waits;  // the members wait for their parent: in no book, holding nothing
  u8 due;    // in Links::due
  u8 reserved[5];
};

/// Exits that buy may trade in turn, at two prices and with two fees: each holds for itself alone.
inline bool holds_apart(const Link& link, bool sell) { return link.kind == kBracket && !sell; }

/// Who ends when one of a link does.
struct Parted {
  u32 slots[2] = {kNone, kNone};
};

/// All links, and those whose parent is done: a heap, the oldest of the lowest instrument first.
struct Links {
  explicit Links(u32 capacity) : rows(capacity), due(capacity) {}

  Arena<Link, &Link::next_free> rows;
  Reserved<u32> due;
  u32 due_count = 0;
};

}  // namespace quantumcore
