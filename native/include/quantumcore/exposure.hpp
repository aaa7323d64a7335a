#pragma once

#include "quantumcore/gate.hpp"

/// What works, what it could come to, and whether an order may add to it
/// (docs/reference/engine.md section 14).
namespace quantumcore {

// ---- sums ---------------------------------------------------------------------------------------

/// The row of an account in an instrument, or kNone. With accounting each order knows its own, from
/// its acceptance on; without it the first fill makes one.
inline u32 find_position(const State& state, u32 account, u32 instrument) {
  return state.positions.find(account, instrument, state.accounts[account].first_position);
}
/// The same, made if need be.
u32 make_position(State& state, u32 account, u32 instrument);
/// The row to judge an order by, with the limits of now: of a new one a scratch row, and `row` is
/// kNone.
const Position& refresh_position(State& state, u32 account, u32 instrument, u32 row);
[[gnu::always_inline]] inline const Position& position_to_judge(State& state, u32 account,
                                                                u32 instrument, u32& row) {
  row = kNone;
  if (!state.accounting()) return state.stranger;  // nobody looks at it
  row = find_position(state, account, instrument);
  if (row != kNone && state.positions[row].version == state.limits_version) [[likely]] {
    return state.positions[row];
  }
  return refresh_position(state, account, instrument, row);
}

/// That of a working order, with the limits of now.
[[gnu::always_inline]] inline const Position& position_of(State& state, u32 slot) {
  if (!state.accounting()) return state.stranger;
  const u32 row = state.orders.record(slot).position;
  Position& position = state.positions[row];
  if (position.version == state.limits_version) [[likely]] {
    return position;
  }
  return refresh_position(state, position.account, position.instrument, row);
}

/// What of a group follows from a change of a position.
void change_group(State& state, const Position& position, bool sell, i128 lots, i32 orders);

/// The other order on the side of a working one of which only one, or of both only the same lots,
/// can trade; kNone: it has none.
u32 pair_of(const State& state, u32 slot);
/// What a working order and its pair count for if it had `lots` left.
i128 counted_with(const State& state, u32 slot, i64 lots);

/// Adds to what works on the side of a working order. Without accounting nobody asks for it.
inline void change_working(State& state, u32 slot, i128 lots) {
  if (!state.accounting()) return;
  Position& position = state.positions[state.orders.record(slot).position];
  const bool sell = is_sell(state.orders.node(slot));
  position.worst[sell ? 1 : 0] += lots;
  if (position.group != kNone) [[unlikely]] {
    change_group(state, position, sell, lots, 0);
  }
}
/// An order begins to work.
[[gnu::always_inline]] inline void begin_working(State& state, Position& position, bool sell,
                                                 i64 lots) {
  position.worst[sell ? 1 : 0] += lots;
  ++position.open_orders;
  if (position.group != kNone) [[unlikely]] {
    change_group(state, position, sell, lots, 1);
  }
}
/// An order works no more; `lots` are left of it.
[[gnu::always_inline]] inline void end_working(State& state, Position& position, bool sell,
                                               i64 lots) {
  position.worst[sell ? 1 : 0] -= lots;
  --position.open_orders;
  if (position.group != kNone) [[unlikely]] {
    change_group(state, position, sell, -static_cast<i128>(lots), -1);
  }
}
/// A fill: what worked is held, so its own side comes to no more, and the other to less.
[[gnu::always_inline]] inline void fill_position(State& state, Position& position, bool sell,
                                                 i64 lots) {
  position.lots += sell ? -lots : lots;
  position.worst[sell ? 0 : 1] -= lots;
  if (position.group != kNone) [[unlikely]] {
    change_group(state, position, !sell, -static_cast<i128>(lots), 0);
  }
}
/// The row of a live order that trades.
[[gnu::always_inline]] inline u32 traded_position(State& state, u32 slot) {
  if (state.accounting()) return state.orders.record(slot).position;
  const OrderNode& node = state.orders.node(slot);
  return make_position(state, node.account, node.instrument);
}

/// Puts the sums of an account's positions into those of its group, or takes them out (-1).
void count_in_group(State& state, u32 account, i32 sign);

/// What a link keeps the sums from counting twice is measured again: a member of it has changed.
void recount_link(State& state, u32 link);
void recount_tied_rare(State& state, u32 slot);
inline void recount_tied(State& state, u32 slot) {
  if (state.orders.record(slot).extra != kNone) [[unlikely]] {
    recount_tied_rare(state, slot);
  }
}
/// The sums count both of a pair again, which is about to be untied.
void uncount_link(State& state, Link& link);

// ---- gross notional -----------------------------------------------------------------------------

/// What `ticks_lots` more are worth after `before`; at most what an order can trade in all, however
/// far a sell has followed the market.
i64 worth_beyond(const Instrument& instrument, u128 before, u128 ticks_lots);
/// Gross notional of what is left of an order, at its limit, minor units of the quote.
i64 worth_of(const State& state, u32 slot);
/// From now on what works is kept by its worth too. Cost: O(working orders).
void watch_worth(State& state);
/// The worth of a working order has changed, or its end is near.
void note_worth(State& state, u32 slot, i64 worth);
/// Draws on the line of the firm of an order what a fill of `ticks_lots` was worth; the order's
/// sums have it already.
void note_filled(State& state, u32 slot, u128 ticks_lots);
/// Puts what the account works into the sums of its firm, or takes it out (-1).
void count_in_firm(State& state, u32 account, i32 sign);
/// The sum of a firm whose record is new.
i128 worth_of_firm(const State& state, u32 firm, u16 currency);

// ---- judgement ----------------------------------------------------------------------------------

Tightest least_quantity(const State& state, const Position& position, u32 whose,
                        i64 QuantityLimits::* limit, Tightest first = {-1, Scope::none});
Tightest least_money(const State& state, const Position& position, u32 whose,
                     i64 MoneyLimits::* limit, Tightest first = {-1, Scope::none});

/// MAX_QTY.
bool judge_order_lots_exactly(const State& state, const Instrument& instrument,
                              const Position& position, i64 lots, Refusal& why);
[[gnu::always_inline]] inline bool judge_order_lots(const State& state,
                                                    const Instrument& instrument,
                                                    const Position& position, i64 lots,
                                                    Refusal& why) {
  const i64 most = state.accounting() ? position.order_lots : instrument.terms.max_quantity;
  if (lots <= most) [[likely]] {
    return true;
  }
  return judge_order_lots_exactly(state, instrument, position, lots, why);
}

/// Whether as many lots as `wish` has would close the whole position, on which nothing works yet.
bool closes_whole(const State& state, const Beside& beside, const Wish& wish);

/// MAX_OPEN beyond the account's own count, POS_LIMIT, EXPOSURE, that of section 17 too.
bool judge_working_exactly(const State& state, const Instrument& instrument, const Beside& beside,
                           const Wish& wish, Refusal& why);
/// Of an order that comes alone.
[[gnu::always_inline]] inline bool judge_working(const State& state, const Instrument& instrument,
                                                 const Position& position, const Wish& wish,
                                                 Refusal& why) {
  const u32 side = wish.sell ? 1 : 0;
  if (position.beyond == 0 && position.open_orders < position.most_open &&
      position.worst[side] + wish.lots <= position.most[side]) [[likely]] {
    return true;
  }
  return judge_working_exactly(state, instrument, Beside{position}, wish, why);
}
/// Of one that stands for another, of which `leaves` lots were left.
template <class MakeBeside>
[[gnu::always_inline]] inline bool judge_working_anew(const State& state,
                                                      const Instrument& instrument,
                                                      const Position& position,
                                                      const MakeBeside& beside, const Wish& wish,
                                                      i64 leaves, Refusal& why) {
  if (position.beyond == 0 && wish.lots <= leaves) [[likely]] {
    return true;
  }
  return judge_working_exactly(state, instrument, beside(), wish, why);
}

/// Lots that an order adds to what works on its side, given what it stands for, if anything.
i128 lots_added(const State& state, const Beside& beside, const Wish& wish);

/// CREDIT, and what section 17 judges around it: NO_FUNDS by margin, LOSS_LIMIT, DRAWDOWN before,
/// GREEKS after it.
bool judge_credit_exactly(const State& state, const Instrument& instrument, const Beside& beside,
                          const Wish& wish, Refusal& why);
template <class MakeBeside>
[[gnu::always_inline]] inline bool judge_credit(const State& state, const Instrument& instrument,
                                                const Position& position, const MakeBeside& beside,
                                                const Wish& wish, Refusal& why) {
  if ((position.beyond & (kBeyondCredit | kBeyondMargin)) == 0) [[likely]] {
    return true;
  }
  return judge_credit_exactly(state, instrument, beside(), wish, why);
}

}  // namespace quantumcore
