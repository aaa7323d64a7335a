#pragma once

#include "quantumcore/commands.hpp"

/// Phases, auctions and bands (docs/reference/orders.md section 8). Nothing here is asked while an
/// instrument trades continuously without rules.
namespace quantumcore {

/// Why a status changed, why an order waits.
inline constexpr u8 kCauseAsked = 0;
inline constexpr u8 kCauseBand = 1;
inline constexpr u8 kCauseVelocity = 2;
inline constexpr u8 kCauseCallOver = 3;
inline constexpr u8 kNoReference = 1;
inline constexpr u8 kWaitsForAuction = 2;

inline bool is_call(u8 status) { return status >= kOpeningCall && status <= kClosingCall; }
/// Orders are taken and none trades: the book may cross.
inline bool gathers(u8 status) {
  return is_call(status) || status == kPreOpen || status == kPaused;
}
inline bool is_auction_time(u8 time_in_force) {
  return time_in_force == kAtOpen || time_in_force == kAtClose ||
         time_in_force == kGoodForAuction || time_in_force == kAtClosingCross;
}
/// Whether an order of an auction waits for another phase than `status`.
bool waits_in(u8 status, u8 time_in_force);
/// Whether what is left of an order may stand in the book in that phase: where nothing trades,
/// whatever comes. `rests`: it may in continuous trading.
bool may_rest_in(u8 status, u8 time_in_force, bool rests);
/// Whether a phase takes such an order.
bool phase_admits(u8 status, u8 time_in_force, u16 flags);

/// HALTED: may the phase, which is not continuous trading, take the order as if it were new.
bool judge_call_of(const State& state, const Instrument& instrument, u32 slot, Refusal& why);

/// The same in any phase.
inline bool judge_phase_of(const State& state, const Instrument& instrument, u32 slot,
                           Refusal& why) {
  if (instrument.terms.status == kContinuous) [[likely]] {
    return true;
  }
  return judge_call_of(state, instrument, slot, why);
}

/// As submitted; of an order without a row of its own, what its flags say.
u8 time_in_force_of(const State& state, u32 slot);

/// Takes an order that is final out of every list of its instrument.
void leave_calls(State& state, u32 slot);
/// Queues an order among its instrument's auction orders, in order of submission.
void link_call(State& state, u32 slot);
void link_cross(State& state, u32 slot);

/// Lets an order wait, or stand in the book unmatched, if its phase says so; false: it is to be
/// matched. `level` as for `work`.
bool seat(State& state, Instrument& instrument, u32 slot, u32 level, Teller& teller);
/// Queues what is left of an order in the book.
void rest(State& state, Instrument& instrument, u32 slot, u32 level);
/// Whether `lots` more may stand at a price: for orders that come to it later than they were
/// judged.
bool has_room(const State& state, const Instrument& instrument, bool sell, i64 price, i64 lots);
/// Whether a sell may trade all that is left of it at a price far above its own.
bool bears(const State& state, const Instrument& instrument, u32 slot, i64 price);

/// Ends one phase with what it owes, begins the other.
void change_phase(State& state, Instrument& instrument, u8 status, u8 cause, Teller& teller);
/// Sets the phase and tells it; auction orders take their seats.
void enter_phase(State& state, Instrument& instrument, u8 status, u8 cause, Teller& teller);
/// When the limit state or the call at hand ends by itself, UTC ns; only of an instrument in
/// State::due.
inline i64 ends_at(const RareBook& rare) {
  return rare.limit_side != 0 ? rare.limit_until : rare.call_until;
}
/// Ends the limit states and calls whose time has come, the longest overdue first.
void pass_time(State& state, Teller& teller);
/// Notes whether time will end something in an instrument. Cost: O(1).
void note_deadline(State& state, u32 instrument);

void let_wait(State& state, u32 slot, Teller& teller);
/// Lets an auction order stand in the call that is on if it is its own; false: nothing happened.
bool enter_own_call(State& state, u32 slot, Teller& teller);
/// Tells that an order waits, and for what.
void tell_waits(const State& state, u32 slot, u8 cause, Teller& teller);

/// Trades what crosses at the auction's price, then ends what was there for the auction only.
void uncross(State& state, Instrument& instrument, Teller& teller);
/// Tells where a call stands if that has changed. Cost: O(levels that cross).
void tell_indicative(State& state, Instrument& instrument, Teller& teller);

/// Visits the auction orders of an instrument that there are now, in order of submission, but not
/// those that end meanwhile. Uses State::ending.
template <class Visit>
void each_of_calls(State& state, const Instrument& instrument, const Visit& visit) {
  u32 count = 0;
  for (u32 slot = state.rare_of(instrument).first_call; slot != kNone;
       slot = state.extra_of(slot).next_call) {
    state.ending[count++] = slot;
  }
  for (u32 i = 0; i < count; ++i) {
    if ((state.orders.node(state.ending[i]).flags & kOrderLive) != 0) visit(state.ending[i]);
  }
}

/// Tries an order of the closing cross if this is its phase.
void join_cross(State& state, Instrument& instrument, u32 slot, Teller& teller);
/// Tries an order at the closing price: with what is shown there, then with the orders of the
/// cross.
void try_cross(State& state, Instrument& instrument, u32 slot, Teller& teller);
void begin_cross(State& state, Instrument& instrument, Teller& teller);
void end_cross(State& state, Instrument& instrument, Teller& teller);
void leave_cross(State& state, u32 slot);
/// Lets the last price be the static reference.
void take_closing_price(State& state, Instrument& instrument, Teller& teller);

/// PRICE_BAND and COLLAR; only for instruments with rules.
bool judge_bands(const State& state, const Instrument& instrument, bool sell, i64 price,
                 Refusal& why);
/// Remembers, before a trade, what the last one before this command was.
void note_trade(State& state, const Instrument& instrument, const Teller& teller);
/// Whether a trade at `price` is inside the dynamic band.
bool band_allows(const State& state, const Instrument& instrument, i64 price, u64 sequence);
/// Keeps a taker from a trade outside the band; true: it is dealt with and matches no further.
bool band_stops(State& state, Instrument& instrument, u32 taker, i64 price, Teller& teller);
/// Looks at the trade that a taker has just made; true: it was too fast, and a call has begun.
bool velocity_trips(State& state, Instrument& instrument, u32 taker, i64 price, Teller& teller);
/// Where there are limit states nothing rests beyond the edge of its side; true: `slot` is dealt
/// with.
bool stands_at_edge(State& state, Instrument& instrument, u32 slot, Teller& teller);
/// Ends a limit state whose edge is no longer the best price; whether it did.
bool lift_limit_state(State& state, Instrument& instrument, Teller& teller);
void end_limit_state(State& state, Instrument& instrument, Teller& teller);

/// Trades what both have left of each other at `price`; a maker that is filled is final, the taker
/// is the caller's.
void trade(State& state, Instrument& instrument, u32 maker, u32 taker, i64 price, Teller& teller);
/// Two orders of one account meet. Returns false when the taker is gone.
bool prevent_self_trade(State& state, u32 maker, u32 taker, Teller& teller);

}  // namespace quantumcore
