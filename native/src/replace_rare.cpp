#include "quantumcore/commands.hpp"
#include "quantumcore/exposure.hpp"
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
  i64 stop = 0;     // new stop, ticks; 0: as it is
  bool keeps_place = false;
  bool waits = false;  // where a change leaves it
};

bool gives(const ReplaceAdvancedOrder* more, u16 field) {
  return more != nullptr && (more->order.fields & field) != 0;
}

/// Whether it waits where a change leaves it: for a price, a phase or its parent, not for a peg's
/// reference.
bool waits_in_place(const State& state, u32 slot) {
  const u32 flags = state.orders.node(slot).flags;
  return (flags & kOrderWaits) != 0 && ((flags & kOrderPeg) == 0 || waits_for_parent(state, slot));
}

/// The display that a replacement to `total` lots leaves.
bool judge_new_display(const Instrument& instrument, const Extra& extra,
                       const ReplaceAdvancedOrder* more, Change& change, Refusal& why) {
  const Grid lots = instrument.lot_grid();
  change.display = extra.terms.display;
  if (gives(more, kDisplayGiven)) {
    if (change.display == 0) return why.no(Reason::bad_display, Scope::instrument);
    if (!judge_display(lots, more->display, more->display_scale, change.total, change.display,
                       why)) {
      return false;
    }
  }
  return change.display == 0 ||
         judge_refills(lots, change.display, extra.terms.display_range, change.total, why);
}

/// BAD_STOP of an order that has none to move: it trails, or has fired. The price of a type that is
/// priced by its stop follows.
bool judge_new_stop(const Instrument& instrument, const Extra& extra, const OrderNode& node,
                    const ReplaceAdvancedOrder* more, Change& change, Refusal& why) {
  if (!gives(more, kStopGiven)) return true;
  if ((node.flags & kOrderWaits) == 0 || extra.fired_at != 0 || !is_triggered(extra.type) ||
      is_trailing(extra.type)) {
    return why.no(Reason::bad_stop, Scope::instrument);
  }
  if (!judge_stop(instrument, more->stop_price, more->stop_scale, change.stop, why)) return false;
  if (!is_priced_by_stop(extra.type)) return true;
  OrderTerms terms = extra.terms;
  terms.stop_price = change.stop;
  change.wish.price = price_by_stop(instrument, extra.type, change.wish.sell, terms);
  return true;
}

/// QTY_OVERFLOW, CAPACITY: where the order would rest there may be no room for it.
bool judge_place(const State& state, u32 slot, const Extra& extra, const Change& change,
                 Refusal& why) {
  const OrderNode& node = state.orders.node(slot);
  const Instrument& instrument = state.instruments[node.instrument];
  const bool moves = change.wish.price != state.orders.record(slot).price;
  const Standing at = standing_at(state, instrument, (node.flags & kOrderDark) != 0,
                                  change.wish.sell, change.wish.price);
  const i64 more = first_shown(extra, change.wish.lots) - (moves ? 0 : node.leaves);
  if (more > 0 && !judge_level(instrument, at.there, more, why)) return false;
  // A level that the order only leaves and joins again may end with it.
  return !moves || at.room ? true : why.no(Reason::capacity, Scope::venue);
}

bool judge_funds_of(const State& state, u32 slot, const Wish& wish, Refusal& why) {
  if (!state.accounting()) return true;
  const OrderRecord& order = state.orders.record(slot);
  const u32 row = order.held_balance;
  const PairHold pair = pair_hold(state, slot, wish.hold);
  return judge_funds(state, state.instruments[state.orders.node(slot).instrument], order.rates,
                     wish, pair.needed - pair.held,
                     state.accounts.available(state.accounts.balance(row)), why);
}

bool judge_total(const State& state, u32 slot, const Position& position, Change& change,
                 Refusal& why) {
  const OrderNode& node = state.orders.node(slot);
  const Instrument& instrument = state.instruments[node.instrument];
  const i64 filled = state.orders.record(slot).quantity - leaves_of(state, slot);
  if (change.total <= filled) {
    const Grid lots = instrument.lot_grid();
    return why.no(Reason::replace_below_filled, Scope::order, lots.scale, on_grid(filled, lots),
                  on_grid(change.total, lots));
  }
  change.wish.lots = change.total - filled;
  return judge_order_lots(state, instrument, position, change.total, why);
}

bool judge_change(const State& state, u32 slot, const ReplaceOrder& c,
                  const ReplaceAdvancedOrder* more, const Position& position, Change& change,
                  Refusal& why) {
  static constexpr Extra kPlain{};
  const OrderNode& node = state.orders.node(slot);
  const OrderRecord& order = state.orders.record(slot);
  const Instrument& instrument = state.instruments[node.instrument];
  const Extra& extra = order.extra == kNone ? kPlain : state.extra_of(slot);
  const i64 limit = limit_of(state, slot);
  Wish& wish = change.wish;
  wish.sell = is_sell(node);
  wish.post_only = (node.flags & kOrderPostOnly) != 0;
  wish.price = limit;
  change.total = order.quantity;
  const bool price_given = (c.fields & kPriceGiven) != 0;
  // A market order stands in a call, or waits; a market-to-limit order has its limit by now.
  const bool unpriced = extra.type == kMarket || is_priced_by_stop(extra.type);
  const Given given{price_given,
                    (c.fields & kQuantityGiven) != 0,
                    unpriced && price_given,
                    {c.price, c.price_scale},
                    {c.quantity, c.quantity_scale}};
  if (!judge_switches(state, state.accounts[node.account], why) ||
      !judge_phase_of(state, instrument, slot, why) ||
      !judge_shape(instrument, given, wish.price, change.total, why) ||
      !judge_new_display(instrument, extra, more, change, why) ||
      !judge_new_stop(instrument, extra, node, more, change, why) ||
      !judge_total(state, slot, position, change, why)) {
    return false;
  }
  if ((extra.flags & kSlide) != 0) wish.price = slid(instrument, wish.sell, wish.price);
  if ((instrument.rare & kRareBands) != 0 && price_given && !unpriced &&
      !judge_bands(state, instrument, wish.sell, wish.price, why)) {
    return false;
  }
  const auto beside = [&] { return Beside{position, slot}; };
  if (((node.flags & kOrderReduceOnly) != 0 &&
       !judge_reduce_only(instrument,
                          reducing_room(state, node.account, node.instrument, wish.sell, slot),
                          wish.lots, why)) ||
      !judge_amounts(state, instrument, position, beside, order.rates, state.orders.sums(slot),
                     wish, why) ||
      (state.accounting() && !judge_working_exactly(state, instrument, beside(), wish, why)) ||
      !judge_funds_of(state, slot, wish, why) ||
      (state.accounting() && !judge_credit(state, instrument, position, beside, wish, why)) ||
      !judge_post_only(instrument, wish, why)) {
    return false;
  }
  change.waits = waits_in_place(state, slot);
  change.keeps_place = change.waits || (wish.price == limit && change.total <= order.quantity);
  const bool waiting = (node.flags & kOrderWaits) != 0;
  if (change.keeps_place || waiting || (node.flags & kOrderPeg) != 0 ||
      !may_rest_in(instrument.terms.status, extra.time_in_force,
                   (node.flags & kOrderNeverRests) == 0)) {
    return true;  // where it will rest is judged when it comes there
  }
  return judge_place(state, slot, extra, change, why);
}

void apply_change(State& state, u32 slot, const Change& change) {
  OrderNode& node = state.orders.node(slot);
  OrderRecord& order = state.orders.record(slot);
  change_working(state, slot, static_cast<i128>(change.wish.lots) - leaves_of(state, slot));
  // A smaller whole is met more easily, and a moved stop may be met.
  state.touch(state.instruments[node.instrument]);
  order.quantity = change.total;
  if (order.extra != kNone) state.extra_of(slot).terms.display = change.display;
  if (change.stop != 0) move_stop(state, order.extra, change.stop);
  if (change.keeps_place && !change.waits) {
    const i64 lost = leaves_of(state, slot) - change.wish.lots;
    if (lost > 0) shrink(state, slot, lost);
    return;
  }
  if (!change.waits) leave_book(state, slot);
  node.leaves = change.wish.lots;
  order.price = change.wish.price;
  if ((node.flags & kOrderPeg) != 0) state.extra_of(slot).cap = change.wish.price;
}

}  // namespace

void replace_rarely(State& state, u32 slot, const ReplaceOrder& c, const ReplaceAdvancedOrder* more,
                    const Named& named, Teller& teller) {
  Refusal why;
  Change change;
  if (!judge_change(state, slot, c, more, position_of(state, slot), change, why)) {
    tell_refused(teller, c.header, why, named);
    return;
  }
  apply_change(state, slot, change);
  recount_tied(state, slot);
  if (state.accounting()) set_hold(state, slot, hold_now(state, slot));
  tell_replaced(state, slot, ReplaceReason::asked_for, change.keeps_place, teller);
  const OrderNode& node = state.orders.node(slot);
  const bool not_yet_active =
      change.waits && (is_triggered(state.extra_of(slot).type) || waits_for_parent(state, slot));
  if (not_yet_active || gives(more, kDisplayGiven)) {
    tell_terms(state, slot, (node.flags & kOrderWaits) != 0, teller);
  }
  Instrument& instrument = state.instruments[node.instrument];
  if (!change.keeps_place) {
    work(state, slot, kNone, teller);
  } else if (change.waits) {
    join_cross(state, instrument, slot, teller);
  }
}

}  // namespace quantumcore
