#pragma once

#include "quantumcore/commands.hpp"
#include "quantumcore/events.hpp"
#include "quantumcore/refusal.hpp"
#include "quantumcore/state.hpp"

/// Orders that are not plain: judging their terms, and the row that they have beyond the order.
namespace quantumcore {

/// Whether scales, enumerations and reserved bytes of further terms are in range.
bool terms_are_good(const OrderTerms& terms);

/// Whether a submission without further terms needs nothing beyond a plain order.
inline bool is_plain(const SubmitOrder& c) {
  const bool type = c.type == kMarket || c.type == kLimit;
  const bool time = c.time_in_force == kGoodTillCancel || c.time_in_force == kImmediateOrCancel ||
                    c.time_in_force == kFillOrKill;
  return type && time && (c.flags & ~kPostOnly) == 0;
}

/// Whether an order of a type and time in force may rest once it is active.
bool may_rest(u8 type, u8 time_in_force);

/// BAD_TYPE, BAD_TIF, then what is wrong with the terms as `sent`, which are measured into `terms`.
bool judge_advanced(const State& state, const Instrument& instrument, const SubmitOrder& c,
                    const OrderTerms& sent, OrderTerms& terms, Refusal& why);
/// The stop as a price in ticks, or BAD_STOP.
bool judge_stop(const Instrument& instrument, i64 mantissa, u8 scale, i64& ticks, Refusal& why);
/// The price that a type without one enters with; a trailing stop gets its first stop. STALE_REF.
bool judge_own_price(const State& state, const Instrument& instrument, const SubmitOrder& c,
                     OrderTerms& terms, i64& price, Refusal& why);
/// Whether an order that becomes active stays within what an order, its level and the windows may
/// be; finds its level. `enters`: it goes into the book, not on to wait for a price.
bool judge_active(const State& state, u32 slot, bool enters, u32& level);

/// What `replace` does to an order that is not plain, and by a command that is not: `more` is that
/// command, or null.
void replace_rarely(State& state, u32 slot, const ReplaceOrder& c, const ReplaceAdvancedOrder* more,
                    const Named& named, Teller& teller);

/// Gives the accepted order its row.
void add_extra(State& state, u32 slot, const SubmitOrder& c, const OrderTerms& terms);
/// Takes the row away, and the order out of everything that knows it by its row.
void drop_extra(State& state, u32 slot);
void tell_terms(State& state, u32 row, bool waits, Teller& teller);
/// Lets an accepted order that is not plain wait for its price, or take and rest.
void start_advanced(State& state, u32 slot, u32 level, Teller& teller);

}  // namespace quantumcore
