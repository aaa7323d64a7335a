#include <algorithm>
#include <string>
#include <vector>

#include "quantumcore/commands.hpp"
#include "quantumcore/engine.hpp"
#include "quantumcore/expiry.hpp"
#include "quantumcore/hash.hpp"
#include "quantumcore/snapshot_io.hpp"
#include "quantumcore/triggers.hpp"

/// A snapshot tells what is so, not how the tables lie: hash tables, ladders and lists are built
/// again. That makes it canonical: restoring and writing again gives the same bytes.
///
///   magic u64 · version u32 · reserved u32 · size u64 · checksum u64 · the parts in the order
///   below
namespace quantumcore {

namespace {

constexpr u64 kMagic = 0x31504E5345434351;  // "QCCESNP1"
constexpr u32 kVersion = 3;

struct SnapshotHeader {
  u64 magic;
  u32 version;
  u32 reserved;
  u64 size;  // of all bytes, header too
  u64 checksum;
};

struct Scalars {
  u32 max_orders;
  u32 max_accounts;
  u32 max_client_ids;
  u32 max_transfers;
  u32 max_balances;
  u32 max_windows;
  u32 max_open_orders;
  u32 killed;
  u64 sequence;
  i64 time_ns;
  u64 hash;
  u32 currencies;
  u32 instruments;
  u32 accounts;
  u32 balances;
  u32 submissions;
  u32 transfers;
  u32 slots;
  u32 free_slots;
  u32 orders;
  u32 without_accounting;
  u32 fired;  // orders in the queues of those whose trigger fired
  u32 reserved;

  EngineConfig config() const {
    return {max_orders,   max_accounts, max_client_ids,        max_transfers,
            max_balances, max_windows,  1 - without_accounting};
  }
};
static_assert(std::has_unique_object_representations_v<Scalars>);

struct CurrencyRow {
  i128 fees;
  i128 rebates;
  i128 rounding;
  i64 deposited;
  u16 id;
  u8 scale;
  u8 reserved;
  char code[12];
  u32 reserved2[2];
};
static_assert(std::has_unique_object_representations_v<CurrencyRow>);

struct InstrumentRow {
  i64 last_price;
  u32 id;
  u32 printed;
  Seen prints;
  i64 mark;
  InstrumentTerms terms;
  TradingRules rules;
};
static_assert(std::has_unique_object_representations_v<InstrumentRow>);

struct AccountRow {
  u8 owner[16];
  u32 id;
  u32 max_open_orders;
  u8 has_limits;
  u8 killed;
  u8 reserved[2];
  u32 group;
  i64 deadline_ns;
};
static_assert(std::has_unique_object_representations_v<AccountRow>);

struct BalanceRow {
  i64 total;
  i64 held;
  u32 account;
  u16 currency;
  u16 reserved;
};
static_assert(std::has_unique_object_representations_v<BalanceRow>);

/// In book order: instrument by instrument, bids then asks, best first, oldest first; then those
/// that wait, account by account, in order of acceptance. Of one with kOrderRare its Extra follows.
struct OrderRow {
  u128 notional;
  u128 fee_sum;
  u128 rebate_sum;
  u64 sequence;
  i64 price;
  i64 quantity;
  i64 leaves;
  i64 hold;
  i64 moved;
  i64 charged;
  i64 rebated;
  i64 minimum_fee;
  i32 taker_rate;
  i32 maker_rate;
  u32 slot;
  u32 instrument;
  u32 account;
  u32 flags;
};
static_assert(std::has_unique_object_representations_v<OrderRow>);

/// Guards against damage on disk, not against an author: four lanes, so that it runs at memory
/// speed.
u64 checksum(const std::byte* bytes, std::size_t size) {
  u64 lanes[4] = {kHash0, kHash1, kHash2, kHash3};
  std::size_t i = 0;
  for (; i + 32 <= size; i += 32) {
    for (std::size_t k = 0; k < 4; ++k) {
      lanes[k] = mum(lanes[k] ^ load_u64(bytes + i + 8 * k), kHash1 + 2 * k);
    }
  }
  u64 h = size;
  for (; i < size; ++i) h = mum(h ^ static_cast<u64>(bytes[i]) ^ kHash2, kHash3);
  for (const u64 lane : lanes) h = mum(h ^ lane, kHash1);
  return h;
}

using Writer = SnapshotWriter;
using Reader = SnapshotReader;

template <class Visit>
void each_order(const State& state, Visit&& visit) {
  for (u32 i = 0; i < state.instrument_count; ++i) {
    for (const bool sell : {false, true}) {
      const Ladder& ladder = state.instruments[i].book.side(sell);
      for (u32 id = ladder.best_level(); id != kNone; id = ladder.after(state.pages, id)) {
        for (u32 s = state.pages.level(id).head; s != kNone; s = state.orders.node(s).next) {
          visit(s);
        }
      }
    }
  }
  for (u32 i = 0; i < state.accounts.count(); ++i) {
    for (u32 s = state.accounts[i].first_order; s != kNone; s = state.orders.links(s).next) {
      if ((state.orders.node(s).flags & kOrderInNoBook) != 0) visit(s);
    }
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

Scalars scalars_of(const State& state) {
  Scalars s{};
  s.max_orders = state.config.max_orders;
  s.max_accounts = state.config.max_accounts;
  s.max_client_ids = state.config.max_client_ids;
  s.max_transfers = state.config.max_transfers;
  s.max_balances = state.config.max_balances;
  s.max_windows = state.config.max_windows;
  s.without_accounting = state.accounting() ? 0 : 1;
  s.max_open_orders = state.max_open_orders;
  s.killed = state.killed ? 1 : 0;
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
  return s;
}

void write_definitions(const State& state, Writer& out) {
  for (u32 i = 0; i < state.currency_count; ++i) {
    const Currency& c = state.currencies[i];
    CurrencyRow row{c.fees, c.rebates, c.rounding, c.deposited, c.id, c.scale, 0, {}, {}};
    std::memcpy(row.code, c.code, sizeof row.code);
    out.put(row);
  }
  for (u32 i = 0; i < state.instrument_count; ++i) {
    const Instrument& instrument = state.instruments[i];
    const RareBook& rare = state.rare_books[i];
    const Seen prints = rare.printed ? rare.prints : Seen{};
    out.put(InstrumentRow{instrument.last_price, instrument.id, rare.printed ? 1U : 0U, prints,
                          rare.mark, instrument.terms, rare.rules});
  }
}

void write_accounts(const State& state, Writer& out) {
  for (u32 i = 0; i < state.accounts.count(); ++i) {
    const Account& a = state.accounts[i];
    AccountRow row{{}, a.id, a.max_open_orders, a.has_limits, a.killed, {}, a.group, a.deadline_ns};
    std::memcpy(row.owner, a.owner, sizeof row.owner);
    out.put(row);
  }
  for (u32 i = 0; i < state.accounts.balance_count(); ++i) {
    const Balance& b = state.accounts.balance(i);
    out.put(BalanceRow{b.total, b.held, b.account, b.currency, 0});
  }
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
  for (u32 i = 0; i < state.transfer_ids.count(); ++i) {
    PostedTransfer row = state.transfer_ids[i];
    row.next_free = 0;
    out.put(row);
  }
}

void write_extra(const State& state, u32 slot, Writer& out) {
  if ((state.orders.node(slot).flags & kOrderRare) == 0) return;
  Extra row = state.extras[state.orders.record(slot).extra];
  row.next_free = row.next_fired = row.prev_fired = 0;  // where it lies, not what it is
  row.link = 0;
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
    if (!state.accounting()) {
      out.put(OrderRow{0, 0, 0, o.sequence, o.price, o.quantity, node.leaves, 0, 0, 0, 0, 0, 0, 0,
                       slot, node.instrument, node.account, node.flags});
      write_extra(state, slot, out);
      return;
    }
    out.put(OrderRow{sums.notional, sums.fee_sum, sums.rebate_sum, o.sequence, o.price, o.quantity,
                     node.leaves, o.hold, sums.moved, sums.charged, sums.rebated, o.minimum_fee,
                     o.taker_rate, o.maker_rate, slot, node.instrument, node.account,
                     node.flags & ~kOrderTraded});
    write_extra(state, slot, out);
  });
  each_fired(state, [&](u32 row) { out.put(state.extras[row].slot); });
  write_links(state, out);
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
    c.deposited = row.deposited;
  }
  for (u32 i = 0; i < s.instruments; ++i) {
    const InstrumentRow row = in.get<InstrumentRow>();
    demand(state.find_currency(row.terms.base) >= 0 && state.find_currency(row.terms.quote) >= 0 &&
           row.terms.tick >= 1 && row.terms.lot >= 1 && row.terms.multiplier >= 1 &&
           row.terms.tick_scale <= kMaxScale && row.terms.lot_scale <= kMaxScale);
    demand(row.printed <= 1 && row.rules.allocation <= kTopFirst);
    Instrument& instrument = state.add_instrument(row.id, row.terms);
    instrument.last_price = row.last_price;
    RareBook& rare = state.rare_books[i];
    rare.printed = row.printed != 0;
    rare.prints = row.prints;
    rare.mark = row.mark;
    apply_rules(state, instrument, row.rules);
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
    a.killed = row.killed;
    join_group(state, a, row.group);
  }
  for (u32 i = 0; i < s.balances; ++i) {
    const BalanceRow row = in.get<BalanceRow>();
    demand(row.account < s.accounts && row.currency < s.currencies);
    const u32 made = state.accounts.make_balance(row.account, row.currency);
    demand(made == i);
    state.accounts.balance(made).total = row.total;
    state.accounts.balance(made).held = row.held;
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
  const Extra extra = in.get<Extra>();
  demand(extra.slot == order.slot && extra.terms.trigger <= kTriggerMark &&
         ((order.flags & kOrderWaiting) == 0 || is_triggered(extra.type)));
  const u32 row = state.extras.acquire();
  state.extras[row] = extra;
  state.extras[row].next_fired = state.extras[row].prev_fired = kNone;
  state.extras[row].link = kNone;
  state.orders.record(order.slot).extra = row;
  note_end(state, row);
  if ((order.flags & kOrderReduceOnly) != 0) {
    demand(state.positions.find(order.account, order.instrument) != kNone);
    count_reducing(state, order.account, order.instrument, 1);
  }
  if ((order.flags & kOrderWaiting) == 0) return;
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
    demand(slot < s.slots && (state.orders.node(slot).flags & kOrderWaiting) != 0);
    const u32 row = state.orders.record(slot).extra;
    demand(state.extras[row].fired_at != 0 && state.extras[row].prev_fired == kNone &&
           state.rare_books[state.orders.node(slot).instrument].fired_first != row);
    queue_fired(state, row);
  }
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
  if (state.accounting()) {
    o.client_entry = state.client_ids.find_order(row.sequence, row.slot);
    o.base_balance = state.accounts.find_balance(row.account, instrument.base);
    o.quote_balance = state.accounts.find_balance(row.account, instrument.quote);
    demand(o.client_entry != kNone && o.base_balance != kNone && o.quote_balance != kNone);
  }
  o.taker_rate = row.taker_rate;
  o.maker_rate = row.maker_rate;
  o.minimum_fee = row.minimum_fee;
  state.orders.node(row.slot) = OrderNode{kNone,
                                          kNone,
                                          row.leaves,
                                          kNone,
                                          row.account,
                                          row.instrument,
                                          row.flags & ~(kOrderListed | kOrderTraded)};
  if (row.notional != 0) {
    state.orders.open_sums(row.slot) = OrderSums{
        row.notional, row.fee_sum, row.moved, row.charged, row.rebated, 0, row.rebate_sum, {}};
  }
  demand((row.flags & kOrderInNoBook) == 0 || (row.flags & kOrderRare) != 0);
  if ((row.flags & kOrderRare) != 0) read_extra(state, row, in);
  if ((row.flags & kOrderInNoBook) != 0) return;
  state.instruments[row.instrument].book.append(state.pages, state.orders, row.slot,
                                                (row.flags & kOrderSell) != 0, row.price);
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
  read_fired(state, s, in);
  read_links(state, in);
  // What is read is not a command: nothing is due.
  for (; state.touched_count != 0; --state.touched_count) {
    state.rare_books[state.touched[state.touched_count - 1]].touched = false;
  }
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

std::string write_snapshot(const State& state) {
  Writer out(sizeof(SnapshotHeader));
  out.put(scalars_of(state));
  write_definitions(state, out);
  write_accounts(state, out);
  write_positions(state, out);
  write_ids(state, out);
  write_orders(state, out);
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

std::unique_ptr<Engine> Engine::restore(std::span<const std::byte> snapshot) {
  read_header(snapshot);
  Reader in(snapshot.subspan(sizeof(SnapshotHeader)));
  const Scalars s = in.get<Scalars>();
  demand(s.without_accounting <= 1);
  auto state = std::make_unique<State>(s.config());
  state->max_open_orders = s.max_open_orders;
  state->killed = s.killed != 0;
  state->sequence = s.sequence;
  state->time_ns = s.time_ns;
  state->hash = s.hash;
  read_definitions(*state, s, in);
  read_accounts(*state, s, in);
  read_positions(*state, in);
  read_ids(*state, s, in);
  read_orders(*state, s, in);
  demand(in.done());
  return std::unique_ptr<Engine>(new Engine(std::move(state)));
}

}  // namespace quantumcore
