#include <algorithm>
#include <vector>

#include "quantumcore/admission.hpp"
#include "quantumcore/commands.hpp"
#include "quantumcore/engine.hpp"
#include "quantumcore/expiry.hpp"
#include "quantumcore/exposure.hpp"
#include "quantumcore/phases.hpp"
#include "quantumcore/rare.hpp"
#include "quantumcore/snapshot_parts.hpp"

/// Reading a snapshot.
namespace quantumcore {

namespace {

using namespace snapshot;

void read_rare(State& state, Instrument& instrument, Reader& in) {
  const RareRow row = in.get<RareRow>();
  demand(row.prints <= kPrints && row.limit_side <= kSell && row.ends_by_time <= 1 &&
         row.printed <= 1 && row.rules.allocation <= kTopFirst &&
         row.switch_mode <= kSwitchReduceOnly && row.class_terms.product < 64 &&
         is_market_size(row.size));
  const u32 slot = state.slot_of(instrument);
  apply_rules(state, instrument, row.rules);
  RareBook& rare = state.rare_books[slot];
  rare.reference = row.reference;
  rare.closing_price = row.closing_price;
  rare.indicative =
      Indicative{row.indicative_price, row.indicative_quantity, row.indicative_imbalance};
  rare.limit_edge = row.limit_edge;
  rare.limit_until = row.limit_until;
  rare.call_until = row.call_until;
  rare.limit_side = static_cast<u8>(row.limit_side);
  rare.ends_by_time = row.ends_by_time != 0;
  rare.printed = row.printed != 0;
  rare.seen = row.seen;
  rare.mark = row.mark;
  rare.marked_at = row.marked_at;
  rare.bid = row.bid;
  rare.ask = row.ask;
  rare.quoted_at = row.quoted_at;
  rare.size = row.size;
  rare.class_terms = row.class_terms;
  rare.switch_mode = static_cast<u8>(row.switch_mode);
  note_class(state, instrument);
  rare.print_count = row.prints;
  for (u32 i = 0; i < row.prints; ++i) rare.prints[i] = in.get<Print>();
  note_deadline(state, slot);
}

void read_definitions(State& state, const Scalars& s, Reader& in) {
  demand(s.currencies <= kMaxCurrencies && s.instruments <= kMaxInstruments);
  for (u32 i = 0; i < s.currencies; ++i) {
    const CurrencyRow row = in.get<CurrencyRow>();
    demand(row.scale <= 9 && state.find_currency(row.id) < 0);
    Currency& c = state.add_currency(row.id, row.scale, row.code);
    c.fees = row.fees;
    c.rebates = row.rebates;
    c.rounding = row.rounding;
    c.owed = row.owed;
    std::memcpy(state.houses[i].moved, row.moved, sizeof row.moved);
    state.houses[i].fees_back = row.fees_back;
  }
  for (u32 i = 0; i < s.instruments; ++i) {
    const InstrumentRow row = in.get<InstrumentRow>();
    demand(state.find_currency(row.terms.base) >= 0 && state.find_currency(row.terms.quote) >= 0 &&
           row.terms.tick >= 1 && row.terms.lot >= 1 && row.terms.multiplier >= 1 &&
           row.terms.tick_scale <= kMaxScale && row.terms.lot_scale <= kMaxScale);
    demand(row.has_rare <= 1);
    Instrument& instrument = state.add_instrument(row.id, row.terms);
    instrument.last_price = row.last_price;
    state.rare_books[i].adjusted = row.adjusted;
    if (row.has_rare != 0) read_rare(state, instrument, in);
  }
}

/// Whether a record names what there is.
bool names_what_is(const State& state, u32 account, u32 instrument) {
  return (account == kNone || account < state.accounts.count()) &&
         (instrument == kNone || instrument < state.instrument_count);
}

void read_limits(State& state, const Scalars& s, Reader& in) {
  demand(s.quantity_limits <= s.max_limits && s.money_limits <= s.max_limits &&
         s.share_limits <= s.max_limits && s.reserved == 0);
  for (u32 i = 0; i < s.quantity_limits; ++i) {
    const QuantityRecord row = in.get<QuantityRecord>();
    demand(names_what_is(state, row.account, row.instrument) &&
           state.quantity_limits.find(row.key()) == nullptr);
    state.quantity_limits.add(row);
  }
  for (u32 i = 0; i < s.money_limits; ++i) {
    const MoneyRecord row = in.get<MoneyRecord>();
    demand(names_what_is(state, row.account, row.instrument) && row.working == 0 &&
           row.filled >= 0 && state.money_limits.find(row.key()) == nullptr);
    state.money_limits.add(row);
  }
  for (u32 i = 0; i < s.share_limits; ++i) {
    const ShareRecord row = in.get<ShareRecord>();
    demand(names_what_is(state, row.account, row.instrument) && is_market_shares(row.limits) &&
           state.share_limits.find(row.key()) == nullptr);
    state.share_limits.add(row);
  }
}

/// What limits of money go by, if there are any.
void sum_worth(State& state) {
  for (u32 i = 0; i < state.money_limits.count(); ++i) {
    const MoneyLimits& limits = state.money_limits[i].limits;
    if (limits.firm != 0 || limits.max_open_notional >= 0) watch_worth(state);
  }
}

void read_accounts(State& state, const Scalars& s, Reader& in) {
  demand(s.accounts <= s.max_accounts && s.balances <= s.max_balances);
  for (u32 i = 0; i < s.accounts; ++i) {
    const AccountRow row = in.get<AccountRow>();
    const u32 slot = state.accounts.open(row.id, row.owner);
    if (row.deadline_ns != 0) set_deadline(state, slot, row.deadline_ns);
    Account& a = state.accounts[slot];
    a.max_open_orders = row.max_open_orders;
    a.has_limits = row.has_limits;
    demand(row.killed <= kSwitchReduceOnly && row.barred <= kBarReducing);
    a.killed = row.killed;
    a.firm = row.firm;
    a.barred = row.barred;
    a.firm = row.firm;
    join_group(state, a, row.group);
  }
  for (u32 i = 0; i < s.balances; ++i) {
    const BalanceRow row = in.get<BalanceRow>();
    demand(row.account < s.accounts && (row.currency & ~kCollateral) < s.currencies);
    const u32 made = state.accounts.make_balance(row.account, row.currency);
    demand(made == i);
    state.accounts.balance(made).total = row.total;
    state.accounts.balance(made).held = row.held;
  }
  for (u32 i = 0; i < s.credits; ++i) {
    const Credit row = in.get<Credit>();
    demand(row.balance < s.balances && state.accounts.balance(row.balance).credit == 0 &&
           row.limit >= 0 && row.overdrawn >= 0);
    state.accounts.credit_of(row.balance) = row;
    const u16 currency = state.accounts.balance(row.balance).currency;
    demand(currency < s.currencies);
    state.houses[currency].floors += static_cast<i64>(row.floor());
  }
  demand(s.positions <= u64{s.max_balances} + s.max_orders && s.busts <= kMaxBusts);
  for (u32 i = 0; i < s.positions; ++i) {
    const PositionRow row = in.get<PositionRow>();
    demand(row.account < s.accounts && row.instrument < s.instruments);
    demand(move_position(state, row.account, row.instrument, row.lots) == i);
  }
  read_limits(state, s, in);
  for (u32 i = 0; i < s.busts; ++i) remember_bust(state, in.get<Bust>());
  demand(s.actions <= kMaxActions);
  for (u32 i = 0; i < s.actions; ++i) state.actions.remember(in.get<Action>());
}

void read_groups(State& state, const Scalars& s, Reader& in) {
  demand(s.groups <= s.max_groups && s.legs <= s.max_legs);
  u64 legs = 0;
  for (u32 i = 0; i < s.groups; ++i) {
    const PostedGroup row = in.get<PostedGroup>();
    demand((row.account < s.accounts || row.account == kNone) && row.first_leg == legs &&
           row.failed <= 1 && row.terms.count <= kMostLegs);
    if (row.failed == 0) legs += row.terms.count;
    state.group_ids.remember(row);
  }
  demand(legs == s.legs);
  for (u32 i = 0; i < s.legs; ++i) state.group_ids.add_leg(in.get<Leg>());
}

void read_holds(State& state, const Scalars& s, Reader& in) {
  demand(s.holds <= s.max_holds);
  u64 before = 0;
  for (u32 i = 0; i < s.holds; ++i) {
    const Hold row = in.get<Hold>();
    demand(row.account < s.accounts && row.currency < s.currencies && row.failed <= 1 &&
           row.sequence > before && row.captured >= 0 && row.released >= 0 &&
           row.placed - row.captured >= row.released &&
           (row.failed == 0 ? state.accounts.find_balance(row.account, row.currency) != kNone
                            : row.placed == 0));
    before = row.sequence;
    state.hold_ids.remember(row);
  }
}

void read_ids(State& state, const Scalars& s, Reader& in) {
  demand(s.submissions <= s.max_client_ids && s.transfers <= s.max_transfers);
  for (u32 i = 0; i < s.submissions; ++i) {
    const Submission row = in.get<Submission>();
    demand(row.account < s.accounts && row.terms <= 1);
    Submission& entry = state.client_ids[state.client_ids.remember(
        id_tag(row.account, row.client_id), row.account, row.sequence, row.client_id, row.fate)];
    const Submission links = entry;
    entry = row;
    entry.older = links.older;
    entry.younger = links.younger;
    entry.tag = links.tag;
    entry.terms = row.terms == 0 ? kNone : state.client_ids.keep_terms(in.get<OrderTerms>());
  }
  for (u32 i = 0; i < s.transfers; ++i) {
    const PostedTransfer row = in.get<PostedTransfer>();
    demand(row.account < s.accounts);
    state.transfer_ids.remember(row);
  }
  read_groups(state, s, in);
  read_holds(state, s, in);
}

void read_free_slots(State& state, const Scalars& s, Reader& in) {
  demand(s.slots <= s.max_orders && s.free_slots + u64{s.orders} == s.slots);
  std::vector<u32> free(s.free_slots);
  for (u32& slot : free) {
    slot = in.get<u32>();
    demand(slot < s.slots);
  }
  state.orders.slots().extend_to(s.slots);
  for (auto slot = free.rbegin(); slot != free.rend(); ++slot) state.orders.release(*slot);
}

/// The row that an order has beyond its own, and what knows the order by it.
void read_extra(State& state, const OrderRow& order, Reader& in) {
  Extra extra = in.get<Extra>();
  demand(extra.slot == order.slot && extra.terms.trigger <= kTriggerMark && extra.in_calls <= 1 &&
         extra.reserve >= 0 && ((order.flags & kOrderForPrice) == 0 || is_triggered(extra.type)));
  extra.next_fired = extra.prev_fired = extra.link = extra.next_peg = extra.prev_peg = kNone;
  restore_extra(state, order.slot, extra);
  const u32 row = state.orders.record(order.slot).extra;
  note_end(state, row);
  if ((order.flags & kOrderReduceOnly) != 0) {
    demand(state.positions.find(order.account, order.instrument) != kNone);
    count_reducing(state, order.account, order.instrument, 1);
  }
  if ((order.flags & kOrderForPrice) == 0) return;
  if (extra.fired_at == 0) {
    wait_for_price(state, row);
  } else {
    state.instruments[order.instrument].rare |= kRareTriggers;
  }
}

void read_fired(State& state, const Scalars& s, Reader& in) {
  demand(s.fired <= s.orders);
  for (u32 i = 0; i < s.fired; ++i) {
    const u32 slot = in.get<u32>();
    demand(slot < s.slots && (state.orders.node(slot).flags & kOrderForPrice) != 0);
    const u32 row = state.orders.record(slot).extra;
    demand(state.extras[row].fired_at != 0 && state.extras[row].prev_fired == kNone &&
           state.rare_books[state.orders.node(slot).instrument].fired_first != row);
    queue_fired(state, row);
  }
}

void read_link(State& state, Reader& in) {
  const LinkRow row = in.get<LinkRow>();
  demand(row.instrument < state.instrument_count && row.kind >= kOco && row.kind <= kBracket);
  for (const u32 slot : row.slots) {
    demand(slot == kNone || (state.orders.is(slot, row.sequence) &&
                             (state.orders.node(slot).flags & kOrderRare) != 0));
  }
  Link link{};
  link.sequence = row.sequence;
  link.parent = row.slots[0];
  link.members[0] = row.slots[1];
  link.members[1] = row.slots[2];
  link.instrument = row.instrument;
  link.eldest = row.eldest;
  link.kind = row.kind;
  link.waits = row.waits;
  tie(state, link);
}

void read_order(State& state, const OrderRow& row, Reader& in) {
  demand(row.slot < state.orders.slots().used() && row.instrument < state.instrument_count &&
         row.account < state.accounts.count() && row.leaves > 0 && (row.flags & kOrderLive) != 0 &&
         (state.orders.node(row.slot).flags & kOrderLive) == 0);
  const Instrument& instrument = state.instruments[row.instrument];
  OrderRecord& o = state.orders.record(row.slot);
  o = OrderRecord{};
  o.sequence = row.sequence;
  o.price = row.price;
  o.quantity = row.quantity;
  o.hold = row.hold;
  o.extra = kNone;
  o.position = kNone;
  if (state.accounting()) {
    o.position = find_position(state, row.account, row.instrument);
    demand(o.position != kNone);
    Position& position = state.positions[o.position];
    o.client_entry = state.client_ids.find_order(row.sequence, row.slot);
    position.base_balance = state.accounts.find_balance(row.account, instrument.base);
    position.quote_balance = state.accounts.find_balance(row.account, instrument.quote);
    demand(o.client_entry != kNone && position.base_balance != kNone &&
           position.quote_balance != kNone);
    o.held_balance = (row.flags & kOrderSell) != 0 ? position.base_balance : position.quote_balance;
  }
  if (!state.accounting()) o.client_entry = row.session;
  o.rates = Rates{row.minimum_fee, row.taker_rate, row.maker_rate};
  state.orders.node(row.slot) = OrderNode{kNone,
                                          kNone,
                                          row.leaves,
                                          kNone,
                                          row.account,
                                          row.instrument,
                                          row.flags & ~(kOrderListed | kOrderTraded)};
  if (row.notional != 0) {
    state.orders.open_sums(row.slot) =
        OrderSums{row.notional, row.fee_sum, row.rebate_sum, row.moved, row.charged};
    demand(row.rebated == rebated(state.orders.sums(row.slot), instrument.unit));
  }
  static constexpr u32 kNeedRow = kOrderIceberg | kOrderDark | kOrderMinimum | kOrderPeg |
                                  kOrderBudget | kOrderWaits | kOrderReduceOnly | kOrderForPrice;
  demand((row.flags & kNeedRow) == 0 || (row.flags & kOrderRare) != 0);
  demand((row.flags & kOrderForPrice) == 0 || (row.flags & kOrderWaits) != 0);
  if ((row.flags & kOrderRare) != 0) read_extra(state, row, in);
  if ((row.flags & kOrderWaits) == 0) restore_place(state, row.slot);
  if (state.accounting()) {
    begin_working(state, state.positions[o.position], (row.flags & kOrderSell) != 0,
                  leaves_of(state, row.slot));
  }
}

/// The lists of auction orders, from orders in order of submission.
void link_calls(State& state, const std::vector<std::pair<u64, u32>>& accepted) {
  std::vector<std::pair<u64, u32>> crossing;  // stable below: ties stay in order of submission
  for (const auto& [sequence, slot] : accepted) {
    const u32 row = state.orders.record(slot).extra;
    if (row == kNone || state.extras[row].in_calls == 0) continue;
    link_call(state, slot);
    if (state.extras[row].crossed_at != 0)
      crossing.emplace_back(state.extras[row].crossed_at, slot);
  }
  std::stable_sort(crossing.begin(), crossing.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [at, slot] : crossing) link_cross(state, slot);
}

void read_orders(State& state, const Scalars& s, Reader& in) {
  read_free_slots(state, s, in);
  std::vector<std::pair<u64, u32>> accepted;
  accepted.reserve(s.orders);
  for (u32 i = 0; i < s.orders; ++i) {
    const OrderRow row = in.get<OrderRow>();
    read_order(state, row, in);
    accepted.emplace_back(row.sequence, row.slot);
  }
  std::sort(accepted.begin(), accepted.end());
  for (const auto& [sequence, slot] : accepted) join_account(state, slot);
  for (u32 i = 0; i < s.links; ++i) read_link(state, in);
  for (const auto& [sequence, slot] : accepted) {
    const bool peg = (state.orders.node(slot).flags & kOrderPeg) != 0;
    if (peg && !waits_for_parent(state, slot)) link_peg(state, slot);
  }
  sum_worth(state);
  link_calls(state, accepted);
  read_fired(state, s, in);
  // What is read is not a command: nothing is due.
  while (state.touched_count != 0) state.next_touched();
}

SnapshotHeader read_header(std::span<const std::byte> snapshot) {
  SnapshotHeader header{};
  if (snapshot.size() < sizeof header) throw CorruptedSnapshot("a snapshot is too short");
  std::memcpy(&header, snapshot.data(), sizeof header);
  if (header.magic != kMagic) throw CorruptedSnapshot("not a snapshot");
  if (header.version != kVersion) throw CorruptedSnapshot("a snapshot of another version");
  if (header.reserved != 0 || header.size != snapshot.size() ||
      header.checksum !=
          checksum(snapshot.data() + sizeof header, snapshot.size() - sizeof header)) {
    throw CorruptedSnapshot("a snapshot is damaged");
  }
  return header;
}

}  // namespace

std::unique_ptr<Engine> Engine::restore(std::span<const std::byte> snapshot) {
  read_header(snapshot);
  Reader in(snapshot.subspan(sizeof(SnapshotHeader)));
  const Scalars s = in.get<Scalars>();
  demand(s.without_accounting <= 1 && s.killed <= kSwitchReduceOnly);
  auto state = std::make_unique<State>(s.config());
  state->max_open_orders = s.max_open_orders;
  state->killed = static_cast<u8>(s.killed);
  state->sequence = s.sequence;
  state->time_ns = s.time_ns;
  state->hash = s.hash;
  read_definitions(*state, s, in);
  read_accounts(*state, s, in);
  read_ids(*state, s, in);
  read_orders(*state, s, in);
  read_guards(*state, s, in);
  read_margin(*state, s, in);
  demand(in.done());
  return std::unique_ptr<Engine>(new Engine(std::move(state)));
}

}  // namespace quantumcore
