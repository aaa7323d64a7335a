#pragma once

#include "quantumcore/arena.hpp"
#include "quantumcore/layout.hpp"

namespace quantumcore {

/// What an order is beyond a plain one (docs/reference/orders.md): a row of its own, so that plain
/// orders pay nothing for it. Snapshots keep the row as it stands, but for `next_free`.
struct Extra {
  OrderTerms terms;  // ticks, lots, minor units; scales 0
  u32 session;
  u32 next_free;  // the arena's
  u16 flags;      // as submitted
  u8 type;
  u8 time_in_force;
  u32 link;  // row of Links; kNone: tied to nothing. Not in a snapshot: links tell it
};
static_assert(std::has_unique_object_representations_v<Extra>);

using Extras = Arena<Extra, &Extra::next_free>;

}  // namespace quantumcore
