#pragma once

#include "quantumcore/arena.hpp"
#include "quantumcore/layout.hpp"

namespace quantumcore {

/// What an order is beyond a plain one (docs/reference/orders.md): a row of its own, so that plain
/// orders pay nothing for it. Snapshots keep the row as it stands, but for the links.
struct Extra {
  OrderTerms terms;  // ticks, lots, minor units; scales 0
  i64 reserve;       // of an iceberg: lots behind those shown, which are the node's leaves
  i64 cap;           // of a peg: the price that it never passes, ticks
  u32 refills;       // how often it has shown lots again
  u32 session;
  u32 next_peg;  // slots of the neighbours among the pegs of its instrument; kNone: none
  u32 prev_peg;
  u32 next_free;  // the arena's
  u16 flags;      // as submitted
  u8 type;
  u8 time_in_force;
};
static_assert(std::has_unique_object_representations_v<Extra>);

using Extras = Arena<Extra, &Extra::next_free>;

}  // namespace quantumcore
