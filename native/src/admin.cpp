#include <algorithm>

#include "quantumcore/commands.hpp"
#include "quantumcore/expiry.hpp"
#include "quantumcore/gate.hpp"
#include "quantumcore/holds.hpp"
#include "quantumcore/phases.hpp"

namespace quantumcore {

namespace {

bool is_capital_or_digit(char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

/// A name of at least one good character, then zeros; `more` are good from the second on.
template <std::size_t N>
bool is_name(const char (&name)[N], const char* more) {
  std::size_t length = 0;
  while (length < N && name[length] != 0 &&
         (is_capital_or_digit(name[length]) ||
          (length > 0 && std::strchr(more, name[length]) != nullptr))) {
    ++length;
  }
  if (length == 0) return false;
  return std::all_of(name + length, name + N, [](char c) { return c == 0; });
}

bool is_canonical(i64 mantissa, u8 scale) {
  return mantissa >= 1 && scale <= kMaxScale && (scale == 0 || mantissa % 10 != 0);
}

bool is_good(const State& state, const InstrumentTerms& t) {
  static constexpr i64 kHighestRate = 10'000'000;
  Unit unit;
  i64 asset;
  return is_name(t.symbol, "._-") && is_canonical(t.tick, t.tick_scale) &&
         is_canonical(t.lot, t.lot_scale) && t.multiplier >= 1 && t.min_price >= 1 &&
         t.min_price <= t.max_price && t.min_quantity >= 1 && t.min_quantity <= t.max_quantity &&
         t.min_notional >= 0 && t.min_notional <= t.max_notional && t.taker_fee >= 0 &&
         t.taker_fee <= kHighestRate && t.maker_fee >= -kHighestRate &&
         t.maker_fee <= kHighestRate && t.maker_fee + t.taker_fee >= 0 && t.minimum_fee >= 0 &&
         (t.maker_fee >= 0 || t.minimum_fee == 0) && t.collar > 0 &&
         t.collar < static_cast<i64>(kRateScale) &&
         make_unit(t.tick, t.lot, t.multiplier, static_cast<u32>(t.tick_scale) + t.lot_scale,
                   state.currencies[static_cast<u32>(state.find_currency(t.quote))].scale, unit) &&
         make_asset_per_lot(t.lot, t.lot_scale,
                            state.currencies[static_cast<u32>(state.find_currency(t.base))].scale,
                            asset);
}

/// What never changes once an instrument exists.
bool same_contract(const InstrumentTerms& a, const InstrumentTerms& b) {
  return a.kind == b.kind && a.base == b.base && a.quote == b.quote &&
         a.tick_scale == b.tick_scale && a.lot_scale == b.lot_scale && a.tick == b.tick &&
         a.lot == b.lot && a.multiplier == b.multiplier &&
         std::memcmp(a.symbol, b.symbol, sizeof a.symbol) == 0;
}

/// What a definition may begin with; the other phases are asked for.
bool is_status(u8 status) { return status >= kContinuous && status <= kClosed; }
bool is_phase(u8 status) { return status >= kContinuous && status <= kPostClose; }

u32 cancel_all(State& state, u32 account, Teller& teller) {
  return cancel_each(state, account, CancelReason::kill_switch, teller, [](u32) { return true; });
}

u32 cancel_all_accounts(State& state, Teller& teller) {
  u32 busy = 0;
  for (u32 slot = 0; slot < state.accounts.count(); ++slot) {
    if (state.accounts[slot].open_orders > 0) state.account_order[busy++] = slot;
  }
  u32* const first = state.account_order.data();
  std::sort(first, first + busy,
            [&](u32 a, u32 b) { return state.accounts[a].id < state.accounts[b].id; });
  u32 count = 0;
  for (u32 i = 0; i < busy; ++i) count += cancel_all(state, first[i], teller);
  return count;
}

}  // namespace

void open_account(State& state, const OpenAccount& command, Teller& teller) {
  const u64 id = command.header.account;
  if (command.header.reserved != 0 || command.header.instrument != 0 || id == 0 || id >> 32 != 0) {
    tell_bad(teller, command.header);
    return;
  }
  const u32 known = state.accounts.find(id);
  if (known != kNone) {
    if (std::memcmp(state.accounts[known].owner, command.owner, sizeof command.owner) == 0) {
      tell_done(teller, command.header, kRepeat);
    } else {
      refuse(teller, command.header, Reason::exists_different);
    }
    return;
  }
  if (state.accounts.full()) {
    refuse(teller, command.header, Reason::capacity, Scope::venue);
    return;
  }
  state.accounts.open(static_cast<u32>(id), command.owner);
  AccountOpened& event = teller.tell<AccountOpened>(0, id);
  std::memcpy(event.owner, command.owner, sizeof command.owner);
}

void define_currency(State& state, const DefineCurrency& command, Teller& teller) {
  if (command.header.reserved != 0 || command.header.instrument != 0 ||
      command.header.account != 0 || command.reserved != 0) {
    tell_bad(teller, command.header);
    return;
  }
  if (command.currency == 0 || command.scale > 9 || !is_name(command.code, "")) {
    refuse(teller, command.header, Reason::bad_definition);
    return;
  }
  const i32 known = state.find_currency(command.currency);
  if (known >= 0) {
    const Currency& currency = state.currencies[static_cast<u32>(known)];
    if (currency.scale == command.scale &&
        std::memcmp(currency.code, command.code, sizeof command.code) == 0) {
      tell_done(teller, command.header, kRepeat);
    } else {
      refuse(teller, command.header, Reason::exists_different);
    }
    return;
  }
  for (u32 i = 0; i < state.currency_count; ++i) {
    if (std::memcmp(state.currencies[i].code, command.code, sizeof command.code) == 0) {
      refuse(teller, command.header, Reason::bad_definition);
      return;
    }
  }
  if (state.currency_count == kMaxCurrencies) {
    refuse(teller, command.header, Reason::capacity, Scope::venue);
    return;
  }
  state.add_currency(command.currency, command.scale, command.code);
  CurrencyDefined& event = teller.tell<CurrencyDefined>(0, 0);
  event.currency = command.currency;
  event.scale = command.scale;
  std::memcpy(event.code, command.code, sizeof command.code);
}

void define_instrument(State& state, const DefineInstrument& command, Teller& teller) {
  const InstrumentTerms& terms = command.terms;
  const u32 id = command.header.instrument;
  if (command.header.reserved != 0 || command.header.account != 0 || terms.kind < 1 ||
      terms.kind > 2 || !is_status(terms.status)) {
    tell_bad(teller, command.header);
    return;
  }
  if (state.find_currency(terms.base) < 0 || state.find_currency(terms.quote) < 0 ||
      terms.base == terms.quote) {
    refuse(teller, command.header, Reason::unknown_currency);
    return;
  }
  if (id == 0 || !is_good(state, terms)) {
    refuse(teller, command.header, Reason::bad_definition);
    return;
  }
  if (Instrument* const known = state.find_instrument(id); known != nullptr) {
    if (!same_contract(known->terms, terms)) {
      refuse(teller, command.header, Reason::exists_different);
      return;
    }
    if (std::memcmp(&known->terms, &terms, sizeof terms) == 0) {
      tell_done(teller, command.header, kRepeat);
      return;
    }
    // Another status is another phase: it begins as if it had been asked for alone, under the new
    // terms.
    const u8 before = known->terms.status;
    known->terms = terms;
    known->terms.status = before;
    ++state.limits_version;
    state.touch(*known);
    teller.tell<InstrumentDefined>(id, 0).terms = terms;
    if (before != terms.status) change_phase(state, *known, terms.status, kCauseAsked, teller);
    return;
  } else {
    const u32 other = state.instruments_by_symbol.find(symbol_tag(terms.symbol), [&](u32 s) {
      return std::memcmp(state.instruments[s].terms.symbol, terms.symbol, sizeof terms.symbol) == 0;
    });
    if (other != kNone) {
      refuse(teller, command.header, Reason::bad_definition);
      return;
    }
    if (state.instrument_count == kMaxInstruments) {
      refuse(teller, command.header, Reason::capacity, Scope::venue);
      return;
    }
    state.add_instrument(id, terms);
  }
  teller.tell<InstrumentDefined>(id, 0).terms = terms;
}

void set_instrument_status(State& state, const SetInstrumentStatus& command, Teller& teller) {
  if (command.header.reserved != 0 || command.header.account != 0 || !is_phase(command.status) ||
      !all_zero(command.reserved)) {
    tell_bad(teller, command.header);
    return;
  }
  Instrument* const instrument = named_instrument(state, command.header, teller);
  if (instrument == nullptr) return;
  change_phase(state, *instrument, command.status, kCauseAsked, teller);
}

void mass_cancel(State& state, const MassCancel& command, Teller& teller) {
  if (command.header.reserved != 0 || command.side > kSell || !all_zero(command.reserved)) {
    tell_bad(teller, command.header);
    return;
  }
  const u32 account = named_account(state, command.header, teller);
  if (account == kNone) return;
  u32 instrument = kNone;
  if (command.header.instrument != 0) {
    const Instrument* const found = named_instrument(state, command.header, teller);
    if (found == nullptr) return;
    instrument = state.slot_of(*found);
  }
  const auto fits = [&](u32 slot) {
    const OrderNode& node = state.orders.node(slot);
    return (instrument == kNone || node.instrument == instrument) &&
           (command.side == 0 || (command.side == kSell) == is_sell(node));
  };
  const u32 count = cancel_each(state, account, CancelReason::mass_cancel, teller, fits);
  tell_done(teller, command.header).count = count;
}

void set_kill_switch(State& state, const SetKillSwitch& command, Teller& teller) {
  if (command.header.reserved != 0 || command.header.instrument != 0 || command.engaged > 1 ||
      !all_zero(command.reserved)) {
    tell_bad(teller, command.header);
    return;
  }
  u32 count = 0;
  if (command.header.account == 0) {
    state.killed = command.engaged != 0;
    if (state.killed) count = cancel_all_accounts(state, teller);
  } else {
    const u32 account = named_account(state, command.header, teller);
    if (account == kNone) return;
    state.accounts[account].killed = command.engaged;
    if (command.engaged != 0) count = cancel_all(state, account, teller);
  }
  KillSwitchChanged& event = teller.tell<KillSwitchChanged>(0, command.header.account);
  event.engaged = command.engaged;
  event.count = count;
}

void set_limits(State& state, const SetLimits& command, Teller& teller) {
  if (command.header.reserved != 0 || command.header.instrument != 0 || command.reserved != 0) {
    tell_bad(teller, command.header);
    return;
  }
  if (command.header.account == 0) {
    state.max_open_orders = command.max_open_orders;
  } else {
    const u32 slot = named_account(state, command.header, teller);
    if (slot == kNone) return;
    state.accounts[slot].max_open_orders = command.max_open_orders;
    state.accounts[slot].has_limits = 1;
  }
  teller.tell<LimitsChanged>(0, command.header.account).max_open_orders = command.max_open_orders;
}

void advance_time(State& state, const AdvanceTime& command, Teller& teller) {
  if (command.header.reserved != 0 || command.header.instrument != 0 ||
      command.header.account != 0) {
    tell_bad(teller, command.header);
    return;
  }
  state.client_ids.forget(teller.time_ns(), kRememberNs);
  end_what_is_due(state, teller);
  end_holds(state, teller);
  if (state.due_count != 0) pass_time(state, teller);
  tell_done(teller, command.header);
}

}  // namespace quantumcore
