#include "quantumcore/limits.hpp"

#include "quantumcore/commands.hpp"
#include "quantumcore/exposure.hpp"

/// Setting limits (docs/reference/engine.md section 14).
namespace quantumcore {

namespace {

/// Whether it names one record: of the venue, an account, an instrument, both, or of `many` with
/// their number.
bool names_a_record(const CommandHeader& header, u8 scope, Scope many, u32 number) {
  const bool places_nothing = header.account == 0 && header.instrument == 0;
  if (scope == static_cast<u8>(Scope::venue)) return places_nothing && number == 0;
  if (scope == static_cast<u8>(many)) return places_nothing && number != 0;
  if (scope == static_cast<u8>(Scope::account)) return number == 0;
  return scope == static_cast<u8>(Scope::instrument) && header.account == 0 && number == 0;
}

bool is_of(u8 scope, Scope one) { return scope == static_cast<u8>(one); }

bool content_is_good(const SetQuantityLimits& c) {
  const QuantityLimits& l = c.limits;
  const bool of_all =
      is_of(l.scope, Scope::venue) || (is_of(l.scope, Scope::account) && c.header.instrument == 0);
  return c.header.reserved == 0 && all_zero(l.reserved) &&
         names_a_record(c.header, l.scope, Scope::group, l.group) && l.max_order_lots >= -1 &&
         l.max_long >= -1 && l.max_short >= -1 && l.max_open_each >= -1 &&
         (of_all ? l.max_open_orders >= -1 : l.max_open_orders == -1);
}

bool content_is_good(const SetMoneyLimits& c) {
  const MoneyLimits& l = c.limits;
  return c.header.reserved == 0 && l.reserved == 0 &&
         names_a_record(c.header, l.scope, Scope::firm, l.firm) && l.max_order_notional >= -1 &&
         l.max_open_notional >= -1 &&
         (is_of(l.scope, Scope::firm) ? l.credit >= -1 : l.credit == -1);
}

bool content_is_good(const SetMarketSize& c) {
  return c.header.reserved == 0 && c.header.account == 0 && is_market_size(c.size);
}

bool content_is_good(const SetMarketShares& c) {
  const MarketShares& l = c.limits;
  return c.header.reserved == 0 && all_zero(l.reserved) &&
         names_a_record(c.header, l.scope, Scope::group, l.group) && is_market_shares(l);
}

/// Finds the account and the instrument of a record; false: one is unknown, and that is told.
bool find_named(State& state, const CommandHeader& header, u8 scope, u32& account, u32& instrument,
                Teller& teller) {
  account = instrument = kNone;
  if (is_of(scope, Scope::account)) {
    account = named_account(state, header, teller);
    if (account == kNone) return false;
  }
  if (is_of(scope, Scope::instrument) || header.instrument != 0) {
    const Instrument* const found = named_instrument(state, header, teller);
    if (found == nullptr) return false;
    instrument = state.slot_of(*found);
  }
  return true;
}

/// The record of a key, made if need be; null: there are too many, and that is told.
template <class Record>
Record* record_for(LimitTable<Record>& table, const Record& record, const CommandHeader& header,
                   Teller& teller) {
  Record* const known = table.find(record.key());
  if (known != nullptr) {
    known->limits = record.limits;
    return known;
  }
  if (table.full()) {
    refuse(teller, header, Reason::capacity, Scope::venue);
    return nullptr;
  }
  return &table.add(record);
}

void set_open_orders(State& state, const QuantityRecord& record) {
  const i64 limit = record.limits.max_open_orders;
  const u32 most = static_cast<u32>(limit < 0 ? kNone : std::min<i64>(limit, kNone));
  if (is_of(record.limits.scope, Scope::venue)) {
    state.max_open_orders = most;
  } else if (record.account != kNone && record.instrument == kNone) {
    state.accounts[record.account].max_open_orders = most;
    state.accounts[record.account].has_limits = limit < 0 ? 0 : 1;
  }
}

}  // namespace

void set_firm(State& state, const SetFirm& command, Teller& teller) {
  if (command.header.reserved != 0 || command.header.instrument != 0 || command.reserved != 0) {
    tell_bad(teller, command.header);
    return;
  }
  const u32 slot = named_account(state, command.header, teller);
  if (slot == kNone) return;
  count_in_firm(state, slot, -1);
  state.accounts[slot].firm = command.firm;
  count_in_firm(state, slot, 1);
  ++state.limits_version;
  teller.tell<FirmChanged>(0, command.header.account).firm = command.firm;
}

void set_quantity_limits(State& state, const SetQuantityLimits& command, Teller& teller) {
  if (!state.accounting() || !content_is_good(command)) {
    tell_bad(teller, command.header);
    return;
  }
  QuantityRecord record{command.limits, kNone, kNone};
  if (!find_named(state, command.header, command.limits.scope, record.account, record.instrument,
                  teller) ||
      record_for(state.quantity_limits, record, command.header, teller) == nullptr) {
    return;
  }
  set_open_orders(state, record);
  ++state.limits_version;
  teller.tell<QuantityLimitsChanged>(command.header.instrument, command.header.account).limits =
      command.limits;
}

void set_money_limits(State& state, const SetMoneyLimits& command, Teller& teller) {
  if (!state.accounting() || !content_is_good(command)) {
    tell_bad(teller, command.header);
    return;
  }
  const MoneyLimits& limits = command.limits;
  MoneyRecord record{};
  record.limits = limits;
  if (!find_named(state, command.header, limits.scope, record.account, record.instrument, teller)) {
    return;
  }
  if (state.find_currency(limits.currency) < 0) {
    refuse(teller, command.header, Reason::unknown_currency);
    return;
  }
  const bool of_firm = is_of(limits.scope, Scope::firm);
  if (of_firm || limits.max_open_notional >= 0) watch_worth(state);
  MoneyRecord* const kept = record_for(state.money_limits, record, command.header, teller);
  if (kept == nullptr) return;
  if (of_firm) {
    kept->working = worth_of_firm(state, limits.firm, limits.currency);
    kept->filled = 0;
  }
  ++state.limits_version;
  teller.tell<MoneyLimitsChanged>(command.header.instrument, command.header.account).limits =
      limits;
}

void set_market_size(State& state, const SetMarketSize& command, Teller& teller) {
  if (!state.accounting() || !content_is_good(command)) {
    tell_bad(teller, command.header);
    return;
  }
  const Instrument* const instrument = named_instrument(state, command.header, teller);
  if (instrument == nullptr) return;
  state.rare_of(*instrument).size = command.size;
  ++state.limits_version;
  teller.tell<MarketSizeChanged>(instrument->id, 0).size = command.size;
}

void set_market_shares(State& state, const SetMarketShares& command, Teller& teller) {
  if (!state.accounting() || !content_is_good(command)) {
    tell_bad(teller, command.header);
    return;
  }
  const MarketShares& limits = command.limits;
  ShareRecord record{limits, kNone, kNone};
  if (!find_named(state, command.header, limits.scope, record.account, record.instrument, teller) ||
      record_for(state.share_limits, record, command.header, teller) == nullptr) {
    return;
  }
  ++state.limits_version;
  teller.tell<MarketSharesChanged>(command.header.instrument, command.header.account).limits =
      limits;
}

}  // namespace quantumcore
