#pragma once

#include "quantumcore/fees.hpp"
#include "quantumcore/refusal.hpp"
#include "quantumcore/state.hpp"

/// Judgement: every check says no in `why` and returns false, or returns true; none changes
/// anything.
namespace quantumcore {

/// An order as the gate sees it, from a submission or a replacement.
struct Wish {
  bool sell;
  bool market;
  bool may_rest;
  bool post_only;
  i64 price;  // ticks; of a market order the collar
  i64 lots;   // what is to work: quantity, or the new leaves
  i64 hold;   // minor units of the hold's currency; set by judge_amounts
};

/// Whether `id` is 1..36 of A-Za-z0-9_- and then zeros.
bool is_id(const char (&id)[kIdBytes]);
inline bool is_zero_id(const char (&id)[kIdBytes]) {
  const IdWords w = words_of(id);
  return (w.a | w.b | w.c | w.d | w.e) == 0;
}

bool judge_switches(const State& state, const Account& account, Refusal& why);
bool judge_trading(const Instrument& instrument, Refusal& why);

/// BAD_TICK, BAD_LOT, BAD_QTY, BAD_PRICE of what is given; null: not given.
bool judge_shape(const Instrument& instrument, const Decimal* price, const Decimal* quantity,
                 bool market, i64& ticks, i64& lots, Refusal& why);

bool judge_max_quantity(const Instrument& instrument, i64 lots, Refusal& why);

/// Turns a market order into a limit order at its collar, or STALE_REF.
bool judge_reference(const Instrument& instrument, bool sell, i64& price, Refusal& why);

/// AMOUNT_OVERFLOW, MAX_NOTIONAL, MIN_NOTIONAL; sets wish.hold. `order` brings the sums so far.
bool judge_amounts(const State& state, const Instrument& instrument, const OrderRecord& order,
                   Wish& wish, Refusal& why);

/// NO_FUNDS: `increase` of the hold against `available`, and the one-lot rule of a sell.
bool judge_funds(const State& state, const Instrument& instrument, const OrderRecord& order,
                 const Wish& wish, i64 increase, i64 available, Refusal& why);

bool judge_post_only(const Instrument& instrument, const Wish& wish, Refusal& why);

/// QTY_OVERFLOW: `more` lots join a level of `there`.
bool judge_level(const Instrument& instrument, i64 there, i64 more, Refusal& why);

/// A number of ticks or lots in the units of the outside world.
inline i128 on_grid(i64 count, const Grid& grid) { return static_cast<i128>(count) * grid.step; }

}  // namespace quantumcore
