#include "quantumcore/queries.hpp"

#include <algorithm>
#include <limits>

#include "quantumcore/phases.hpp"
#include "quantumcore/rare.hpp"

namespace quantumcore {

std::vector<std::tuple<i64, i64, u32>> depth(const State& state, u32 instrument, u8 side, u32 n) {
  std::vector<std::tuple<i64, i64, u32>> rows;
  const Instrument* const found = state.find_instrument(instrument);
  if (found == nullptr) return rows;
  const bool sell = side == kSell;
  const Ladder& ladder = found->book.side(sell);
  for (u32 id = ladder.best_level(); id != kNone && rows.size() < n;
       id = ladder.after(state.pages, id)) {
    const Level& level = state.pages.level(id);
    u32 orders = 0;
    for (u32 slot = level.head; slot != kNone; slot = state.orders.node(slot).next) ++orders;
    rows.emplace_back(ticks_of(sell, state.pages.key_of_level(id)), level.lots, orders);
  }
  return rows;
}

std::vector<std::tuple<u64, u32, u32, i64, i64>> orders_of(const State& state, u32 instrument,
                                                           u8 side) {
  std::vector<std::tuple<u64, u32, u32, i64, i64>> rows;
  const Instrument* const found = state.find_instrument(instrument);
  if (found == nullptr) return rows;
  const Ladder& ladder = found->book.side(side == kSell);
  for (u32 id = ladder.best_level(); id != kNone; id = ladder.after(state.pages, id)) {
    for (u32 slot = state.pages.level(id).head; slot != kNone;
         slot = state.orders.node(slot).next) {
      const OrderNode& node = state.orders.node(slot);
      const OrderRecord& order = state.orders.record(slot);
      rows.emplace_back(order.sequence, slot, state.accounts[node.account].id, order.price,
                        leaves_of(state, slot));
    }
  }
  return rows;
}

std::optional<std::tuple<u32, u32, u8, i64, i64, i64, i64>> order_of(const State& state,
                                                                     u64 sequence, u32 slot) {
  if (!state.orders.is(slot, sequence)) return std::nullopt;
  const OrderNode& node = state.orders.node(slot);
  const OrderRecord& order = state.orders.record(slot);
  return std::tuple{state.instruments[node.instrument].id,
                    state.accounts[node.account].id,
                    is_sell(node) ? kSell : kBuy,
                    order.price,
                    order.quantity,
                    leaves_of(state, slot),
                    state.accounting() ? order.hold : 0};
}

std::optional<std::tuple<u64, i128>> queue_of(const State& state, u64 sequence, u32 slot) {
  if (!state.orders.is(slot, sequence)) return std::nullopt;
  const OrderNode& node = state.orders.node(slot);
  if (node.level == kNone) return std::nullopt;
  const i64 key = state.pages.key_of_level(node.level);
  const Ladder& ladder = state.instruments[node.instrument].book.side(is_sell(node));
  u64 orders = 0;
  i128 lots = 0;
  for (u32 id = ladder.best_level(); id != kNone && state.pages.key_of_level(id) <= key;
       id = ladder.after(state.pages, id)) {
    for (u32 other = state.pages.level(id).head; other != kNone && other != slot;
         other = state.orders.node(other).next) {
      ++orders;
      lots += state.orders.node(other).leaves;
    }
  }
  return std::tuple{orders, lots};
}

std::vector<std::tuple<u16, i64, i64>> balances_of(const State& state, u64 account) {
  std::vector<std::tuple<u16, i64, i64>> rows;
  const u32 slot = state.accounts.find(account);
  if (slot == kNone) return rows;
  for (u32 row = state.accounts[slot].first_balance; row != kNone;
       row = state.accounts.balance(row).next) {
    const Balance& balance = state.accounts.balance(row);
    if ((balance.currency & kCollateral) != 0) continue;
    if (balance.total == 0 && balance.held == 0) continue;  // as if it had never been there
    rows.emplace_back(state.currencies[balance.currency].id, balance.total, balance.held);
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::vector<std::tuple<u32, i128>> positions_of(const State& state, u64 account) {
  std::vector<std::tuple<u32, i128>> rows;
  const u32 slot = state.accounts.find(account);
  if (slot == kNone) return rows;
  for (u32 row = state.accounts[slot].first_position; row != kNone;
       row = state.positions[row].next) {
    const Position& position = state.positions[row];
    if (position.lots == 0) continue;
    rows.emplace_back(state.instruments[position.instrument].id, position.lots);
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

Totals totals_of(const State& state, u16 currency) {
  Totals totals{};
  const i32 slot = state.find_currency(currency);
  if (slot < 0) return totals;
  for (u32 row = 0; row < state.accounts.balance_count(); ++row) {
    const Balance& balance = state.accounts.balance(row);
    if (balance.currency != slot) continue;
    totals.customers += balance.total;
    totals.held += balance.held;
  }
  const u16 at = static_cast<u16>(slot);
  totals.fees = state.house_balance(at, kFeeIncome);
  totals.rebates = state.house_balance(at, kRebatesPaid);
  totals.rounding = state.house_balance(at, kRounding);
  totals.deposited = state.house_balance(at, kBank);
  return totals;
}

std::vector<std::tuple<u16, i128>> house_of(const State& state, u16 currency) {
  std::vector<std::tuple<u16, i128>> rows;
  const i32 slot = state.find_currency(currency);
  if (slot < 0) return rows;
  for (u8 place = 0; place < kHousePlaces; ++place) {
    const i128 balance = state.house_balance(static_cast<u16>(slot), place);
    if (balance != 0) rows.emplace_back(house_code(place), balance);
  }
  i128 aside = 0;
  for (u32 row = 0; row < state.accounts.balance_count(); ++row) {
    const Balance& balance = state.accounts.balance(row);
    if (balance.currency == (static_cast<u16>(slot) | kCollateral)) aside += balance.total;
  }
  if (aside != 0) rows.emplace_back(kCollateralCode, aside);
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::vector<std::tuple<u16, i64>> collateral_of(const State& state, u64 account) {
  std::vector<std::tuple<u16, i64>> rows;
  const u32 slot = state.accounts.find(account);
  if (slot == kNone) return rows;
  for (u32 row = state.accounts[slot].first_balance; row != kNone;
       row = state.accounts.balance(row).next) {
    const Balance& balance = state.accounts.balance(row);
    if ((balance.currency & kCollateral) == 0 || balance.total == 0) continue;
    rows.emplace_back(state.currencies[balance.currency & ~kCollateral].id, balance.total);
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::vector<std::tuple<u16, i64, i64>> credits_of(const State& state, u64 account) {
  std::vector<std::tuple<u16, i64, i64>> rows;
  const u32 slot = state.accounts.find(account);
  if (slot == kNone) return rows;
  for (u32 row = state.accounts[slot].first_balance; row != kNone;
       row = state.accounts.balance(row).next) {
    const Balance& balance = state.accounts.balance(row);
    const i64 limit = balance.credit == 0 ? 0 : state.accounts.credit(balance.credit - 1).limit;
    if (limit == 0) continue;
    rows.emplace_back(state.currencies[balance.currency].id, limit,
                      state.accounts.available(balance));
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::vector<std::tuple<u64, u32, u16, i64, i64, i64, i64>> holds_of(const State& state, u32 first,
                                                                    u32 rows) {
  std::vector<std::tuple<u64, u32, u16, i64, i64, i64, i64>> found;
  const u64 end = std::min<u64>(state.hold_ids.count(), u64{first} + rows);
  for (u64 row = first; row < end; ++row) {
    const Hold& hold = state.hold_ids[static_cast<u32>(row)];
    if (hold.open() == 0) continue;
    found.emplace_back(hold.sequence, state.accounts[hold.account].id,
                       state.currencies[hold.currency].id, hold.placed, hold.captured,
                       hold.released, hold.expires_ns);
  }
  return found;
}

u8 account_state_of(const State& state, u64 account) {
  const u32 slot = state.accounts.find(account);
  return slot == kNone ? u8{0} : static_cast<u8>(state.accounts[slot].barred + kOpen);
}

AtWork working_of(const State& state, u64 account, u32 instrument) {
  const u32 slot = state.accounts.find(account);
  const Instrument* const known = state.find_instrument(instrument);
  if (slot == kNone || known == nullptr || !state.accounting()) return {};
  const u32 row = state.positions.find(slot, state.slot_of(*known));
  if (row == kNone) return {};
  const Position& position = state.positions[row];
  return {position.working(false), position.working(true), position.open_orders};
}

Drawn drawn_of(const State& state, u32 firm, u16 currency) {
  const MoneyRecord* const record =
      state.money_limits.find({Scope::firm, kNone, kNone, firm, currency});
  return record == nullptr ? Drawn{} : Drawn{record->working, record->filled};
}

std::vector<std::pair<const char*, std::size_t>> memory_of(const State& state) {
  return {{"orders", state.orders.bytes()},
          {"of_orders_matching", state.orders.slots().bytes()},
          {"leaves", state.pages.leaves.bytes()},
          {"windows", state.pages.windows.bytes()},
          {"accounts", state.accounts.bytes()},
          {"client_ids", state.client_ids.bytes()},
          {"transfers", state.transfer_ids.bytes()},
          {"groups", state.group_ids.bytes()},
          {"holds", state.hold_ids.bytes()}};
}

i64 next_deadline(const State& state) {
  i64 next = std::numeric_limits<i64>::max();
  if (state.expiring != kNone) next = std::min(next, state.extras[state.expiring].terms.expires_ns);
  if (state.timers != kNone) next = std::min(next, state.accounts[state.timers].deadline_ns);
  const u32 hold = state.hold_ids.next_end();
  if (hold != kNone) next = std::min(next, state.hold_ids[hold].expires_ns);
  for (u32 i = 0; i < state.due_count; ++i) {
    next = std::min(next, ends_at(state.rare_books[state.due[i]]));
  }
  return next == std::numeric_limits<i64>::max() ? 0 : next;
}

std::vector<u32> account_ids(const State& state) {
  std::vector<u32> ids;
  ids.reserve(state.accounts.count());
  for (u32 slot = 0; slot < state.accounts.count(); ++slot) ids.push_back(state.accounts[slot].id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

namespace {

template <class Command>
CommandHeader header_of(CommandKind kind, u32 instrument) {
  return CommandHeader{sizeof(Command), static_cast<u8>(kind), 0, instrument, 0};
}

template <class Command>
void append_command(std::string& out, const Command& command) {
  out.append(reinterpret_cast<const char*>(&command), sizeof command);
}

}  // namespace

std::string currency_definitions(const State& state) {
  std::vector<u32> slots(state.currency_count);
  for (u32 i = 0; i < state.currency_count; ++i) slots[i] = i;
  std::sort(slots.begin(), slots.end(),
            [&](u32 a, u32 b) { return state.currencies[a].id < state.currencies[b].id; });
  std::string out;
  for (const u32 slot : slots) {
    const Currency& currency = state.currencies[slot];
    DefineCurrency command{};
    command.header = header_of<DefineCurrency>(CommandKind::define_currency, 0);
    command.currency = currency.id;
    command.scale = currency.scale;
    std::memcpy(command.code, currency.code, sizeof currency.code);
    append_command(out, command);
  }
  return out;
}

std::string instrument_definitions(const State& state) {
  std::vector<u32> slots(state.instrument_count);
  for (u32 i = 0; i < state.instrument_count; ++i) slots[i] = i;
  std::sort(slots.begin(), slots.end(),
            [&](u32 a, u32 b) { return state.instruments[a].id < state.instruments[b].id; });
  std::string out;
  for (const u32 slot : slots) {
    const Instrument& instrument = state.instruments[slot];
    append_command(out, DefineInstrument{header_of<DefineInstrument>(CommandKind::define_instrument,
                                                                     instrument.id),
                                         instrument.terms});
  }
  return out;
}

}  // namespace quantumcore
