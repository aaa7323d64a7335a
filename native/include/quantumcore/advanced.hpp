#pragma once

#include "quantumcore/events.hpp"
#include "quantumcore/gate.hpp"
#include "quantumcore/refusal.hpp"
#include "quantumcore/state.hpp"
#include "quantumcore/triggers.hpp"

/// Orders that are not plain: judging what they are beyond a plain one.
namespace quantumcore {

/// What judging an order that is not plain found out: its row to be, and its kOrder* flags.
struct Beyond {
  Extra extra;
  u32 flags;
};

/// Whether a submission without further terms needs nothing beyond a plain order.
inline bool is_plain(const SubmitOrder& c) {
  return c.type - 1U <= 1U && (c.flags & ~kPostOnly) == 0 &&
         (c.time_in_force == kGoodTillCancel || c.time_in_force == kImmediateOrCancel ||
          c.time_in_force == kFillOrKill);
}
/// Whether these are no further terms: a submission with them means what one without means.
inline bool is_empty(const OrderTerms& terms) {
  static constexpr OrderTerms kNone{};
  return std::memcmp(&terms, &kNone, sizeof terms) == 0;
}
/// Whether orders of a type name no price.
inline bool is_unpriced(u8 type) {
  return type == kMarket || type == kMarketToLimit || is_priced_by_stop(type);
}
/// Whether orders of a type never rest, also when they have become active.
inline bool never_rests(u8 type) {
  return type == kMarket || type == kStop || type == kTrailingStop || type == kMarketIfTouched;
}
/// Whether an order of that time in force may rest, or wait, in continuous trading.
inline bool lasts(u8 time_in_force) {
  return time_in_force == kGoodTillCancel || time_in_force == kDay ||
         time_in_force == kGoodTillDate || time_in_force == kGoodTillTime;
}
inline bool may_rest(u8 type, u8 time_in_force) {
  return !never_rests(type) && lasts(time_in_force);
}

/// The row of an order without further terms.
Extra row_of(const SubmitOrder& c);
/// BAD_TYPE, BAD_TIF, and the reason of each further term that is bad or of no use; `terms` may be
/// null.
bool judge_beyond(const State& state, const Instrument& instrument, const SubmitOrder& c,
                  const OrderTerms* terms, i64 lots, Beyond& beyond, Refusal& why);
/// The price of a type that comes without one, or of an order that slides; a trailing stop gets its
/// first stop.
bool judge_price_beyond(const State& state, const Instrument& instrument, const SubmitOrder& c,
                        Beyond& beyond, Wish& wish, Refusal& why);
/// The stop as a price in ticks, or BAD_STOP.
bool judge_stop(const Instrument& instrument, i64 mantissa, u8 scale, i64& ticks, Refusal& why);
/// The display in lots, below `quantity`, or BAD_DISPLAY.
bool judge_display(const Grid& lots, i64 mantissa, u8 scale, i64 quantity, i64& display,
                   Refusal& why);
/// BAD_DISPLAY: a refill must show something, and one taker must not set off too many of them.
bool judge_refills(const Grid& lots, i64 display, i128 range, i64 quantity, Refusal& why);
/// Where an order that crosses and slides would stand, ticks.
i64 slid(const Instrument& instrument, bool sell, i64 price);

/// Where an order would stand: lots that are there, whether it opens a window, and whether one is
/// left for it when `before` others are opened first, of them `beside` on its side of its book.
struct Standing {
  i64 there;
  bool opens;
  bool room;
};
Standing standing_at(const State& state, const Instrument& instrument, bool dark, bool sell,
                     i64 price, u32 beside = 0, u32 before = 0);

/// Whether an order that becomes active stays within what an order and, if it `rests` at once, its
/// level and the windows may be; finds what it needs to hold.
bool judge_active(const State& state, u32 slot, bool rests, i64& need);

}  // namespace quantumcore
