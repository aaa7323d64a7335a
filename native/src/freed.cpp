#include <algorithm>

#include "quantumcore/commands.hpp"
#include "quantumcore/exposure.hpp"
#include "quantumcore/phases.hpp"
#include "quantumcore/rare.hpp"

/// Orders whose parent is done (docs/reference/orders.md section 2, step 4).
namespace quantumcore {

namespace {

/// Finds out why an order cannot become active; true: it can. Where one that then waits for a price
/// will rest is judged when it is active.
/// `before`: what is held for another that becomes active with it; what this one holds is added.
bool may_become_active(const State& state, const Instrument& instrument, u32 slot, bool apart,
                       i128& before, CancelReason& why_not) {
  const Extra& extra = state.extra_of(slot);
  const OrderNode& node = state.orders.node(slot);
  const bool lasts = (node.flags & kOrderNeverRests) == 0;
  const bool rests = (node.flags & kOrderPeg) == 0 && !is_triggered(extra.type) &&
                     may_rest_in(instrument.terms.status, extra.time_in_force, lasts);
  i64 need;
  why_not = CancelReason::out_of_bounds;
  if (!judge_active(state, slot, rests, need)) return false;
  why_not = CancelReason::no_funds;
  if (state.accounts[node.account].barred != 0) return false;  // what it would hold it may not
  if (!state.accounting()) return true;
  const OrderRecord& order = state.orders.record(slot);
  const i64 available = state.accounts.available(state.accounts.balance(order.held_balance));
  if (need > std::max<i128>(available - before, 0)) return false;
  if (apart) before += need;
  return true;
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
  i64 cuts[2] = {0, 0};
  bool fit = true;
  CancelReason why_not{};
  i128 before = 0;
  for (u32 i = 0; i < 2; ++i) {
    const u32 slot = members[i];
    if (slot == kNone) continue;
    if (link.kind == kBracket) cuts[i] = std::max<i64>(0, leaves_of(state, slot) - link.lots);
    if (cuts[i] != 0) lower(state, slot, cuts[i]);
    const bool apart = holds_apart(link, is_sell(state.orders.node(slot)));
    fit = fit && may_become_active(state, instrument, slot, apart, before, why_not);
  }
  link.waits = 0;
  if (!fit || members[1] == kNone) {
    release_link(state, row);
  } else {
    recount_link(state, row);
  }
  for (u32 i = 0; i < 2; ++i) {
    const u32 slot = members[i];
    if (slot == kNone) continue;
    state.orders.node(slot).flags &= ~kOrderWaits;
    if (!fit) {
      state.orders.node(slot).leaves += cuts[i];  // it ends as it was told
      change_working(state, slot, cuts[i]);
      state.orders.record(slot).quantity += cuts[i];
      cancel_order(state, slot, why_not, teller);
      continue;
    }
    if (state.accounting()) set_hold(state, slot, hold_now(state, slot));
    tell_triggered(state, slot, teller);
    tell_replaced(state, slot, ReplaceReason::follows, false, teller);
  }
  for (const u32 slot : members) {
    if (!fit || slot == kNone || !state.orders.is(slot, sequence)) continue;
    // Nothing else says that it is in no book.
    if (waits_in(instrument.terms.status, time_in_force_of(state, slot))) {
      tell_waits(state, slot, kWaitsForAuction, teller);
    }
    begin(state, slot, teller);
  }
  return true;
}

}  // namespace quantumcore
