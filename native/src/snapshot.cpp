#include <algorithm>
#include <string>

#include "quantumcore/engine.hpp"
#include "quantumcore/snapshot_parts.hpp"

/// Writing a snapshot.
namespace quantumcore {

namespace {

using namespace snapshot;

template <class Visit>
void each_queued(const State& state, const Ladder& ladder, Visit& visit) {
  for (u32 id = ladder.best_level(); id != kNone; id = ladder.after(state.pages, id)) {
    for (u32 s = state.pages.level(id).head; s != kNone; s = state.orders.node(s).next) visit(s);
  }
}

template <class Visit>
void each_order(const State& state, Visit&& visit) {
  for (u32 i = 0; i < state.instrument_count; ++i) {
    const Instrument& instrument = state.instruments[i];
    for (const bool sell : {false, true}) each_queued(state, instrument.book.side(sell), visit);
    if (instrument.rare == 0) continue;
    for (const Ladder& dark : state.rare_books[i].dark) each_queued(state, dark, visit);
  }
  for (u32 s = 0; s < state.orders.slots().used(); ++s) {
    if ((state.orders.node(s).flags & kOrderWaits) != 0) visit(s);
  }
}

/// Visits the rows whose trigger has fired and that are not active yet, in the order of firing.
template <class Visit>
void each_fired(const State& state, Visit&& visit) {
  for (u32 i = 0; i < state.instrument_count; ++i) {
    for (u32 row = state.rare_books[i].fired_first; row != kNone;
         row = state.extras[row].next_fired) {
      visit(row);
    }
  }
}

/// By the least slot of each.
template <class Visit>
void each_link(const State& state, Visit&& visit) {
  for (u32 s = 0; s < state.orders.slots().used(); ++s) {
    const u32 flags = state.orders.node(s).flags;
    if ((flags & kOrderLive) == 0 || (flags & kOrderRare) == 0) continue;
    const u32 row = state.extra_of(s).link;
    if (row == kNone) continue;
    const Link& link = state.links.rows[row];
    if (s == std::min({link.parent, link.members[0], link.members[1]})) visit(link);
  }
}

Scalars scalars_of(const State& state) {
  Scalars s{};
  s.max_orders = state.config.max_orders;
  s.max_accounts = state.config.max_accounts;
  s.max_client_ids = state.config.max_client_ids;
  s.max_transfers = state.config.max_transfers;
  s.max_balances = state.config.max_balances;
  s.max_windows = state.config.max_windows;
  s.max_groups = state.config.max_groups;
  s.max_legs = state.config.max_legs;
  s.max_holds = state.config.max_holds;
  s.without_accounting = state.accounting() ? 0 : 1;
  s.max_open_orders = state.max_open_orders;
  s.killed = state.killed;
  s.sequence = state.sequence;
  s.time_ns = state.time_ns;
  s.hash = state.hash;
  s.currencies = state.currency_count;
  s.instruments = state.instrument_count;
  s.accounts = state.accounts.count();
  s.balances = state.accounts.balance_count();
  s.submissions = state.client_ids.count();
  s.transfers = state.transfer_ids.count();
  s.slots = state.orders.slots().used();
  s.free_slots = state.orders.slots().free_count();
  s.orders = state.orders.slots().live();
  each_fired(state, [&](u32) { ++s.fired; });
  s.positions = state.positions.count();
  s.links = state.links.rows.live();
  s.busts = state.bust_count;
  s.actions = state.actions.count();
  s.credits = state.accounts.credit_count();
  s.groups = state.group_ids.count();
  s.legs = state.group_ids.leg_count();
  s.holds = state.hold_ids.count();
  s.max_limits = state.config.max_limits;
  s.quantity_limits = state.quantity_limits.count();
  s.money_limits = state.money_limits.count();
  s.firms = state.guards.firms.count();
  s.sessions = state.guards.sessions.live();
  s.restrictions = state.guards.restrictions.count();
  s.locates = state.guards.locates.count();
  s.patterns = state.guards.patterns.count();
  s.protections = state.guards.protections.count();
  s.instrument_margins = instrument_margins(state);
  s.account_margins = state.margin.accounts.count();
  s.risk_limits = state.margin.limits.count();
  s.share_limits = state.share_limits.count();
  return s;
}

bool is_rare(const Instrument& instrument, const RareBook& rare) {
  static constexpr TradingRules kNoRules{};
  static constexpr ClassTerms kNoClass{};
  static constexpr MarketSize kNoSize{};
  return instrument.rare != 0 || rare.reference != 0 || rare.mark != 0 || rare.bid != 0 ||
         rare.ask != 0 || std::memcmp(&rare.rules, &kNoRules, sizeof kNoRules) != 0 ||
         std::memcmp(&rare.size, &kNoSize, sizeof kNoSize) != 0 ||
         std::memcmp(&rare.class_terms, &kNoClass, sizeof kNoClass) != 0;
}

void write_rare(const RareBook& rare, Writer& out) {
  const bool limited = rare.limit_side != 0;
  out.put(RareRow{rare.rules,
                  rare.reference,
                  rare.closing_price,
                  rare.indicative.price,
                  rare.indicative.quantity,
                  rare.indicative.imbalance,
                  limited ? rare.limit_edge : 0,
                  limited ? rare.limit_until : 0,
                  rare.ends_by_time ? rare.call_until : 0,
                  rare.printed ? rare.seen : Seen{},
                  rare.mark,
                  rare.mark != 0 ? rare.marked_at : 0,
                  rare.bid,
                  rare.ask,
                  rare.bid != 0 || rare.ask != 0 ? rare.quoted_at : 0,
                  rare.size,
                  rare.class_terms,
                  rare.switch_mode,
                  0,
                  rare.print_count,
                  rare.limit_side,
                  rare.ends_by_time ? 1U : 0U,
                  rare.printed ? 1U : 0U});
  for (u32 i = 0; i < rare.print_count; ++i) {
    out.put(rare.prints[(rare.first_print + i) % kPrints]);
  }
}

void write_definitions(const State& state, Writer& out) {
  for (u32 i = 0; i < state.currency_count; ++i) {
    const Currency& c = state.currencies[i];
    const House& house = state.houses[i];
    CurrencyRow row{c.fees,  c.rebates, c.rounding, {}, house.fees_back, c.owed, c.id,
                    c.scale, 0,         {},         {}};
    std::memcpy(row.moved, house.moved, sizeof row.moved);
    std::memcpy(row.code, c.code, sizeof row.code);
    out.put(row);
  }
  for (u32 i = 0; i < state.instrument_count; ++i) {
    const Instrument& instrument = state.instruments[i];
    const RareBook& rare = state.rare_books[i];
    const bool has_rare = is_rare(instrument, rare);
    out.put(InstrumentRow{rare.adjusted, instrument.last_price, instrument.id, has_rare ? 1U : 0U,
                          instrument.terms, 0});
    if (has_rare) write_rare(rare, out);
  }
}

template <class Entry>
void write_rows(const IdTable<Entry>& table, Writer& out) {
  for (u32 i = 0; i < table.count(); ++i) out.put(table[i]);
}

void write_accounts(const State& state, Writer& out) {
  for (u32 i = 0; i < state.accounts.count(); ++i) {
    const Account& a = state.accounts[i];
    AccountRow row{{}, a.id,    a.max_open_orders, a.has_limits, a.killed, a.barred,
                   0,  a.group, a.deadline_ns,     a.firm,       0};
    std::memcpy(row.owner, a.owner, sizeof row.owner);
    out.put(row);
  }
  for (u32 i = 0; i < state.accounts.balance_count(); ++i) {
    const Balance& b = state.accounts.balance(i);
    out.put(BalanceRow{b.total, b.held, b.account, b.currency, 0});
  }
  for (u32 i = 0; i < state.accounts.credit_count(); ++i) out.put(state.accounts.credit(i));
  for (u32 i = 0; i < state.positions.count(); ++i) {
    const Position& p = state.positions[i];
    out.put(PositionRow{p.lots, p.account, p.instrument, 0});
  }
  for (u32 i = 0; i < state.quantity_limits.count(); ++i) out.put(state.quantity_limits[i]);
  for (u32 i = 0; i < state.money_limits.count(); ++i) {
    MoneyRecord row = state.money_limits[i];
    row.working = 0;  // what orders say
    out.put(row);
  }
  for (u32 i = 0; i < state.share_limits.count(); ++i) out.put(state.share_limits[i]);
  for (u32 i = 0; i < state.bust_count; ++i) out.put(state.busts[i]);
  write_rows(state.actions, out);
}

void write_ids(const State& state, Writer& out) {
  for (u32 i = state.client_ids.oldest(); i != kNone; i = state.client_ids[i].younger) {
    Submission row = state.client_ids[i];
    row.fate = state.client_ids.fate(i);
    row.older = row.younger = row.tag = 0;  // where it lies, not what it is
    const u32 terms = row.terms;
    row.terms = terms == kNone ? 0 : 1;
    out.put(row);
    if (terms != kNone) out.put(state.client_ids.terms(terms));
  }
  write_rows(state.transfer_ids, out);
  write_rows(state.group_ids, out);
  for (u32 i = 0; i < state.group_ids.leg_count(); ++i) out.put(state.group_ids.leg(i));
  write_rows(state.hold_ids, out);
}

void write_extra(const State& state, const OrderRecord& order, Writer& out) {
  if (order.extra == kNone) return;
  Extra row = state.extras[order.extra];
  row.next_free = row.link = 0;  // where it lies, not what it is
  row.next_fired = row.prev_fired = row.next_peg = row.prev_peg = 0;
  row.next_call = row.prev_call = row.next_cross = row.prev_cross = 0;
  out.put(row);
}

void write_orders(const State& state, Writer& out) {
  for (u32 s = state.orders.slots().first_free(); s != kNone;
       s = state.orders.slots().next_free(s)) {
    out.put(s);
  }
  each_order(state, [&](u32 slot) {
    const OrderNode& node = state.orders.node(slot);
    const OrderRecord& o = state.orders.record(slot);
    const OrderSums& sums = state.orders.sums(slot);
    if (state.accounting()) {
      out.put(OrderRow{sums.notional,
                       sums.fee_sum,
                       sums.rebate_sum,
                       o.sequence,
                       o.price,
                       o.quantity,
                       node.leaves,
                       o.hold,
                       sums.moved,
                       sums.charged,
                       rebated(sums, state.instruments[node.instrument].unit),
                       o.rates.minimum_fee,
                       o.rates.taker,
                       o.rates.maker,
                       slot,
                       node.instrument,
                       node.account,
                       node.flags & ~kOrderTraded,
                       0,
                       {}});
    } else {
      out.put(OrderRow{
          0, 0, 0,    o.sequence,      o.price,      o.quantity, node.leaves,    0, 0, 0, 0, 0,
          0, 0, slot, node.instrument, node.account, node.flags, o.client_entry, {}});
    }
    write_extra(state, o, out);
  });
  each_link(state, [&](const Link& link) {
    out.put(LinkRow{link.sequence,
                    {link.parent, link.members[0], link.members[1]},
                    link.instrument,
                    link.eldest,
                    link.kind,
                    link.waits,
                    {}});
  });
  each_fired(state, [&](u32 row) { out.put(state.extras[row].slot); });
}

std::string write_snapshot(const State& state) {
  Writer out;
  out.put(scalars_of(state));
  write_definitions(state, out);
  write_accounts(state, out);
  write_ids(state, out);
  write_orders(state, out);
  write_guards(state, out);
  write_margin(state, out);
  std::string bytes = out.take();
  const std::byte* const body = reinterpret_cast<const std::byte*>(bytes.data());
  const SnapshotHeader header{
      kMagic, kVersion, 0, bytes.size(),
      checksum(body + sizeof(SnapshotHeader), bytes.size() - sizeof(SnapshotHeader))};
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

}  // namespace

SnapshotCopy::SnapshotCopy(const Engine& engine)
    : state_(std::make_unique<State>(engine.state().config)), usage_(engine.state().usage()) {}
SnapshotCopy::~SnapshotCopy() = default;

void SnapshotCopy::prepare() { state_->fill(usage_); }

void SnapshotCopy::take(const Engine& engine) {
  engine.demand_whole();
  state_->copy(engine.state());
  taken_ = true;
}

std::string SnapshotCopy::write() const {
  QC_ASSERT(taken_);
  return write_snapshot(*state_);
}

std::string Engine::snapshot() const {
  demand_whole();
  return write_snapshot(*state_);
}

}  // namespace quantumcore
