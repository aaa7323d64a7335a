#include <algorithm>

#include "quantumcore/admission.hpp"
#include "quantumcore/commands.hpp"
#include "quantumcore/exposure.hpp"
#include "quantumcore/phases.hpp"
#include "quantumcore/rare.hpp"

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

/// Whether fill-or-kill can have all its lots in a plain book: the same walk as matching, without a
/// trade.
bool can_fill(State& state, const Instrument& instrument, u32 taker) {
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
      if (mode != kStpNone && state.same_party(maker.account, node.account)) {
        if (mode == kStpCancelOldest) continue;
        return false;
      }
      found += static_cast<u64>(maker.leaves);
      if (found >= static_cast<u64>(node.leaves)) return true;
    }
  }
  return false;
}

/// Takes `lots` off what is left of an order, wherever it is.
void take_lots(State& state, OrderNode& node, i64 lots) {
  if (node.level != kNone) {
    Book::reduce(state.pages, node, lots);
  } else {
    node.leaves -= lots;
  }
}

/// What a trade of `lots` sets off before it happens, where orders are tied or prices are banded:
/// the others of both orders' pairs go, or shrink.
void prepare_fill(State& state, const Instrument& instrument, u32 maker, u32 taker, i64 lots,
                  Teller& teller) {
  if ((instrument.rare & kRareLinked) != 0) {
    before_trade(state, taker, lots, teller);
    before_trade(state, maker, lots, teller);
  }
  if ((instrument.rare & kRareBands) != 0) note_trade(state, instrument, teller);
}

/// The positions of both sides of a trade, by row.
struct Traded {
  u32 maker;
  u32 taker;
};

/// The common half of every trade: `lots` have left both orders. Moves both positions.
[[gnu::always_inline]] inline Traded print(State& state, Instrument& instrument, u32 maker,
                                           u32 taker, i64 price, i64 lots, Teller& teller) {
  const OrderNode& resting = state.orders.node(maker);
  const OrderNode& incoming = state.orders.node(taker);
  if (state.accounting()) state.orders.prefetch_sums(maker);  // nothing else comes near them
  instrument.last_price = price;
  if (instrument.rare != 0) [[unlikely]] {
    note_print(state.rare_of(instrument), price);
  }

  TradePrinted& event =
      teller.tell<TradePrinted>(instrument.id, state.accounts[incoming.account].id);
  event.maker_account = state.accounts[resting.account].id;
  event.maker_order_sequence = state.orders.record(maker).sequence;
  event.taker_order_sequence = state.orders.record(taker).sequence;
  set_word(event, offsetof(TradePrinted, maker_slot), maker | u64{taker} << 32);
  event.maker_leaves = leaves_of(state, maker);
  event.taker_leaves = leaves_of(state, taker);
  event.price = price;
  event.quantity = lots;
  u64 quote = 0;
  if (state.accounting()) {
    settle_fill(state, instrument, maker, taker, price, lots, event);
    quote = instrument.terms.quote;
    set_word(event, offsetof(TradePrinted, base), instrument.terms.base);
  }
  const bool sells = is_sell(incoming);
  // fill, taker_side, quote
  set_word(event, offsetof(TradePrinted, fill),
           teller.next_fill() | u64{sells ? kSell : kBuy} << 32 | quote << 48);
  const Traded rows{traded_position(state, maker), traded_position(state, taker)};
  fill_position(state, state.positions[rows.maker], !sells, lots);
  fill_position(state, state.positions[rows.taker], sells, lots);
  if ((instrument.rare & kRareLinked) != 0) [[unlikely]] {
    recount_tied(state, maker);
    recount_tied(state, taker);
  }
  if (((state.accounts[resting.account].guarded | state.accounts[incoming.account].guarded) &
       kGuardFills) != 0) [[unlikely]] {
    note_fill(state, resting.account, instrument, !sells, lots);
    note_fill(state, incoming.account, instrument, sells, lots);
  }
  return rows;
}

/// A resting order has nothing shown any more: it is filled, or shows what it has behind it.
void sold_out(State& state, u32 slot, Teller& teller) {
  if (leaves_of(state, slot) == 0) {
    finish_order(state, slot, Fate::filled);
  } else {
    refill(state, slot, teller);
  }
}

/// Trades `lots`, which both show, at the maker's price.
[[gnu::always_inline]] inline void fill(State& state, Instrument& instrument, u32 maker, u32 taker,
                                        i64 lots, Teller& teller) {
  OrderNode& resting = state.orders.node(maker);
  if (instrument.rare != 0) [[unlikely]] {
    prepare_fill(state, instrument, maker, taker, lots, teller);
  }
  Book::reduce(state.pages, resting, lots);
  state.orders.node(taker).leaves -= lots;
  const Traded rows =
      print(state, instrument, maker, taker, state.orders.record(maker).price, lots, teller);
  if (resting.leaves == 0) sold_out(state, maker, teller);
  if (instrument.rare != 0) [[unlikely]] {
    trim(state, rows.maker, teller);
    trim(state, rows.taker, teller);
  }
}

/// Takes `lots` off an order without a trade.
void decrement(State& state, u32 slot, i64 lots, Teller& teller) {
  if (leaves_of(state, slot) == lots) {
    cancel_order(state, slot, CancelReason::self_trade_prevention, teller);
    return;
  }
  lower(state, slot, lots);
  if (state.accounting()) set_hold(state, slot, hold_now(state, slot));
  tell_replaced(state, slot, ReplaceReason::decremented, true, teller);
}

void cancel_one(State& state, u32 slot, CancelReason reason, Teller& teller) {
  const OrderNode& node = state.orders.node(slot);
  const OrderRecord& order = state.orders.record(slot);
  const Instrument& instrument = state.instruments[node.instrument];
  OrderCancelled& event =
      teller.tell<OrderCancelled>(instrument.id, state.accounts[node.account].id);
  event.order_sequence = order.sequence;
  event.quantity = leaves_of(state, slot);
  u64 currency = 0;
  if (state.accounting()) {
    event.released = order.hold;
    currency = held_currency(instrument, is_sell(node));
    set_hold(state, slot, 0);
  }
  // order_slot, reason, hold_currency
  set_word(event, offsetof(OrderCancelled, order_slot),
           slot | u64{static_cast<u16>(reason)} << 32 | currency << 48);
  finish_order(state, slot, Fate::cancelled);
}

}  // namespace

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
      const i64 resting = leaves_of(state, maker);
      const i64 incoming = leaves_of(state, taker);
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

void trade(State& state, Instrument& instrument, u32 maker, u32 taker, i64 price, Teller& teller) {
  OrderNode& resting = state.orders.node(maker);
  OrderNode& incoming = state.orders.node(taker);
  const i64 lots = std::min(resting.leaves, incoming.leaves);
  prepare_fill(state, instrument, maker, taker, lots, teller);
  take_lots(state, resting, lots);
  take_lots(state, incoming, lots);
  const Traded rows = print(state, instrument, maker, taker, price, lots, teller);
  if (resting.leaves == 0) sold_out(state, maker, teller);
  // An iceberg that came before in an auction shows what it has behind it, as the maker's does.
  if (incoming.level != kNone && incoming.leaves == 0 && leaves_of(state, taker) != 0) {
    refill(state, taker, teller);
  }
  trim(state, rows.maker, teller);
  trim(state, rows.taker, teller);
}

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
  if (state.watches_worth) [[unlikely]] {
    note_worth(state, slot, 0);
  }
  if (order.extra != kNone) [[unlikely]] {
    leave_book(state, slot);
    drop_extra(state, slot);
  } else if (node.level != kNone) {
    state.touch(state.instruments[node.instrument]);
    state.instruments[node.instrument].book.remove(state.pages, state.orders, slot);
  }
  leave_account(state, slot);
  if (state.accounting()) {
    end_working(state, state.positions[order.position], is_sell(node), node.leaves);
  }
  if (state.accounting()) {
    QC_ASSERT(order.hold == 0);  // no hold without a working order
    state.client_ids.set_fate(order.client_entry, order.sequence, fate);
  }
  state.orders.release(slot);
}

void cancel_order(State& state, u32 slot, CancelReason reason, Teller& teller) {
  if (state.orders.record(slot).extra == kNone) [[likely]] {
    cancel_one(state, slot, reason, teller);
    return;
  }
  const Parted ended = part(state, slot);
  cancel_one(state, slot, reason, teller);
  for (const u32 other : ended.slots) {
    if (other != kNone) cancel_one(state, other, CancelReason::linked, teller);
  }
}

void cancel_listed(State& state, u32 count, CancelReason reason, Teller& teller) {
  for (u32 i = 0; i < count; ++i) {
    const u32 slot = state.ending[i];
    if ((state.orders.node(slot).flags & kOrderLive) != 0) {
      cancel_order(state, slot, reason, teller);
    }
  }
}

void lower(State& state, u32 slot, i64 lots) {
  QC_ASSERT(lots > 0 && lots < leaves_of(state, slot));
  shrink(state, slot, lots);
  state.orders.record(slot).quantity -= lots;
  change_working(state, slot, -lots);
  recount_tied(state, slot);
}

void tell_replaced(State& state, u32 slot, ReplaceReason reason, bool priority_kept,
                   Teller& teller) {
  write_replaced(state, slot, leaves_of(state, slot), reason, priority_kept, teller);
  if ((state.orders.node(slot).flags & kOrderRare) != 0) hold_anew(state, slot, teller);
}

void hold_anew(State& state, u32 slot, Teller& teller) {
  const u32 other = sibling(state, slot);
  if (other == kNone || !state.accounting()) return;
  const Link& link = state.links.rows[state.extra_of(slot).link];
  if (holds_apart(link, is_sell(state.orders.node(slot)))) return;
  const i64 hold = hold_now(state, other);
  if (hold == state.orders.record(other).hold) return;
  set_hold(state, other, hold);
  tell_replaced(state, other, ReplaceReason::holds_for_both, true, teller);
}

bool take(State& state, Instrument& instrument, u32 slot, Teller& teller) {
  const OrderNode& node = state.orders.node(slot);
  const OrderRecord& order = state.orders.record(slot);
  const bool makers_sell = !is_sell(node);
  if ((node.flags & kOrderFillOrKill) != 0) {
    const bool fills =
        instrument.rare != 0 ? could_fill(state, slot) : can_fill(state, instrument, slot);
    if (!fills) {
      cancel_order(state, slot, CancelReason::fill_or_kill, teller);
      return false;
    }
  }
  const bool banded = (instrument.rare & kRareBands) != 0;
  const Ladder& ladder = instrument.book.side(makers_sell);
  while (node.leaves > 0 && instrument.book.crosses(makers_sell, order.price)) {
    const u32 maker = state.pages.level(ladder.best_level()).head;
    if (state.accounting()) state.orders.prefetch_maker(state.orders.node(maker).next);
    const i64 price = state.orders.record(maker).price;
    if (banded && band_stops(state, instrument, slot, price, teller)) [[unlikely]] {
      return false;
    }
    if (stp_of(node) != kStpNone &&
        state.same_party(state.orders.node(maker).account, node.account)) {
      if (!prevent_self_trade(state, maker, slot, teller)) return false;
    } else {
      fill(state, instrument, maker, slot, std::min(state.orders.node(maker).leaves, node.leaves),
           teller);
      if (banded && velocity_trips(state, instrument, slot, price, teller)) [[unlikely]] {
        return false;
      }
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

namespace {

/// The way of a taker that is not plain, or through a book with dark orders, or levels that are
/// shared out.
class RareTaker {
 public:
  RareTaker(State& state, Instrument& instrument, u32 slot, Teller& teller)
      : state_(state),
        instrument_(instrument),
        slot_(slot),
        node_(state.orders.node(slot)),
        teller_(teller),
        makers_sell_(!is_sell(node_)),
        banded_((instrument.rare & kRareBands) != 0),
        shown_(instrument.book.side(makers_sell_)),
        dark_(state.rare_of(instrument).dark[makers_sell_ ? 1 : 0]),
        unlit_(state, dark_) {}

  /// Returns false when it is dealt with.
  bool run() {
    const i64 limit = key_of(makers_sell_, state_.orders.record(slot_).price);
    while (node_.leaves > 0) {
      const bool lit =
          !shown_.empty() &&
          (unlit_.slot == kNone || shown_.best_key() <= state_.pages.key_of_level(unlit_.level));
      if (!lit && unlit_.slot == kNone) break;
      const i64 key = lit ? shown_.best_key() : state_.pages.key_of_level(unlit_.level);
      if (key > limit) break;
      const i64 price = ticks_of(makers_sell_, key);
      const i64 wanted = affordable(state_, slot_, state_.orders.sums(slot_), price, node_.leaves);
      if (wanted == 0) break;
      if (!lit && std::min(wanted, state_.orders.node(unlit_.slot).leaves) <
                      minimum_of(state_, unlit_.slot)) {
        unlit_ = unlit_.next(state_, dark_);
        if (++passed_ == kMostPassed) unlit_.slot = kNone;
        continue;
      }
      if (banded_ && band_stops(state_, instrument_, slot_, price, teller_)) return false;
      if (lit ? !meet_shown(price, wanted) : !meet(unlit_.slot, price, wanted)) return false;
    }
    return true;
  }

 private:
  bool meet_shown(i64 price, i64 wanted) {
    const u32 level = shown_.best_level();
    const u32 count = (instrument_.rare & kRareShared) != 0
                          ? share_out(state_, instrument_, slot_, level, wanted)
                          : 0;
    if (count == 0) return meet(state_.pages.level(level).head, price, wanted);
    for (u32 i = 0; i < count; ++i) {
      const Part part = state_.parts[i];
      const OrderNode& maker = state_.orders.node(part.slot);
      // Else a fill before took it away.
      const bool stands = (maker.flags & kOrderLive) != 0 && maker.level != kNone;
      if (part.lots != 0 && stands && !fill_with(part.slot, price, part.lots)) return false;
    }
    return true;
  }

  bool meet(u32 maker, i64 price, i64 wanted) {
    if (maker == sibling(state_, slot_)) {
      cancel_other(state_, slot_, teller_);
      begin_again();
      return true;
    }
    const OrderNode& node = state_.orders.node(maker);
    if (stp_of(node_) == kStpNone || !state_.same_party(node.account, node_.account)) {
      return fill_with(maker, price, wanted);
    }
    const DarkWalk behind = after(maker);
    const bool revocable = is_revocable();
    if (!prevent_self_trade(state_, maker, slot_, teller_)) return false;
    unlit_ = behind;
    if (revocable) begin_again();
    return true;
  }

  bool fill_with(u32 maker, i64 price, i64 most) {
    const i64 lots = std::min({state_.orders.node(maker).leaves, node_.leaves, most});
    const bool leaves = lots == state_.orders.node(maker).leaves;
    const DarkWalk behind = leaves ? after(maker) : unlit_;
    const bool revocable = is_revocable();
    fill(state_, instrument_, maker, slot_, lots, teller_);
    if (banded_ && velocity_trips(state_, instrument_, slot_, price, teller_)) return false;
    unlit_ = behind;
    if (revocable) begin_again();
    return true;
  }

  void begin_again() {
    unlit_ = DarkWalk(state_, dark_);
    passed_ = 0;
  }
  /// Whether a fill may take dark orders away, or make those smaller that were passed over.
  bool is_revocable() const { return (instrument_.rare & (kRareLinked | kRareReducing)) != 0; }
  /// Where the walk through the dark goes on when `maker` has left; to be asked before.
  DarkWalk after(u32 maker) const {
    return maker == unlit_.slot ? unlit_.next(state_, dark_) : unlit_;
  }

  State& state_;
  Instrument& instrument_;
  const u32 slot_;
  const OrderNode& node_;
  Teller& teller_;
  const bool makers_sell_;
  const bool banded_;
  const Ladder& shown_;
  const Ladder& dark_;
  DarkWalk unlit_;  // all before it are passed over
  u32 passed_ = 0;
};

}  // namespace

bool match_rarely(State& state, u32 slot, Teller& teller) {
  return RareTaker(state, state.instruments[state.orders.node(slot).instrument], slot, teller)
      .run();
}

}  // namespace quantumcore
