#pragma once

#include <algorithm>

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
  i64 price;          // ticks; of a market order the collar
  i64 lots;           // what is to work: quantity, or the new leaves
  i64 hold;           // minor units of the hold's currency; set by judge_amounts
  u32 level;          // of its price, kNone when nothing rests there; set by judge_place
  bool lot_pays_fee;  // the one-lot rule is known to hold; set by judge_amounts
};

struct Judged;
struct Seat;

/// What an order is judged beside.
struct Beside {
  const Position& position;    // of its account in its instrument, with the limits of now
  u32 replaced = kNone;        // the order that it stands for
  const Seat* seat = nullptr;  // of one that comes with others: where it stands among them
  const Judged* judged = nullptr;
};

/// Whether `id` is 1..36 of A-Za-z0-9_- and then zeros.
bool is_id(const char (&id)[kIdBytes]);
inline bool is_zero_id(const char (&id)[kIdBytes]) {
  const IdWords w = words_of(id);
  return (w.a | w.b | w.c | w.d | w.e) == 0;
}

/// A number of ticks or lots in the units of the outside world.
inline i128 on_grid(i64 count, const Grid& grid) { return static_cast<i128>(count) * grid.step; }

/// The same of lots of any number: what is told ends at 2^126.
inline i128 told_lots(i128 lots, const Grid& grid) {
  constexpr i128 kMost = static_cast<i128>(kHuge);
  return lots > kMost / grid.step ? kMost : lots * grid.step;
}

/// ACCOUNT_CLOSED: nothing may be given to it.
inline bool judge_credit(const Account& account, Refusal& why) {
  return account.barred != kBarClosed || why.no(Reason::account_closed, Scope::account);
}
/// ACCOUNT_FROZEN, ACCOUNT_CLOSED: nothing may be taken from it, nor newly held.
inline bool judge_debit(const Account& account, Refusal& why) {
  if (account.barred == kBarFrozen) return why.no(Reason::account_frozen, Scope::account);
  return judge_credit(account, why);
}

/// AMOUNT_OVERFLOW: a customer could come to have more than is kept.
inline bool judge_bound(const State& state, u16 currency, i128 given, i128 deeper, Refusal& why) {
  const i128 bound = state.bound(currency, given, deeper);
  return bound <= kMaxI64 || why.no(Reason::amount_overflow, Scope::venue,
                                    state.currencies[currency].scale, kMaxI64, bound);
}

/// INSUFFICIENT: more is asked of an account than is there.
inline bool judge_enough(const State& state, u16 currency, i128 there, i128 amount, Refusal& why) {
  return amount <= there || why.no(Reason::insufficient, Scope::account,
                                   state.currencies[currency].scale, there, amount);
}
/// INSUFFICIENT: more than is neither held nor spent.
inline bool judge_available(const State& state, u32 account, u16 currency, i128 amount,
                            Refusal& why) {
  return judge_enough(state, currency, state.accounts.available(account, currency), amount, why);
}

/// Whether it was how an account stood: who asked with an id must not get another answer when it
/// stands otherwise, so the id has failed for ever.
inline bool is_of_state(Reason reason) {
  return reason == Reason::account_frozen || reason == Reason::account_closed ||
         reason == Reason::insufficient;
}

/// Whether scales, enumerations and reserved bytes of further terms are in range.
bool terms_are_good(const OrderTerms& terms);

/// HALTED: may the phase take such an order.
bool judge_phase_exactly(u8 status, u8 time_in_force, u16 flags, Refusal& why);

inline bool judge_phase(const Instrument& instrument, u8 time_in_force, u16 flags, Refusal& why) {
  if (instrument.terms.status == kContinuous) [[likely]] {
    return true;
  }
  return judge_phase_exactly(instrument.terms.status, time_in_force, flags, why);
}

/// The price and the quantity that a command gives, as they were sent.
struct Given {
  bool has_price;
  bool has_quantity;
  bool market;  // a market order names no price
  Decimal price;
  Decimal quantity;
};

/// A price within the instrument's bounds, in ticks; else `reason`.
bool judge_price(const Instrument& instrument, const Measured& price, Reason reason, i64& ticks,
                 Refusal& why);
/// BAD_TICK, BAD_LOT, BAD_QTY, BAD_PRICE of what is given, at any scale.
[[gnu::cold]] bool judge_shape_exactly(const Instrument& instrument, Given given, i64& ticks,
                                       i64& lots, Refusal& why);

/// The same; what needs no more places than the grid has is answered here.
[[gnu::always_inline]] inline bool judge_shape(const Instrument& instrument, const Given& given,
                                               i64& ticks, i64& lots, Refusal& why) {
  const InstrumentTerms& terms = instrument.terms;
  const bool price_is_plain =
      given.market
          ? given.price.mantissa == 0
          : !given.has_price || (measure_fast(given.price, instrument.price_grid(), ticks) &&
                                 ticks >= terms.min_price && ticks <= terms.max_price);
  if (price_is_plain &&
      (!given.has_quantity || (measure_fast(given.quantity, instrument.lot_grid(), lots) &&
                               lots >= terms.min_quantity))) [[likely]] {
    return true;
  }
  return judge_shape_exactly(instrument, given, ticks, lots, why);
}

/// Twice the price that market orders and collars measure from, so that a mid between ticks stays
/// exact; 0: there is none.
u128 doubled_reference(const State& state, const Instrument& instrument);
/// The price that is one collar beyond a reference, which is given doubled, within the bounds.
i64 collar_around(const Instrument& instrument, bool sell, u128 doubled);
/// Turns a market order into a limit order at its collar, or STALE_REF.
bool judge_reference(const State& state, const Instrument& instrument, bool sell, i64& price,
                     Refusal& why);

/// The dearest price at which the order can trade: a sell takes bids, seen or not, that may stand
/// far above it.
i64 dearest_price(const State& state, const Instrument& instrument, bool sell, i64 price);
/// Whether a sum of ticks × lots, and what it is worth, can be kept.
bool product_fits(const Instrument& instrument, u128 ticks_lots);

/// REDUCE_ONLY: more than there is room for.
bool judge_reduce_only(const Instrument& instrument, i128 room, i64 lots, Refusal& why);

/// AMOUNT_OVERFLOW of a sum of ticks × lots, or of what it is worth.
bool judge_product(const State& state, const Instrument& instrument, u128 ticks_lots, Refusal& why);

/// AMOUNT_OVERFLOW, MAX_NOTIONAL, MIN_NOTIONAL; sets wish.hold.
bool judge_amounts_exactly(const State& state, const Instrument& instrument, const Beside& beside,
                           const Rates& rates, const OrderSums& sums, Wish& wish, Refusal& why);

/// Whether an order of whole minor units breaks no rule of judge_amounts and not the one-lot rule,
/// worked out in 64 bits; sets wish.hold then. False: the exact way must decide.
///
/// Both sides take one way, because the side of an order cannot be guessed: a buy's hold and the
/// one-lot rule of a sell need a fee each, of all that is left or of one lot.
[[gnu::always_inline]] inline bool amounts_are_plain(const Instrument& instrument,
                                                     i64 most_notional, const Rates& rates,
                                                     const OrderSums& sums, Wish& wish) {
  // A sell that takes bids may bring more than its own price says.
  if (instrument.book.crosses(!wish.sell, wish.price) && wish.sell) return false;
  if ((instrument.rare & kRareDark) != 0) [[unlikely]] {
    return false;
  }
  const Unit& unit = instrument.unit;
  const u64 price = static_cast<u64>(wish.price);
  const u64 lots = static_cast<u64>(wish.lots);
  u64 rest, all, total, asset, rated;
  if (unit.den != 1 || !fits_u64(sums.notional | sums.fee_sum) ||
      __builtin_mul_overflow(price, lots, &rest) ||
      __builtin_add_overflow(static_cast<u64>(sums.notional), rest, &all) ||
      __builtin_mul_overflow(all, unit.num, &total) ||
      __builtin_mul_overflow(static_cast<u64>(instrument.asset_per_lot), lots, &asset))
      [[unlikely]] {
    return false;
  }
  const u64 charged_ticks = pick(wish.sell, price, rest);
  const u64 charged_before = pick(wish.sell, 0, static_cast<u64>(sums.fee_sum));
  if (__builtin_mul_overflow(charged_ticks, static_cast<u64>(rates.worst()), &rated) ||
      __builtin_add_overflow(rated, charged_before, &rated) ||
      __builtin_mul_overflow(rated, unit.num, &rated)) [[unlikely]] {
    return false;
  }
  const u64 fee = std::max(rated / kRateScale + (rated % kRateScale != 0 ? 1 : 0),
                           static_cast<u64>(rates.minimum_fee));
  const u64 cost = total - static_cast<u64>(sums.moved) + fee - static_cast<u64>(sums.charged);
  const u64 hold = pick(wish.sell, asset, cost);
  const u64 working = rest * unit.num;
  wish.hold = static_cast<i64>(hold);
  return (total | asset | hold) >> 63 == 0 && fee <= pick(wish.sell, price * unit.num, ~u64{0}) &&
         working <= static_cast<u64>(most_notional) &&
         working >= static_cast<u64>(instrument.terms.min_notional);
}

/// Only AMOUNT_OVERFLOW of that; sets wish.hold.
bool judge_bounds(const State& state, const Instrument& instrument, const Rates& rates,
                  const OrderSums& sums, Wish& wish, Refusal& why);

/// The same without accounting: only price × lots, and its notional.
bool judge_notional_exactly(const State& state, const Instrument& instrument, const Wish& wish,
                            Refusal& why);

[[gnu::always_inline]] inline bool judge_notional(const State& state, const Instrument& instrument,
                                                  const Wish& wish, Refusal& why) {
  u64 notional;
  if (instrument.unit.den == 1 &&
      !__builtin_mul_overflow(static_cast<u64>(wish.price), static_cast<u64>(wish.lots),
                              &notional) &&
      !__builtin_mul_overflow(notional, instrument.unit.num, &notional) &&
      notional <= static_cast<u64>(instrument.terms.max_notional) &&
      notional >= static_cast<u64>(instrument.terms.min_notional)) [[likely]] {
    return true;
  }
  return judge_notional_exactly(state, instrument, wish, why);
}

/// `beside` makes what the exact way needs, so that others do not pay for it.
template <class MakeBeside>
[[gnu::always_inline]] inline bool judge_amounts(const State& state, const Instrument& instrument,
                                                 const Position& position, const MakeBeside& beside,
                                                 const Rates& rates, const OrderSums& sums,
                                                 Wish& wish, Refusal& why) {
  if (!state.accounting()) return judge_notional(state, instrument, wish, why);
  wish.lot_pays_fee = amounts_are_plain(instrument, position.order_notional, rates, sums, wish);
  if (wish.lot_pays_fee) [[likely]] {
    return true;
  }
  return judge_amounts_exactly(state, instrument, beside(), rates, sums, wish, why);
}

/// NO_FUNDS: `increase` of the hold against `available`, and the one-lot rule of a sell.
bool judge_funds_exactly(const State& state, const Instrument& instrument, const Rates& rates,
                         const Wish& wish, i64 increase, i64 available, Refusal& why);

[[gnu::always_inline]] inline bool judge_funds(const State& state, const Instrument& instrument,
                                               const Rates& rates, const Wish& wish, i64 increase,
                                               i64 available, Refusal& why) {
  if (increase <= available && wish.lot_pays_fee) [[likely]] {
    return true;
  }
  return judge_funds_exactly(state, instrument, rates, wish, increase, available, why);
}

/// Tells that an order which must not trade would, at `best`.
inline bool refuse_post_only(const Instrument& instrument, const Wish& wish, i64 best,
                             Refusal& why) {
  const Grid grid = instrument.price_grid();
  return why.no(Reason::post_only, Scope::order, grid.scale, on_grid(best, grid),
                on_grid(wish.price, grid));
}

[[gnu::always_inline]] inline bool judge_post_only(const Instrument& instrument, const Wish& wish,
                                                   Refusal& why) {
  if (!wish.post_only || !instrument.book.crosses(!wish.sell, wish.price)) [[likely]] {
    return true;
  }
  return refuse_post_only(instrument, wish, instrument.book.best(!wish.sell), why);
}

/// QTY_OVERFLOW: `lots` join a level of `there` that `before` join first.
inline bool judge_joined_level(const Instrument& instrument, i64 there, i128 before, i64 lots,
                               Refusal& why) {
  const i128 total = there + before + lots;
  if (total <= kMaxI64) return true;
  const Grid grid = instrument.lot_grid();
  return why.no(Reason::qty_overflow, Scope::order, grid.scale, on_grid(kMaxI64, grid),
                total * grid.step);
}

/// QTY_OVERFLOW: `more` lots join a level of `there`.
[[gnu::always_inline]] inline bool judge_level(const Instrument& instrument, i64 there, i64 more,
                                               Refusal& why) {
  if (lots_fit(there, more)) [[likely]] {
    return true;
  }
  const Grid grid = instrument.lot_grid();
  return why.no(Reason::qty_overflow, Scope::order, grid.scale, on_grid(kMaxI64, grid),
                (static_cast<i128>(there) + more) * grid.step);
}

}  // namespace quantumcore
