#pragma once

#include "quantumcore/events.hpp"
#include "quantumcore/refusal.hpp"
#include "quantumcore/state.hpp"

/// Money that clients set aside (docs/reference/engine.md section 12).
namespace quantumcore {

/// HOLD_CLOSED, HOLD_EXCEEDED: of what is open when `already` is taken, `amount` cannot be.
bool judge_taken(const State& state, u32 row, i128 already, i64 amount, Refusal& why);
/// Takes what was judged out of a hold: the leg that captures it has taken it from the balance.
void capture_hold(State& state, u32 row, i64 amount, Teller& teller);
/// Releases what is left of the holds that are over by now. Cost: O(log n) each.
void end_holds(State& state, Teller& teller);
/// Releases what is left of all holds of a currency, in the order in which they were placed.
void end_holds_of(State& state, u16 currency, Teller& teller);

}  // namespace quantumcore
