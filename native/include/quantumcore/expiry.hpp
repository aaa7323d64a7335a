#pragma once

#include "quantumcore/events.hpp"
#include "quantumcore/state.hpp"

/// Orders that end by the clock (docs/reference/orders.md section 3).
namespace quantumcore {

/// Notes when the order of a row ends by itself, if it does. Cost: O(log n).
void note_end(State& state, u32 row);
/// Forgets it. Cost: O(log n).
void forget_end(State& state, u32 row);
/// Ends what is over by now: expired orders, then the orders of accounts not heard in time.
void end_what_is_due(State& state, Teller& teller);
/// Ends the day orders of an instrument that is closed or past its close.
void end_day(State& state, const Instrument& instrument, Teller& teller);
/// Sets, moves or (0) takes away the instant at which an account's orders go. Cost: O(log n).
void set_deadline(State& state, u32 account, i64 deadline_ns);

}  // namespace quantumcore
