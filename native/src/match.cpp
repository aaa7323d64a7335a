#include "quantumcore/commands.hpp"

namespace quantumcore {

namespace {

/// Takes an order out of its account's list of working orders.
void leave_account(State& state, u32 slot) {
  OrderNode& node = state.orders.node(slot);
  if ((node.flags & kOrderListed) == 0) return;
  Account& account = state.accounts[node.account];
  AccountLinks& links = state.orders.links(slot);
  (links.prev == kNone ? account.first_order : state.orders.links(links.prev).next) = links.next;
  (links.next == kNone ? account.last_order : state.orders.links(links.next).prev) = links.prev;
  links = AccountLinks{kNone, kNone};  // a walk that reads them too late must not go on
  QC_ASSERT(account.open_orders > 0);
  --account.open_orders;
  node.flags &= ~kOrderListed;
}

/// Whether fill-or-kill can have all its lots: the same walk as matching, without a trade.
bool can_fill(const State& state, const Instrument& instrument, u32 taker) {
  const OrderNode& node = state.orders.node(taker);
  const OrderRecord& order = state.orders.record(taker);
  const bool makers_sell = !is_sell(node);
  const i64 limit = key_of(makers_sell, order.price);
  const Ladder& ladder = instrument.book.side(makers_sell);
  const u8 mode = stp_of(node);
  u64 found = 0;  // below quantity + one order, so 64 bits suffice
  for (u32 level = ladder.best_level(); level != kNone && state.pages.key_of_level(level) <= limit;
       level = ladder.after(state.pages, level)) {
    for (u32 slot = state.pages.level(level).head; slot != kNone;
         slot = state.orders.node(slot).next) {
      const OrderNode& maker = state.orders.node(slot);
      if (maker.account == node.account && mode != kStpNone) {
        if (mode == kStpCancelOldest) continue;
        return false;
      }
      found += static_cast<u64>(maker.leaves);
      if (found >= static_cast<u64>(node.leaves)) return true;
    }
  }
  return false;
}

void tell_decremented(State& state, u32 slot, Teller& teller) {
  const OrderNode& node = state.orders.node(slot);
  const OrderRecord& order = state.orders.record(slot);
  const Instrument& instrument = state.instruments[node.instrument];
  OrderReplaced& event = teller.tell<OrderReplaced>(instrument.id, state.accounts[node.account].id);
  event.price = order.price;
  event.quantity = order.quantity;
  event.leaves = node.leaves;
  event.order_sequence = order.sequence;
  event.order_slot = slot;
  event.reason = 1;
  event.priority_kept = 1;
  if (state.accounting()) {
    event.hold = order.hold;
    event.hold_currency = held_currency(instrument, is_sell(node));
  }
}

/// Takes `lots` off an order without a trade.
void decrement(State& state, u32 slot, i64 lots, Teller& teller) {
  OrderNode& node = state.orders.node(slot);
  if (node.leaves == lots) {
    cancel_order(state, slot, CancelReason::self_trade_prevention, teller);
    return;
  }
  if (node.level != kNone) {
    Book::reduce(state.pages, node, lots);
  } else {
    node.leaves -= lots;
  }
  state.orders.record(slot).quantity -= lots;
  if (state.accounting()) set_hold(state, slot, hold_now(state, slot));
  tell_decremented(state, slot, teller);
}

/// Two orders of one account meet. Returns false when the taker is gone.
bool prevent_self_trade(State& state, u32 maker, u32 taker, Teller& teller) {
  const u8 mode = stp_of(state.orders.node(taker));
  switch (mode) {
    case kStpCancelOldest:
      cancel_order(state, maker, CancelReason::self_trade_prevention, teller);
      return true;
    case kStpCancelBoth:
      cancel_order(state, maker, CancelReason::self_trade_prevention, teller);
      cancel_order(state, taker, CancelReason::self_trade_prevention, teller);
      return false;
    case kStpDecrement: {
      const i64 resting = state.orders.node(maker).leaves;
      const i64 incoming = state.orders.node(taker).leaves;
      const i64 lots = resting < incoming ? resting : incoming;
      decrement(state, maker, lots, teller);
      decrement(state, taker, lots, teller);
      return lots < incoming;
    }
    default:
      cancel_order(state, taker, CancelReason::self_trade_prevention, teller);
      return false;
  }
}

void fill(State& state, Instrument& instrument, u32 maker, u32 taker, Teller& teller) {
  OrderNode& resting = state.orders.node(maker);
  OrderNode& incoming = state.orders.node(taker);
  const i64 price = state.orders.record(maker).price;
  const i64 lots = resting.leaves < incoming.leaves ? resting.leaves : incoming.leaves;
  Book::reduce(state.pages, resting, lots);
  incoming.leaves -= lots;
  instrument.last_price = price;

  TradePrinted& event =
      teller.tell<TradePrinted>(instrument.id, state.accounts[incoming.account].id);
  event.maker_account = state.accounts[resting.account].id;
  event.maker_order_sequence = state.orders.record(maker).sequence;
  event.taker_order_sequence = state.orders.record(taker).sequence;
  event.maker_slot = maker;
  event.taker_slot = taker;
  event.maker_leaves = resting.leaves;
  event.taker_leaves = incoming.leaves;
  event.fill = teller.next_fill();
  event.taker_side = is_sell(incoming) ? kSell : kBuy;
  event.price = price;
  event.quantity = lots;
  if (state.accounting()) settle_fill(state, instrument, maker, taker, price, lots, event);
  if (resting.leaves == 0) finish_order(state, maker, Fate::filled);
}

}  // namespace

void join_account(State& state, u32 slot) {
  OrderNode& node = state.orders.node(slot);
  Account& account = state.accounts[node.account];
  state.orders.links(slot) = AccountLinks{kNone, account.last_order};
  (account.last_order == kNone ? account.first_order
                               : state.orders.links(account.last_order).next) = slot;
  account.last_order = slot;
  ++account.open_orders;
  node.flags |= kOrderListed;
}

void finish_order(State& state, u32 slot, Fate fate) {
  OrderNode& node = state.orders.node(slot);
  const OrderRecord& order = state.orders.record(slot);
  if (node.level != kNone) {
    state.touch(state.instruments[node.instrument]);
    state.instruments[node.instrument].book.remove(state.pages, state.orders, slot);
  }
  if (order.extra != kNone) [[unlikely]] {
    state.extras.release(order.extra);
  }
  leave_account(state, slot);
  if (state.accounting()) {
    QC_ASSERT(order.hold == 0);  // no hold without a working order
    state.client_ids.set_fate(order.client_entry, order.sequence, fate);
  }
  state.orders.release(slot);
}

void cancel_order(State& state, u32 slot, CancelReason reason, Teller& teller) {
  const OrderNode& node = state.orders.node(slot);
  const OrderRecord& order = state.orders.record(slot);
  const Instrument& instrument = state.instruments[node.instrument];
  OrderCancelled& event =
      teller.tell<OrderCancelled>(instrument.id, state.accounts[node.account].id);
  event.order_sequence = order.sequence;
  event.quantity = node.leaves;
  event.order_slot = slot;
  event.reason = static_cast<u16>(reason);
  if (state.accounting()) {
    event.released = order.hold;
    event.hold_currency = held_currency(instrument, is_sell(node));
    set_hold(state, slot, 0);
  }
  finish_order(state, slot, Fate::cancelled);
}

bool take(State& state, Instrument& instrument, u32 slot, Teller& teller) {
  const OrderNode& node = state.orders.node(slot);
  const OrderRecord& order = state.orders.record(slot);
  const bool makers_sell = !is_sell(node);
  if ((node.flags & kOrderFillOrKill) != 0 && !can_fill(state, instrument, slot)) {
    cancel_order(state, slot, CancelReason::fill_or_kill, teller);
    return false;
  }
  const Ladder& ladder = instrument.book.side(makers_sell);
  while (node.leaves > 0 && instrument.book.crosses(makers_sell, order.price)) {
    const u32 maker = state.pages.level(ladder.best_level()).head;
    if (state.orders.node(maker).account == node.account && stp_of(node) != kStpNone) {
      if (!prevent_self_trade(state, maker, slot, teller)) return false;
    } else {
      fill(state, instrument, maker, slot, teller);
    }
  }
  if (node.leaves == 0) {
    finish_order(state, slot, Fate::filled);
    return false;
  }
  if ((node.flags & kOrderNeverRests) != 0) {
    cancel_order(state, slot, CancelReason::immediate_or_cancel, teller);
    return false;
  }
  return true;
}

}  // namespace quantumcore
