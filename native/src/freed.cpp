#include "quantumcore/advanced.hpp"
#include "quantumcore/commands.hpp"
#include "quantumcore/triggers.hpp"

/// Orders whose parent is done (docs/reference/orders.md section 2, step 4).
namespace quantumcore {

namespace {

/// Why an order cannot become active, or `requested`: it can.
CancelReason why_not(const State& state, u32 slot) {
  const OrderNode& node = state.orders.node(slot);
  const OrderRecord& order = state.orders.record(slot);
  const bool enters = !is_triggered(state.extras[order.extra].type);
  u32 level;
  if (!judge_active(state, slot, enters, level)) return CancelReason::beyond_bounds;
  if (state.accounting()) {
    const u32 row = is_sell(node) ? order.base_balance : order.quote_balance;
    if (own_need(state, slot) > state.accounts.balance(row).available()) {
      return CancelReason::no_funds;
    }
  }
  return CancelReason::requested;
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
  CancelReason reason = CancelReason::requested;
  for (const u32 slot : members) {
    if (slot == kNone) continue;
    const i64 leaves = state.orders.node(slot).leaves;
    if (link.kind == kBracket && leaves > link.lots) lower(state, slot, leaves - link.lots);
    if (reason == CancelReason::requested) reason = why_not(state, slot);
  }
  const bool fit = reason == CancelReason::requested;
  link.waits = 0;
  if (!fit || members[1] == kNone) release_link(state, row);
  for (const u32 slot : members) {
    if (slot == kNone) continue;
    state.orders.node(slot).flags &= ~kOrderForParent;
    if (!fit) {
      cancel_order(state, slot, reason, teller);
      continue;
    }
    if (state.accounting()) set_hold(state, slot, hold_now(state, slot));
    tell_triggered(state, slot, teller);
    tell_replaced(state, slot, ReplaceReason::follows, false, teller);
  }
  for (const u32 slot : members) {
    if (fit && slot != kNone && state.orders.is(slot, sequence)) {
      start_advanced(state, slot, kNone, teller);
    }
  }
  return true;
}

}  // namespace quantumcore
