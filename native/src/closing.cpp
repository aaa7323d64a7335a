#include "quantumcore/phases.hpp"

namespace quantumcore {

namespace {

/// Who is first at the closing price on that side: the oldest that is shown there, else the first
/// in the cross.
u32 first_at(const State& state, const Instrument& instrument, bool sell, i64 price) {
  const u32 level = instrument.book.side(sell).place(state.pages, key_of(sell, price)).level;
  if (level != kNone) return state.pages.level(level).head;
  return state.rare_of(instrument).first_cross[sell ? 1 : 0];
}

/// Trades while somebody is there; false when the taker is final.
bool take_at(State& state, Instrument& instrument, u32 taker, i64 price, Teller& teller) {
  const OrderNode& node = state.orders.node(taker);
  while (node.leaves > 0) {
    const u32 maker = first_at(state, instrument, !is_sell(node), price);
    if (maker == kNone) return true;
    if (maker == sibling(state, taker)) {
      cancel_other(state, taker, teller);
    } else if (stp_of(node) != kStpNone &&
               state.same_party(state.orders.node(maker).account, node.account)) {
      if (!prevent_self_trade(state, maker, taker, teller)) return false;
    } else {
      trade(state, instrument, maker, taker, price, teller);
    }
  }
  finish_order(state, taker, Fate::filled);
  return false;
}

}  // namespace

void link_cross(State& state, u32 slot) {
  const OrderNode& node = state.orders.node(slot);
  RareBook& rare = state.rare_books[node.instrument];
  const u32 side = is_sell(node) ? 1 : 0;
  Extra& extra = state.extra_of(slot);
  extra.next_cross = kNone;
  extra.prev_cross = rare.last_cross[side];
  (extra.prev_cross == kNone ? rare.first_cross[side]
                             : state.extra_of(extra.prev_cross).next_cross) = slot;
  rare.last_cross[side] = slot;
}

void leave_cross(State& state, u32 slot) {
  const OrderNode& node = state.orders.node(slot);
  RareBook& rare = state.rare_books[node.instrument];
  const u32 side = is_sell(node) ? 1 : 0;
  Extra& extra = state.extra_of(slot);
  (extra.prev_cross == kNone ? rare.first_cross[side]
                             : state.extra_of(extra.prev_cross).next_cross) = extra.next_cross;
  (extra.next_cross == kNone ? rare.last_cross[side]
                             : state.extra_of(extra.next_cross).prev_cross) = extra.prev_cross;
  extra.crossed_at = 0;
}

void try_cross(State& state, Instrument& instrument, u32 slot, Teller& teller) {
  const i64 price = state.rare_of(instrument).closing_price;
  const i64 limit = state.orders.record(slot).price;
  const bool sell = is_sell(state.orders.node(slot));
  if (price == 0 || (sell ? limit > price : limit < price)) {
    if (state.extra_of(slot).crossed_at != 0) leave_cross(state, slot);
    return;
  }
  if (sell && !bears(state, instrument, slot, price)) {
    cancel_order(state, slot, CancelReason::out_of_bounds, teller);
    return;
  }
  if (!take_at(state, instrument, slot, price, teller)) return;
  Extra& extra = state.extra_of(slot);
  if (extra.crossed_at != 0) return;  // it keeps its place
  extra.crossed_at = teller.sequence();
  link_cross(state, slot);
}

void join_cross(State& state, Instrument& instrument, u32 slot, Teller& teller) {
  if (instrument.terms.status == kClosingCross &&
      time_in_force_of(state, slot) == kAtClosingCross) {
    try_cross(state, instrument, slot, teller);
  }
}

void begin_cross(State& state, Instrument& instrument, Teller& teller) {
  RareBook& rare = state.rare_of(instrument);
  rare.closing_price = rare.reference;
  each_of_calls(state, instrument, [&](u32 slot) { join_cross(state, instrument, slot, teller); });
}

void end_cross(State& state, Instrument& instrument, Teller& teller) {
  state.rare_of(instrument).closing_price = 0;
  each_of_calls(state, instrument, [&](u32 slot) {
    if (state.extra_of(slot).time_in_force == kAtClosingCross) {
      cancel_order(state, slot, CancelReason::auction_over, teller);
    }
  });
}

void take_closing_price(State& state, Instrument& instrument, Teller& teller) {
  RareBook& rare = state.rare_of(instrument);
  if (instrument.last_price == 0 || instrument.last_price == rare.reference) return;
  rare.reference = instrument.last_price;
  teller.tell<ReferenceChanged>(instrument.id, 0).price = rare.reference;
}

}  // namespace quantumcore
