#include <algorithm>

#include "quantumcore/commands.hpp"
#include "quantumcore/exposure.hpp"
#include "quantumcore/rare.hpp"

/// Orders that stand for each other (docs/reference/orders.md section 7).
namespace quantumcore {

namespace {

u32 link_of(const State& state, u32 slot) {
  const u32 extra = state.orders.record(slot).extra;
  return extra == kNone ? kNone : state.extras[extra].link;
}

void untie(State& state, u32 slot) {
  if (slot != kNone) state.extras[state.orders.record(slot).extra].link = kNone;
}

/// Whether link `a` is freed after link `b`: the top of the heap is what is freed first.
bool is_later(const State& state, u32 a, u32 b) {
  const Link& one = state.links.rows[a];
  const Link& other = state.links.rows[b];
  if (one.instrument != other.instrument) {
    return state.instruments[one.instrument].id > state.instruments[other.instrument].id;
  }
  if (one.sequence != other.sequence) return one.sequence > other.sequence;
  return one.eldest > other.eldest;
}

void push_due(State& state, u32 row) {
  u32* const due = state.links.due.data();
  due[state.links.due_count++] = row;
  std::push_heap(due, due + state.links.due_count,
                 [&](u32 a, u32 b) { return is_later(state, a, b); });
}

}  // namespace

void release_link(State& state, u32 row) {
  Link& link = state.links.rows[row];
  uncount_link(state, link);
  untie(state, link.parent);
  for (u32& member : link.members) {
    untie(state, member);
    member = kNone;
  }
  link.parent = kNone;
  RareBook& book = state.rare_books[link.instrument];
  QC_ASSERT(book.links > 0);
  if (--book.links == 0) state.instruments[link.instrument].rare &= ~kRareLinked;
  if (link.due == 0) state.links.rows.release(row);
}

bool waits_for_parent(const State& state, u32 slot) {
  const u32 row = link_of(state, slot);
  return row != kNone && state.links.rows[row].waits != 0 && state.links.rows[row].parent != slot;
}

u32 sibling_of_rare(const State& state, u32 slot) {
  const u32 row = link_of(state, slot);
  if (row == kNone) return kNone;
  const Link& link = state.links.rows[row];
  return link.waits != 0 ? kNone : link.members[link.members[0] == slot ? 1 : 0];
}

i64 linked_hold(const State& state, u32 slot) {
  const Link& link = state.links.rows[link_of(state, slot)];
  if (link.parent == slot) return own_need(state, slot);
  if (link.waits != 0) return 0;
  const u32 other = link.members[link.members[0] == slot ? 1 : 0];
  const bool sell = is_sell(state.orders.node(slot));
  if (is_sell(state.orders.node(other)) != sell || holds_apart(link, sell)) {
    return own_need(state, slot);
  }
  if (link.members[0] != slot) return 0;
  return std::max(own_need(state, slot), own_need(state, other));
}

PairHold pair_hold(const State& state, u32 slot, i64 need) {
  const OrderRecord& order = state.orders.record(slot);
  if (order.extra == kNone) [[likely]] {
    return {need, order.hold};
  }
  if (waits_for_parent(state, slot)) return {0, 0};
  const u32 other = sibling(state, slot);
  const bool sell = is_sell(state.orders.node(slot));
  if (other == kNone || is_sell(state.orders.node(other)) != sell ||
      holds_apart(state.links.rows[link_of(state, slot)], sell)) {
    return {need, order.hold};
  }
  return {std::max(need, own_need(state, other)), order.hold + state.orders.record(other).hold};
}

void tie(State& state, const Link& link) {
  const u32 row = state.links.rows.acquire();
  state.links.rows[row] = link;
  for (const u32 slot : {link.parent, link.members[0], link.members[1]}) {
    if (slot != kNone) state.extras[state.orders.record(slot).extra].link = row;
  }
  ++state.rare_books[link.instrument].links;
  state.instruments[link.instrument].rare |= kRareLinked;
  recount_link(state, row);
}

void cancel_other(State& state, u32 slot, Teller& teller) {
  const u32 other = sibling(state, slot);
  release_link(state, link_of(state, slot));
  cancel_order(state, other, CancelReason::linked, teller);
  if (state.accounting()) set_hold(state, slot, hold_now(state, slot));
}

void before_trade(State& state, u32 slot, i64 lots, Teller& teller) {
  const u32 other = sibling(state, slot);
  if (other == kNone) return;
  Link& link = state.links.rows[link_of(state, slot)];
  const i64 least = std::min(leaves_of(state, slot), leaves_of(state, other));
  if (link.kind == kOco || lots >= least) {
    cancel_other(state, slot, teller);
    return;
  }
  link.members[0] = slot;
  link.members[1] = other;
  lower(state, other, lots);
  if (state.accounting()) {
    set_hold(state, other, hold_now(state, other));
    set_hold(state, slot, hold_now(state, slot));
  }
  tell_replaced(state, other, ReplaceReason::follows, true, teller);
}

Parted part(State& state, u32 slot) {
  Parted ended;
  const u32 row = link_of(state, slot);
  if (row == kNone) return ended;
  Link& link = state.links.rows[row];
  if (slot == link.parent) {
    const i64 leaves = leaves_of(state, slot);
    const i64 filled = state.orders.record(slot).quantity - leaves;
    if (link.kind == kOto ? leaves == 0 : filled > 0) {
      link.lots = filled;
      link.parent = kNone;
      link.due = 1;
      untie(state, slot);
      push_due(state, row);
      state.touch_rare(state.instruments[link.instrument]);
      return ended;
    }
  }
  u32 count = 0;
  for (const u32 member : link.members) {
    if (member != kNone && member != slot) ended.slots[count++] = member;
  }
  release_link(state, row);
  return ended;
}

u32 next_due(State& state, u32 instrument) {
  Links& links = state.links;
  while (links.due_count != 0) {
    const u32 row = links.due[0];
    Link& link = links.rows[row];
    const bool released = link.members[0] == kNone;
    if (!released && link.instrument != instrument) return kNone;
    u32* const due = links.due.data();
    std::pop_heap(due, due + links.due_count, [&](u32 a, u32 b) { return is_later(state, a, b); });
    --links.due_count;
    link.due = 0;
    if (!released) return row;
    links.rows.release(row);
  }
  return kNone;
}

}  // namespace quantumcore
