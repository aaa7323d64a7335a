#include "quantumcore/commands.hpp"
#include "quantumcore/gate.hpp"

/// Orders whose parent is done (docs/reference/orders.md section 2, step 4).
namespace quantumcore {

namespace {

/// Whether an order would be accepted now: amounts, funds, its level and its window.
bool may_become_active(const State& state, u32 slot) {
  const OrderNode& node = state.orders.node(slot);
  const OrderRecord& order = state.orders.record(slot);
  const Instrument& instrument = state.instruments[node.instrument];
  Refusal why;
  Wish wish{};
  wish.sell = is_sell(node);
  wish.price = order.price;
  wish.lots = node.leaves;
  if (state.accounting()) {
    const u32 row = wish.sell ? order.base_balance : order.quote_balance;
    if (!judge_overflows(state, instrument, order, kNoSums, wish, why) ||
        wish.hold > state.accounts.balance(row).available()) {
      return false;
    }
  }
  if ((node.flags & kOrderNeverRests) != 0) return true;
  const Ladder& side = instrument.book.side(wish.sell);
  const Ladder::Place place = side.place(state.pages, key_of(wish.sell, wish.price));
  const i64 there = place.level == kNone ? 0 : state.pages.level(place.level).lots;
  return lots_fit(there, wish.lots) && side.has_room(state.pages, place);
}

void tell_triggered(const State& state, u32 slot, Teller& teller) {
  const OrderNode& node = state.orders.node(slot);
  OrderTriggered& event = teller.tell<OrderTriggered>(state.instruments[node.instrument].id,
                                                      state.accounts[node.account].id);
  event.order_sequence = state.orders.record(slot).sequence;
  event.limit = state.orders.record(slot).price;
  event.order_slot = slot;
  event.source = kTriggerParent;
}

}  // namespace

bool free_one(State& state, Instrument& instrument, Teller& teller) {
  const u32 row = next_due(state, state.slot_of(instrument));
  if (row == kNone) return false;
  Link& link = state.links.rows[row];
  const u32 members[2] = {link.members[0], link.members[1]};
  const u64 sequence = link.sequence;
  bool fit = true;
  for (const u32 slot : members) {
    if (slot == kNone) continue;
    const i64 leaves = state.orders.node(slot).leaves;
    if (link.kind == kBracket && leaves > link.lots) lower(state, slot, leaves - link.lots);
    fit = fit && may_become_active(state, slot);
  }
  link.waits = 0;
  if (!fit || members[1] == kNone) release_link(state, row);
  for (const u32 slot : members) {
    if (slot == kNone) continue;
    state.orders.node(slot).flags &= ~kOrderWaits;
    if (!fit) {
      cancel_order(state, slot, CancelReason::cannot_become_active, teller);
      continue;
    }
    if (state.accounting()) set_hold(state, slot, hold_now(state, slot));
    tell_triggered(state, slot, teller);
    tell_replaced(state, slot, ReplaceReason::follows, false, teller);
  }
  for (const u32 slot : members) {
    if (fit && slot != kNone && state.orders.is(slot, sequence)) work(state, slot, kNone, teller);
  }
  return true;
}

}  // namespace quantumcore
