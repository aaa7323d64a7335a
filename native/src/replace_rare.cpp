#include "quantumcore/advanced.hpp"
#include "quantumcore/commands.hpp"
#include "quantumcore/gate.hpp"
#include "quantumcore/triggers.hpp"

/// Replacing an order that is not plain, or by a command that may change further terms: the same
/// judgement as in replace.cpp, for one that may wait and may have a price of its own.
namespace quantumcore {

namespace {

struct Change {
  Wish wish{};
  i64 total = 0;  // new quantity, lots
  i64 stop = 0;   // new stop, ticks; 0: as it is
  bool keeps_place = false;
};

/// Whether an order is in no book.
bool is_waiting(const OrderNode& node) { return (node.flags & kOrderInNoBook) != 0; }

/// BAD_DISPLAY, BAD_STOP; a new stop moves the price of a type that has it from there.
bool judge_more(const State& state, u32 slot, const ReplaceAdvancedOrder& more, Change& change,
                Refusal& why) {
  const u16 fields = more.order.fields;
  if ((fields & kDisplayGiven) != 0) return why.no(Reason::bad_display, Scope::instrument);
  if ((fields & kStopGiven) == 0) return true;
  const OrderNode& node = state.orders.node(slot);
  const u32 row = state.orders.record(slot).extra;
  const bool has_stop = is_waiting(node) && state.extras[row].fired_at == 0 &&
                        is_triggered(state.extras[row].type) &&
                        !is_trailing(state.extras[row].type);
  if (!has_stop) return why.no(Reason::bad_stop, Scope::instrument);
  const Instrument& instrument = state.instruments[node.instrument];
  if (!judge_stop(instrument, more.stop_price, more.stop_scale, change.stop, why)) return false;
  const u8 type = state.extras[row].type;
  if (!is_priced_by_stop(type)) return true;
  OrderTerms terms = state.extras[row].terms;
  terms.stop_price = change.stop;
  change.wish.price = price_by_stop(instrument, type, is_sell(node), terms);
  return true;
}

bool judge_funds_of(const State& state, u32 slot, const Wish& wish, Refusal& why) {
  if (!state.accounting()) return true;
  const OrderRecord& order = state.orders.record(slot);
  const u32 row = wish.sell ? order.base_balance : order.quote_balance;
  const PairHold pair = pair_hold(state, slot, wish.hold);
  return judge_funds(state, state.instruments[state.orders.node(slot).instrument], order, wish,
                     pair.needed - pair.held, state.accounts.balance(row).available(), why);
}

/// QTY_OVERFLOW, CAPACITY: where the order would rest there may be no room for it.
bool judge_place(const State& state, u32 slot, Change& change, Refusal& why) {
  const OrderNode& node = state.orders.node(slot);
  const Instrument& instrument = state.instruments[node.instrument];
  Wish& wish = change.wish;
  const bool moves = wish.price != state.orders.record(slot).price;
  const Ladder& side = instrument.book.side(wish.sell);
  const Ladder::Place place = side.place(state.pages, key_of(wish.sell, wish.price));
  const i64 there = place.level == kNone ? 0 : state.pages.level(place.level).lots;
  if (!judge_level(instrument, there, moves ? wish.lots : wish.lots - node.leaves, why)) {
    return false;
  }
  // A level that the order only leaves and joins again may end with it.
  wish.level = moves ? place.level : kNone;
  return !moves || side.has_room(state.pages, place) ? true
                                                     : why.no(Reason::capacity, Scope::venue);
}

/// Whether the order is given no price: it has the one of its stop, or its collar.
bool is_unpriced(const State& state, u32 slot) {
  const u32 row = state.orders.record(slot).extra;
  if (row == kNone) return false;
  return state.extras[row].type == kMarket || is_priced_by_stop(state.extras[row].type);
}

/// REDUCE_ONLY: it may have more left only as far as there is room.
bool judge_reducing(const State& state, u32 slot, const Wish& wish, Refusal& why) {
  const OrderNode& node = state.orders.node(slot);
  if ((node.flags & kOrderReduceOnly) == 0) return true;
  const i128 room = reducing_room(state, node.account, node.instrument, wish.sell, slot);
  return judge_reduce_only(state.instruments[node.instrument], room, wish.lots, why);
}

bool judge_change(const State& state, u32 slot, const ReplaceOrder& c,
                  const ReplaceAdvancedOrder* more, Change& change, Refusal& why) {
  const OrderNode& node = state.orders.node(slot);
  const OrderRecord& order = state.orders.record(slot);
  const Instrument& instrument = state.instruments[node.instrument];
  Wish& wish = change.wish;
  wish.sell = is_sell(node);
  wish.may_rest = true;
  wish.post_only = (node.flags & kOrderPostOnly) != 0;
  wish.price = order.price;
  change.total = order.quantity;
  const Decimal price{c.price, c.price_scale};
  const Decimal quantity{c.quantity, c.quantity_scale};
  const bool price_given = (c.fields & kPriceGiven) != 0;
  const bool unpriced = price_given && is_unpriced(state, slot);
  if (!judge_switches(state, state.accounts[node.account], why) ||
      !judge_trading(instrument, why) ||
      !judge_shape(instrument, price_given ? &price : nullptr,
                   (c.fields & kQuantityGiven) != 0 ? &quantity : nullptr, unpriced, wish.price,
                   change.total, why) ||
      (more != nullptr && !judge_more(state, slot, *more, change, why))) {
    return false;
  }
  const i64 filled = order.quantity - node.leaves;
  if (change.total <= filled) {
    const Grid lots = instrument.lot_grid();
    return why.no(Reason::replace_below_filled, Scope::order, lots.scale, on_grid(filled, lots),
                  on_grid(change.total, lots));
  }
  wish.lots = change.total - filled;
  if (!judge_max_quantity(instrument, change.total, why) ||
      !judge_reducing(state, slot, wish, why) ||
      !judge_amounts(state, instrument, order, state.orders.sums(slot), wish, why) ||
      !judge_funds_of(state, slot, wish, why) || !judge_post_only(instrument, wish, why)) {
    return false;
  }
  change.keeps_place =
      is_waiting(node) || (wish.price == order.price && change.total <= order.quantity);
  // Of one that waits, where it will rest is judged when it becomes active.
  return change.keeps_place || judge_place(state, slot, change, why);
}

void apply_change(State& state, u32 slot, const Change& change) {
  OrderNode& node = state.orders.node(slot);
  OrderRecord& order = state.orders.record(slot);
  Instrument& instrument = state.instruments[node.instrument];
  state.touch(instrument);  // a trigger may now be met
  if (is_waiting(node)) {
    node.leaves = change.wish.lots;
    if (change.stop != 0 && (node.flags & kOrderForParent) != 0) {
      state.extras[order.extra].terms.stop_price = change.stop;
    } else if (change.stop != 0) {
      move_stop(state, order.extra, change.stop);
    }
  } else if (!change.keeps_place) {
    instrument.book.remove(state.pages, state.orders, slot);
    node.leaves = change.wish.lots;
  } else if (change.wish.lots < node.leaves) {
    Book::reduce(state.pages, node, node.leaves - change.wish.lots);
  }
  order.price = change.wish.price;
  order.quantity = change.total;
  if (state.accounting()) set_hold(state, slot, hold_now(state, slot));
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
  tell_replaced(state, slot, ReplaceReason::asked_for, change.keeps_place, teller);
  if (is_waiting(state.orders.node(slot))) {
    tell_terms(state, state.orders.record(slot).extra, true, teller);
  }
  if (!change.keeps_place) work(state, slot, change.wish.level, teller);
}

}  // namespace quantumcore
