#include "quantumcore/rare.hpp"

#include "quantumcore/commands.hpp"
#include "quantumcore/expiry.hpp"
#include "quantumcore/fees.hpp"
#include "quantumcore/phases.hpp"

namespace quantumcore {

namespace {

void rest_dark(State& state, u32 slot) {
  const OrderNode& node = state.orders.node(slot);
  Instrument& instrument = state.instruments[node.instrument];
  RareBook& rare = state.rare_of(instrument);
  const bool sell = is_sell(node);
  instrument.rare |= kRareDark;
  ++rare.dark_orders;
  Book::queue(state.pages, state.orders, rare.dark[sell ? 1 : 0], slot, sell,
              state.orders.record(slot).price);
}

void rest_or_cancel(State& state, u32 slot, CancelReason reason, Teller& teller) {
  const OrderNode& node = state.orders.node(slot);
  if ((node.flags & kOrderNeverRests) != 0) {
    cancel_order(state, slot, reason, teller);
    return;
  }
  Instrument& instrument = state.instruments[node.instrument];
  if ((node.flags & kOrderDark) == 0 && stands_at_edge(state, instrument, slot, teller)) return;
  rest(state, instrument, slot, kNone);
}

}  // namespace

i64 rare_hold_now(const State& state, u32 slot) {
  const OrderNode& node = state.orders.node(slot);
  const i64 leaves = leaves_of(state, slot);
  if (leaves == 0) return 0;
  const OrderRecord& order = state.orders.record(slot);
  const Instrument& instrument = state.instruments[node.instrument];
  if (is_sell(node)) return leaves * instrument.asset_per_lot;
  const OrderSums& sums = state.orders.sums(slot);
  u128 hold = buy_hold(order.rates, sums, limit_of(state, slot), leaves, instrument.unit);
  if ((node.flags & kOrderBudget) != 0) {
    const i64 left = state.extra_of(slot).terms.budget - sums.moved - sums.charged;
    QC_ASSERT(left >= 0);
    hold = std::min(hold, static_cast<u128>(static_cast<u64>(left)));
  }
  QC_ASSERT(hold <= static_cast<u64>(kMaxI64));
  return static_cast<i64>(hold);
}

void rest_in_book(State& state, u32 slot) {
  if ((state.orders.node(slot).flags & kOrderDark) != 0) {
    rest_dark(state, slot);
  } else {
    rest_shown(state, slot);
  }
}

void add_extra(State& state, u32 slot, const Beyond& beyond) {
  restore_extra(state, slot, beyond.extra);
  OrderNode& node = state.orders.node(slot);
  node.flags |= beyond.flags;
  if ((node.flags & kOrderReduceOnly) != 0) count_reducing(state, node.account, node.instrument, 1);
  note_end(state, state.orders.record(slot).extra);
  join_account(state, slot);
}

void restore_extra(State& state, u32 slot, const Extra& extra) {
  const u32 row = state.extras.acquire();
  state.extras[row] = extra;
  state.extras[row].slot = slot;
  state.orders.record(slot).extra = row;
}

void restore_place(State& state, u32 slot) {
  const OrderNode& node = state.orders.node(slot);
  if ((node.flags & kOrderDark) != 0) {
    rest_dark(state, slot);
    return;
  }
  // What it shows stands in the row's leaves, and need not be its display any more.
  Instrument& instrument = state.instruments[node.instrument];
  instrument.book.append(state.pages, state.orders, slot, is_sell(node),
                         state.orders.record(slot).price);
  if ((node.flags & kOrderIceberg) == 0) return;
  instrument.rare |= kRareIcebergs;
  ++state.rare_of(instrument).icebergs;
}

void begin(State& state, u32 slot, Teller& teller) {
  if ((state.orders.node(slot).flags & kOrderPeg) != 0) link_peg(state, slot);
  if (is_triggered(state.extra_of(slot).type)) {
    wait_for_price(state, state.orders.record(slot).extra);
  } else {
    work(state, slot, kNone, teller);
  }
}

void leave_book(State& state, u32 slot) {
  OrderNode& node = state.orders.node(slot);
  Instrument& instrument = state.instruments[node.instrument];
  state.touch(instrument);
  if ((node.flags & kOrderForPrice) != 0) leave_wait(state, state.orders.record(slot).extra);
  node.flags &= ~kOrderWaits;
  if (node.level == kNone) return;
  RareBook& rare = state.rare_of(instrument);
  if ((node.flags & kOrderDark) != 0) {
    Book::unqueue(state.pages, state.orders, rare.dark[is_sell(node) ? 1 : 0], slot);
    if (--rare.dark_orders == 0) instrument.rare &= ~kRareDark;
    return;
  }
  instrument.book.remove(state.pages, state.orders, slot);
  if ((node.flags & kOrderIceberg) == 0) return;
  Extra& extra = state.extra_of(slot);
  node.leaves += extra.reserve;
  extra.reserve = 0;
  if (--rare.icebergs == 0) instrument.rare &= ~kRareIcebergs;
}

void drop_extra(State& state, u32 slot) {
  const OrderNode& node = state.orders.node(slot);
  const u32 row = state.orders.record(slot).extra;
  part(state, slot);  // a parent that is filled frees its orders
  if ((node.flags & kOrderPeg) != 0) unlink_peg(state, slot);
  if (state.extras[row].in_calls != 0) leave_calls(state, slot);
  if ((node.flags & kOrderReduceOnly) != 0) {
    count_reducing(state, node.account, node.instrument, -1);
  }
  forget_end(state, row);
  state.extras.release(row);
}

void tell_terms(const State& state, u32 slot, bool waits, Teller& teller) {
  const OrderNode& node = state.orders.node(slot);
  TermsAccepted& event = teller.tell<TermsAccepted>(state.instruments[node.instrument].id,
                                                    state.accounts[node.account].id);
  event.order_sequence = state.orders.record(slot).sequence;
  event.order_slot = slot;
  event.waits = waits ? 1 : 0;
  event.dark = (node.flags & kOrderDark) != 0 ? 1 : 0;
  event.terms = state.extra_of(slot).terms;
}

namespace {

/// The way of an order that is not plain, or through a book with dark orders.
void work_beyond(State& state, u32 slot, Teller& teller) {
  const OrderNode& node = state.orders.node(slot);
  if ((node.flags & kOrderFillOrKill) != 0 && !could_fill(state, slot)) {
    cancel_order(state, slot, CancelReason::fill_or_kill, teller);
    return;
  }
  if ((node.flags & kOrderMinimum) != 0) {
    const i64 minimum = minimum_of(state, slot);
    if (could_have(state, slot, minimum).lots < minimum) {
      rest_or_cancel(state, slot, CancelReason::minimum_not_met, teller);
      return;
    }
  }
  // A post_only order never takes: what is dark and crosses it takes it in the aftermath.
  if ((node.flags & kOrderPostOnly) == 0 && !match_rarely(state, slot, teller)) return;
  if (node.leaves == 0) {
    finish_order(state, slot, Fate::filled);
  } else {
    rest_or_cancel(state, slot, CancelReason::immediate_or_cancel, teller);
  }
}

}  // namespace

void work_rare(State& state, u32 slot, u32 level, Teller& teller) {
  const OrderNode& node = state.orders.node(slot);
  Instrument& instrument = state.instruments[node.instrument];
  state.touch(instrument);
  if ((node.flags & kOrderPeg) != 0) {
    await_reference(state, slot);
    return;
  }
  if (seat(state, instrument, slot, level, teller)) return;
  if ((node.flags & kOrderRare) != 0 || (instrument.rare & (kRareDark | kRareShared)) != 0) {
    work_beyond(state, slot, teller);
    return;
  }
  const bool takes = (node.flags & kOrderNeverRests) != 0 ||
                     instrument.book.crosses(!is_sell(node), state.orders.record(slot).price);
  if (takes) {
    if (!take(state, instrument, slot, teller)) return;
    level = kNone;  // a fill may have taken away who stood there
  }
  if (stands_at_edge(state, instrument, slot, teller)) return;
  rest(state, instrument, slot, level);
}

}  // namespace quantumcore
