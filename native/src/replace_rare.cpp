#include "quantumcore/commands.hpp"
#include "quantumcore/phases.hpp"
#include "quantumcore/rare.hpp"

/// Replacing an order that is not plain, or by a command that may change further terms: the same
/// judgement as in replace.cpp, over an order that has more than one price and more than one
/// leaves.
namespace quantumcore {

namespace {

struct Change {
  Wish wish{};
  i64 total = 0;    // new quantity, lots
  i64 display = 0;  // of an iceberg
  bool keeps_place = false;
  bool waits = false;  // where a change leaves it
};

/// Whether what is left of it may stand in the book in the phase at hand.
bool rests_in_phase(const Instrument& instrument, const Extra& extra, const OrderNode& node) {
  return may_rest_in(instrument.terms.status, extra.time_in_force,
                     (node.flags & kOrderNeverRests) == 0);
}

/// QTY_OVERFLOW, CAPACITY: where the order would rest there may be no room for it.
bool judge_place(const State& state, u32 slot, const Change& change, Refusal& why) {
  static constexpr Extra kPlain{};
  const OrderNode& node = state.orders.node(slot);
  const OrderRecord& order = state.orders.record(slot);
  const Extra& extra = order.extra == kNone ? kPlain : state.extra_of(slot);
  const bool moves = change.wish.price != order.price;
  bool room = true;
  if (!judge_level_beyond(state, state.instruments[node.instrument], extra, node.flags, change.wish,
                          moves ? 0 : node.leaves, room, why)) {
    return false;
  }
  // A level that the order only leaves and joins again may end with it.
  return !moves || room ? true : why.no(Reason::capacity, Scope::venue);
}

bool judge_funds_of(const State& state, u32 slot, const Wish& wish, Refusal& why) {
  if (!state.accounting()) return true;
  const OrderRecord& order = state.orders.record(slot);
  const u32 row = wish.sell ? order.base_balance : order.quote_balance;
  return judge_funds(state, state.instruments[state.orders.node(slot).instrument], order.rates,
                     wish, wish.hold - order.hold, state.accounts.balance(row).available(), why);
}

bool judge_change(const State& state, u32 slot, const ReplaceOrder& c,
                  const ReplaceAdvancedOrder* more, Change& change, Refusal& why) {
  static constexpr Extra kPlain{};
  const OrderNode& node = state.orders.node(slot);
  const OrderRecord& order = state.orders.record(slot);
  const Instrument& instrument = state.instruments[node.instrument];
  const Extra& extra = order.extra == kNone ? kPlain : state.extra_of(slot);
  const i64 limit = limit_of(state, slot);
  const i64 filled = order.quantity - leaves_of(state, slot);
  Wish& wish = change.wish;
  wish.sell = is_sell(node);
  wish.may_rest = true;
  wish.post_only = (node.flags & kOrderPostOnly) != 0;
  wish.price = limit;
  change.total = order.quantity;
  const bool price_given = (c.fields & kPriceGiven) != 0;
  const bool unpriced = extra.type == kMarket;  // it stands in a call at its collar
  const Given given{price_given,
                    (c.fields & kQuantityGiven) != 0,
                    unpriced && price_given,
                    {c.price, c.price_scale},
                    {c.quantity, c.quantity_scale}};
  if (!judge_switches(state, state.accounts[node.account], why) ||
      !judge_phase_of(state, instrument, slot, why) ||
      !judge_shape(instrument, given, wish.price, change.total, why) ||
      !rejudge_beyond(instrument, extra, more, change.total, change.display, why)) {
    return false;
  }
  if (change.total <= filled) {
    const Grid lots = instrument.lot_grid();
    return why.no(Reason::replace_below_filled, Scope::order, lots.scale, on_grid(filled, lots),
                  on_grid(change.total, lots));
  }
  wish.lots = change.total - filled;
  if (!judge_max_quantity(instrument, change.total, why)) return false;
  if ((extra.flags & kSlide) != 0) wish.price = slid(instrument, wish.sell, wish.price);
  if ((instrument.rare & kRareBands) != 0 && price_given && !unpriced &&
      !judge_bands(state, instrument, wish.sell, wish.price, why)) {
    return false;
  }
  if (!judge_amounts(state, instrument, order.rates, state.orders.sums(slot), wish, why) ||
      !judge_funds_of(state, slot, wish, why) || !judge_post_only(instrument, wish, why)) {
    return false;
  }
  const bool peg = (node.flags & kOrderPeg) != 0;
  change.waits = (node.flags & kOrderWaits) != 0 && !peg;
  change.keeps_place = change.waits || (wish.price == limit && change.total <= order.quantity);
  if (change.keeps_place || peg || !rests_in_phase(instrument, extra, node)) return true;
  return judge_place(state, slot, change, why);
}

void apply_change(State& state, u32 slot, const Change& change) {
  OrderNode& node = state.orders.node(slot);
  OrderRecord& order = state.orders.record(slot);
  state.touch(state.instruments[node.instrument]);  // a smaller whole is met more easily
  order.quantity = change.total;
  if (order.extra != kNone) state.extra_of(slot).terms.display = change.display;
  if (change.waits) {
    node.leaves = change.wish.lots;
    order.price = change.wish.price;
    return;
  }
  if (change.keeps_place) {
    const i64 lost = leaves_of(state, slot) - change.wish.lots;
    if (lost > 0) shrink(state, slot, lost);
    return;
  }
  leave_book(state, slot);
  node.leaves = change.wish.lots;
  order.price = change.wish.price;
  if ((node.flags & kOrderPeg) != 0) state.extra_of(slot).cap = change.wish.price;
}

void tell_replaced(const State& state, u32 slot, const Change& change, Teller& teller) {
  const OrderNode& node = state.orders.node(slot);
  const OrderRecord& order = state.orders.record(slot);
  const Instrument& instrument = state.instruments[node.instrument];
  OrderReplaced& event = teller.tell<OrderReplaced>(instrument.id, state.accounts[node.account].id);
  event.price = order.price;
  event.quantity = order.quantity;
  event.leaves = leaves_of(state, slot);
  event.order_sequence = order.sequence;
  event.order_slot = slot;
  event.priority_kept = change.keeps_place ? 1 : 0;
  if (state.accounting()) {
    event.hold = order.hold;
    event.hold_currency = held_currency(instrument, change.wish.sell);
  }
}

}  // namespace

void replace_rarely(State& state, u32 slot, const ReplaceOrder& c, const ReplaceAdvancedOrder* more,
                    const Named& named, Teller& teller) {
  Refusal why;
  Change change;
  if (!judge_change(state, slot, c, more, change, why)) {
    tell_refused(teller, c.header, why, named);
    return;
  }
  apply_change(state, slot, change);
  if (state.accounting()) set_hold(state, slot, change.wish.hold);
  tell_replaced(state, slot, change, teller);
  const OrderNode& node = state.orders.node(slot);
  if ((c.fields & kDisplayGiven) != 0) {
    tell_terms(state, slot, (node.flags & kOrderWaits) != 0, teller);
  }
  Instrument& instrument = state.instruments[node.instrument];
  if (!change.keeps_place) {
    work(state, slot, kNone, teller);
  } else if (change.waits && instrument.terms.status == kClosingCross) {
    try_cross(state, instrument, slot, teller);
  }
}

}  // namespace quantumcore
