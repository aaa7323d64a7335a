#include "quantumcore/advanced.hpp"
#include "quantumcore/commands.hpp"
#include "quantumcore/triggers.hpp"

/// Orders whose parent is done (docs/reference/orders.md section 2, step 4).
namespace quantumcore {

namespace {

/// Whether an order would be accepted now: amounts, funds, its level and its window. Where one that
/// then waits for a price will rest is judged when it is active.
bool may_become_active(const State& state, u32 slot) {
  u32 level;
  i64 need;
  const bool for_price = is_triggered(state.extra_of(slot).type);
  if (!judge_active(state, slot, !for_price, level, need)) return false;
  if (!state.accounting()) return true;
  const OrderRecord& order = state.orders.record(slot);
  const u32 row = is_sell(state.orders.node(slot)) ? order.base_balance : order.quote_balance;
  return need <= state.accounts.balance(row).available();
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
    if (fit && slot != kNone && state.orders.is(slot, sequence)) begin(state, slot, kNone, teller);
  }
  return true;
}

}  // namespace quantumcore
