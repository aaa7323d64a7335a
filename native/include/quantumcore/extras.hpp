#pragma once

#include "quantumcore/arena.hpp"
#include "quantumcore/layout.hpp"

namespace quantumcore {

/// What an order is beyond a plain one (docs/reference/orders.md): a row of its own, so that plain
/// orders pay nothing for it. Snapshots keep the row as it stands, but for `next_free` and
/// the links of the queue.
struct Extra {
  OrderTerms terms;  // ticks, lots, minor units; scales 0
  i64 extreme;       // the best watched price that a trailing stop has seen, ticks
  i64 fired_at;      // the watched price that fired its trigger, ticks; 0: it has not fired
  u32 slot;          // of the order
  u32 session;
  u32 next_free;   // the arena's
  u32 next_fired;  // in the queue of those whose trigger fired; kNone: the last, or not in it
  u32 prev_fired;
  u16 flags;  // as submitted
  u8 type;
  u8 time_in_force;
  u32 link;  // row of Links; kNone: tied to nothing. Not in a snapshot: links tell it
  u32 reserved;
};
static_assert(std::has_unique_object_representations_v<Extra>);

using Extras = Arena<Extra, &Extra::next_free>;

}  // namespace quantumcore
