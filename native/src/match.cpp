#include "quantumcore/advanced.hpp"
#include "quantumcore/commands.hpp"
#include "quantumcore/triggers.hpp"

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

/// Whether a maker still trades when all that a walk has counted before has traded: a fill of an
/// account may trim its reduce-only orders and cancel the other of a pair. If so, it is counted.
bool is_certain(State& state, u32 slot) {
  const OrderNode& node = state.orders.node(slot);
  const u64 walk = state.walks << 1;
  u64& mark = state.walk_marks[node.account];  // walk, and 1: only reduce-only orders so far
  const bool fresh = mark >> 1 != state.walks;
  const bool only_reducing = fresh || (mark & 1) != 0;
  const bool paired = sibling(state, slot) != kNone;
  const bool reducing = (node.flags & kOrderReduceOnly) != 0;
  const bool certain = paired ? fresh : !reducing || only_reducing;
  if (certain) mark = walk | (reducing && !paired && only_reducing ? 1 : 0);
  return certain;
}

/// Whether fill-or-kill can have all its lots: the same walk as matching, without a trade.
bool can_fill(State& state, const Instrument& instrument, u32 taker) {
  const OrderNode& node = state.orders.node(taker);
  const OrderRecord& order = state.orders.record(taker);
  const bool makers_sell = !is_sell(node);
  const i64 limit = key_of(makers_sell, order.price);
  const Ladder& ladder = instrument.book.side(makers_sell);
  const u8 mode = stp_of(node);
  const bool revocable = (instrument.rare & (kRareLinked | kRareReducing)) != 0;
  const u32 other = sibling(state, taker);
  ++state.walks;
  u64 found = 0;  // below quantity + one order, so 64 bits suffice
  for (u32 level = ladder.best_level(); level != kNone && state.pages.key_of_level(level) <= limit;
       level = ladder.after(state.pages, level)) {
    for (u32 slot = state.pages.level(level).head; slot != kNone;
         slot = state.orders.node(slot).next) {
      const OrderNode& maker = state.orders.node(slot);
      if (slot == other) continue;
      if (mode != kStpNone && state.same_party(maker.account, node.account)) {
        if (mode == kStpCancelOldest) continue;
        return false;
      }
      if (revocable && !is_certain(state, slot)) continue;
      found += static_cast<u64>(maker.leaves);
      if (found >= static_cast<u64>(node.leaves)) return true;
    }
  }
  return false;
}

/// Takes `lots` off an order without a trade.
void decrement(State& state, u32 slot, i64 lots, Teller& teller) {
  if (state.orders.node(slot).leaves == lots) {
    cancel_order(state, slot, CancelReason::self_trade_prevention, teller);
    return;
  }
  lower(state, slot, lots);
  if (state.accounting()) set_hold(state, slot, hold_now(state, slot));
  tell_replaced(state, slot, ReplaceReason::decremented, true, teller);
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

/// Trades what both have left of each other, but not more than `most` lots. `taker_row` is the
/// taker's position once it is known.
void fill(State& state, Instrument& instrument, u32 maker, u32 taker, i64 most, u32& taker_row,
          Teller& teller) {
  OrderNode& resting = state.orders.node(maker);
  OrderNode& incoming = state.orders.node(taker);
  const OrderRecord& resting_order = state.orders.record(maker);
  const OrderRecord& incoming_order = state.orders.record(taker);
  const i64 price = resting_order.price;
  i64 lots = resting.leaves < incoming.leaves ? resting.leaves : incoming.leaves;
  if (lots > most) lots = most;
  if ((resting_order.extra & incoming_order.extra) != kNone) [[unlikely]] {
    before_trade(state, taker, lots, teller);
    before_trade(state, maker, lots, teller);
  }
  Book::reduce(state.pages, resting, lots);
  incoming.leaves -= lots;
  instrument.last_price = price;
  if (instrument.rare != 0) [[unlikely]] {
    note_print(state.rare_books[incoming.instrument], price);
  }

  TradePrinted& event =
      teller.tell<TradePrinted>(instrument.id, state.accounts[incoming.account].id);
  event.maker_account = state.accounts[resting.account].id;
  event.maker_order_sequence = resting_order.sequence;
  event.taker_order_sequence = incoming_order.sequence;
  event.maker_slot = maker;
  event.taker_slot = taker;
  event.maker_leaves = resting.leaves;
  event.taker_leaves = incoming.leaves;
  event.fill = teller.next_fill();
  const bool sells = is_sell(incoming);
  event.taker_side = sells ? kSell : kBuy;
  event.price = price;
  event.quantity = lots;
  if (state.accounting()) settle_fill(state, instrument, maker, taker, price, lots, event);
  const u32 instrument_slot = incoming.instrument;
  const u32 maker_row =
      move_position(state, resting.account, instrument_slot, sells ? lots : -lots);
  if (taker_row == kNone) {
    taker_row = move_position(state, incoming.account, instrument_slot, sells ? -lots : lots);
  } else {
    state.positions[taker_row].lots += sells ? -lots : lots;
  }
  if (resting.leaves == 0) finish_order(state, maker, Fate::filled);
  trim(state, maker_row, teller);
  trim(state, taker_row, teller);
}

/// What matching does beyond plain orders before it looks at the best maker: true if it did
/// something, so that there may be another best maker now.
bool match_rare(State& state, Instrument& instrument, u32 taker, u32 level, u32& taker_row,
                Teller& teller) {
  if ((instrument.rare & kRareShared) != 0) {
    const u32 count = share_out(state, instrument, taker, level);
    for (u32 i = 0; i < count; ++i) {
      const Part part = state.parts[i];
      // Else a fill before took it away.
      if (part.lots != 0 && state.orders.node(part.slot).level == level) {
        fill(state, instrument, part.slot, taker, part.lots, taker_row, teller);
      }
    }
    if (count != 0) return true;
  }
  const u32 maker = state.pages.level(level).head;
  if (sibling(state, taker) != maker) return false;
  cancel_other(state, taker, teller);
  return true;
}

void cancel_one(State& state, u32 slot, CancelReason reason, Teller& teller) {
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
    part(state, slot);  // a parent that is filled frees its orders
    if ((node.flags & kOrderReduceOnly) != 0) {
      count_reducing(state, node.account, node.instrument, -1);
    }
    drop_extra(state, slot);
  }
  leave_account(state, slot);
  if (state.accounting()) {
    QC_ASSERT(order.hold == 0);  // no hold without a working order
    state.client_ids.set_fate(order.client_entry, order.sequence, fate);
  }
  state.orders.release(slot);
}

void cancel_order(State& state, u32 slot, CancelReason reason, Teller& teller) {
  Parted ended;
  if (state.orders.record(slot).extra != kNone) [[unlikely]] {
    ended = part(state, slot);
  }
  cancel_one(state, slot, reason, teller);
  for (const u32 other : ended.slots) {
    if (other != kNone) cancel_one(state, other, CancelReason::linked, teller);
  }
}

u32 cancel_gathered(State& state, u32 count, CancelReason reason, Teller& teller) {
  const u32 before = state.orders.slots().live();
  for (u32 i = 0; i < count; ++i) {
    const u32 slot = state.ending[i];
    if ((state.orders.node(slot).flags & kOrderLive) != 0) {
      cancel_order(state, slot, reason, teller);
    }
  }
  return before - state.orders.slots().live();
}

void lower(State& state, u32 slot, i64 lots) {
  OrderNode& node = state.orders.node(slot);
  QC_ASSERT(lots > 0 && lots < node.leaves);
  if (node.level != kNone) {
    Book::reduce(state.pages, node, lots);
  } else {
    node.leaves -= lots;
  }
  state.orders.record(slot).quantity -= lots;
}

void tell_replaced(State& state, u32 slot, ReplaceReason reason, bool priority_kept,
                   Teller& teller) {
  const OrderNode& node = state.orders.node(slot);
  const OrderRecord& order = state.orders.record(slot);
  const Instrument& instrument = state.instruments[node.instrument];
  OrderReplaced& event = teller.tell<OrderReplaced>(instrument.id, state.accounts[node.account].id);
  event.price = order.price;
  event.quantity = order.quantity;
  event.leaves = node.leaves;
  event.order_sequence = order.sequence;
  event.order_slot = slot;
  event.reason = static_cast<u8>(reason);
  event.priority_kept = priority_kept ? 1 : 0;
  if (!state.accounting()) return;
  event.hold = order.hold;
  event.hold_currency = held_currency(instrument, is_sell(node));
  if (reason != ReplaceReason::holds_for_both) share_hold(state, slot, teller);
}

void share_hold(State& state, u32 slot, Teller& teller) {
  const u32 other = sibling(state, slot);
  if (other == kNone || !state.accounting()) return;
  const i64 hold = hold_now(state, other);
  if (hold == state.orders.record(other).hold) return;
  set_hold(state, other, hold);
  tell_replaced(state, other, ReplaceReason::holds_for_both, true, teller);
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
  u32 position = kNone;
  while (node.leaves > 0 && instrument.book.crosses(makers_sell, order.price)) {
    if (((instrument.rare & kRareShared) != 0 || order.extra != kNone) &&
        match_rare(state, instrument, slot, ladder.best_level(), position, teller)) [[unlikely]] {
      continue;
    }
    const u32 maker = state.pages.level(ladder.best_level()).head;
    if (stp_of(node) != kStpNone &&
        state.same_party(state.orders.node(maker).account, node.account)) {
      if (!prevent_self_trade(state, maker, slot, teller)) return false;
    } else {
      fill(state, instrument, maker, slot, kMaxI64, position, teller);
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
