#pragma once

#include "quantumcore/arena.hpp"
#include "quantumcore/layout.hpp"

namespace quantumcore {

/// What an order is beyond a plain one (docs/reference/orders.md): a row of its own, so that plain
/// orders pay nothing for it. Snapshots keep the row as it stands, but for the links: what names
/// another row or slot follows from what else they tell.
struct Extra {
  OrderTerms terms;  // ticks, lots, minor units; scales 0
  i64 reserve;       // of an iceberg: lots behind those shown, which are the node's leaves
  i64 cap;           // of a peg: the price that it never passes, ticks
  i64 extreme;       // the best watched price that a trailing stop has seen, ticks
  i64 fired_at;      // the watched price that fired its trigger, ticks; 0: it has not fired
  u64 crossed_at;    // the command with which it came to wait in the closing cross; 0: it does not
  u32 refills;       // how often it has shown lots again
  u32 slot;          // of the order
  u32 session;
  u32 next_free;   // the arena's
  u32 next_fired;  // in the queue of those whose trigger fired; kNone: the last, or not in it
  u32 prev_fired;
  u32 next_call;  // of its instrument's auction orders, by submission
  u32 prev_call;
  u32 next_cross;  // of those that wait in the closing cross on its side
  u32 prev_cross;
  u32 next_peg;  // of the pegs of its instrument
  u32 prev_peg;
  u32 link;   // row of Links; kNone: tied to nothing
  u16 flags;  // as submitted
  u8 type;
  u8 time_in_force;
  u8 in_calls;  // among its instrument's auction orders
  u8 reserved[7];
};
static_assert(std::has_unique_object_representations_v<Extra>);

using Extras = Arena<Extra, &Extra::next_free>;

}  // namespace quantumcore
