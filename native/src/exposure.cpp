#include "quantumcore/exposure.hpp"

#include <algorithm>

#include "quantumcore/act.hpp"
#include "quantumcore/commands.hpp"
#include "quantumcore/rare.hpp"

/// What works, and what it could come to (docs/reference/engine.md section 14).
namespace quantumcore {

namespace {

const Link* link_of(const State& state, u32 slot) {
  const u32 extra = state.orders.record(slot).extra;
  const u32 row = extra == kNone ? kNone : state.extras[extra].link;
  return row == kNone ? nullptr : &state.links.rows[row];
}

u32 pair_of(const State& state, const Link* link, u32 slot) {
  if (link == nullptr || link->parent == slot) return kNone;
  const u32 other = link->members[link->members[0] == slot ? 1 : 0];
  if (other == kNone) return kNone;
  const bool alike = is_sell(state.orders.node(other)) == is_sell(state.orders.node(slot));
  return alike ? other : kNone;
}

/// What two exits count for, or an order without a pair.
i128 counted(const State& state, const Link* link, i64 own, i64 others) {
  const i64 most = std::max(own, others);
  if (link == nullptr || link->kind != kBracket || link->waits == 0) return most;
  if (link->parent == kNone) return std::min(most, link->lots);
  const i64 filled = state.orders.record(link->parent).quantity - leaves_of(state, link->parent);
  return std::min(most, filled);
}

void add_worth(State& state, u32 row, i128 change) {
  const Position& position = state.positions[row];
  state.position_worth[row] += change;
  state.balance_worth[position.quote_balance] += change;
  const u32 firm = state.accounts[position.account].firm;
  if (firm == 0) return;
  const u16 currency = state.instruments[position.instrument].terms.quote;
  MoneyRecord* const record = state.money_limits.find({Scope::firm, kNone, kNone, firm, currency});
  if (record != nullptr) record->working += change;
}

}  // namespace

u32 pair_of(const State& state, u32 slot) { return pair_of(state, link_of(state, slot), slot); }

i128 counted_with(const State& state, u32 slot, i64 lots) {
  const Link* const link = link_of(state, slot);
  if (link != nullptr && link->parent == slot) return lots;
  const u32 other = pair_of(state, link, slot);
  return counted(state, link, lots, other == kNone ? 0 : leaves_of(state, other));
}

// ---- sums ---------------------------------------------------------------------------------------

u32 make_position(State& state, u32 account, u32 instrument) {
  const u32 found = find_position(state, account, instrument);
  if (found != kNone) return found;
  Position blank{};
  blank.account = account;
  blank.instrument = instrument;
  blank.group = blank.base_balance = blank.quote_balance = kNone;
  Account& owner = state.accounts[account];
  if (owner.group != 0) {
    blank.group = state.group_positions.make(owner.group, instrument);
    ++state.group_positions[blank.group].positions;
  }
  return state.positions.add(blank, owner.first_position);
}

u32 move_position(State& state, u32 account, u32 instrument, i128 lots) {
  const u32 row = make_position(state, account, instrument);
  Position& position = state.positions[row];
  position.lots += lots;
  for (const bool sell : {false, true}) {
    const i128 change = sell ? -lots : lots;
    position.worst[sell ? 1 : 0] += change;
    if (position.group != kNone) change_group(state, position, sell, change, 0);
  }
  return row;
}

void change_group(State& state, const Position& position, bool sell, i128 lots, i32 orders) {
  GroupPosition& group = state.group_positions[position.group];
  group.worst[sell ? 1 : 0] += lots;
  group.open_orders += static_cast<u32>(orders);
}

void count_in_group(State& state, u32 account, i32 sign) {
  const Account& owner = state.accounts[account];
  if (owner.group == 0) return;
  for (u32 row = owner.first_position; row != kNone; row = state.positions[row].next) {
    Position& p = state.positions[row];
    if (sign > 0) p.group = state.group_positions.make(owner.group, p.instrument);
    GroupPosition& group = state.group_positions[p.group];
    for (const u32 side : {0U, 1U}) group.worst[side] += sign * p.worst[side];
    group.open_orders += static_cast<u32>(sign) * p.open_orders;
    group.positions += static_cast<u32>(sign);
    if (sign > 0) continue;
    if (group.positions == 0) state.group_positions.drop(p.group);
    p.group = kNone;
  }
}

void recount_link(State& state, u32 row) {
  Link& link = state.links.rows[row];
  const u32 first = link.members[0];
  if (first == kNone || !state.accounting()) return;
  const u32 second = pair_of(state, &link, first);
  i128 lots = 0;
  i64 worth = 0;
  const i64 leaves = leaves_of(state, first);
  if (second != kNone) {
    const i64 others = leaves_of(state, second);
    lots = static_cast<i128>(leaves) + others - counted(state, &link, leaves, others);
    worth = std::min(state.order_worth[first], state.order_worth[second]);
  }
  const u32 position = state.orders.record(first).position;
  change_working(state, first, link.over_lots - lots);
  if (link.over_worth != worth)
    add_worth(state, position, static_cast<i128>(link.over_worth) - worth);
  link.over_lots = lots;
  link.over_worth = worth;
}

void recount_tied_rare(State& state, u32 slot) {
  const u32 row = state.extra_of(slot).link;
  if (row != kNone) recount_link(state, row);
}

void uncount_link(State& state, Link& link) {
  const u32 first = link.members[0];
  if (first == kNone) return;
  change_working(state, first, link.over_lots);
  if (link.over_worth != 0) {
    add_worth(state, state.orders.record(first).position, link.over_worth);
  }
  link.over_lots = 0;
  link.over_worth = 0;
}

// ---- gross notional -----------------------------------------------------------------------------

i64 worth_beyond(const Instrument& instrument, u128 before, u128 ticks_lots) {
  const u128 worth =
      units(before + ticks_lots, instrument.unit).ceil() - units(before, instrument.unit).ceil();
  return static_cast<i64>(std::min<u128>(worth, static_cast<u64>(kMaxI64)));
}

i64 worth_of(const State& state, u32 slot) {
  const Instrument& instrument = state.instruments[state.orders.node(slot).instrument];
  return worth_beyond(instrument, state.orders.sums(slot).notional,
                      ticks_times_lots(limit_of(state, slot), leaves_of(state, slot)));
}

void watch_worth(State& state) {
  if (state.watches_worth) return;
  state.watches_worth = true;
  for (u32 slot = 0; slot < state.orders.slots().used(); ++slot) {
    if ((state.orders.node(slot).flags & kOrderLive) != 0) {
      note_worth(state, slot, worth_of(state, slot));
    }
  }
}

void note_worth(State& state, u32 slot, i64 worth) {
  const i64 change = worth - state.order_worth[slot];
  if (change == 0) return;
  state.order_worth[slot] = worth;
  add_worth(state, state.orders.record(slot).position, change);
  recount_tied(state, slot);
}

void note_filled(State& state, u32 slot, u128 ticks_lots) {
  const OrderNode& node = state.orders.node(slot);
  const Instrument& instrument = state.instruments[node.instrument];
  const u32 firm = state.accounts[node.account].firm;
  if (firm == 0) return;
  MoneyRecord* const record =
      state.money_limits.find({Scope::firm, kNone, kNone, firm, instrument.terms.quote});
  if (record == nullptr || record->limits.credit < 0) return;
  const u128 before = state.orders.sums(slot).notional - ticks_lots;
  record->filled += worth_beyond(instrument, before, ticks_lots);
}

void count_in_firm(State& state, u32 account, i32 sign) {
  const Account& owner = state.accounts[account];
  if (owner.firm == 0 || !state.watches_worth) return;
  for (u32 row = owner.first_position; row != kNone; row = state.positions[row].next) {
    const u16 currency = state.instruments[state.positions[row].instrument].terms.quote;
    MoneyRecord* const record =
        state.money_limits.find({Scope::firm, kNone, kNone, owner.firm, currency});
    if (record != nullptr) record->working += sign * state.position_worth[row];
  }
}

i128 worth_of_firm(const State& state, u32 firm, u16 currency) {
  i128 worth = 0;
  for (u32 row = 0; row < state.positions.count(); ++row) {
    const Position& p = state.positions[row];
    const bool counts = state.accounts[p.account].firm == firm &&
                        state.instruments[p.instrument].terms.quote == currency;
    if (counts) worth += state.position_worth[row];
  }
  return worth;
}

i128 lots_added(const State& state, const Beside& beside, const Wish& wish) {
  if (beside.replaced == kNone) return wish.lots;
  return counted_with(state, beside.replaced, wish.lots) -
         counted_with(state, beside.replaced, leaves_of(state, beside.replaced));
}

}  // namespace quantumcore
