#include <algorithm>

#include "quantumcore/commands.hpp"
#include "quantumcore/expiry.hpp"
#include "quantumcore/gate.hpp"

namespace quantumcore {

namespace {

template <std::size_t N>
bool all_zero(const u8 (&bytes)[N]) {
  u8 any = 0;
  for (const u8 b : bytes) any = static_cast<u8>(any | b);
  return any == 0;
}

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

bool is_status(u8 status) { return status >= kTrading && status <= kClosed; }

void refuse(Teller& teller, const CommandHeader& command, Reason reason,
            Scope scope = Scope::none) {
  Refusal why;
  why.no(reason, scope);
  tell_refused(teller, command, why);
}

/// Cancels the working orders of an account that fit, in order of acceptance; instrument kNone and
/// side 0 mean all. Returns how many ended, those that were tied to one of them too.
u32 cancel_working(State& state, const Account& account, u32 instrument, u8 side,
                   CancelReason reason, Teller& teller) {
  u32 count = 0;
  for (u32 slot = account.first_order; slot != kNone; slot = state.orders.links(slot).next) {
    const OrderNode& node = state.orders.node(slot);
    const bool fits = (instrument == kNone || node.instrument == instrument) &&
                      (side == 0 || (side == kSell) == is_sell(node));
    if (fits) state.ending[count++] = slot;
  }
  return cancel_gathered(state, count, reason, teller);
}

/// Does what the phase of an instrument asks for, now that it may be another one.
void be_in_phase(State& state, const Instrument& instrument, Teller& teller) {
  end_day(state, instrument, teller);
  state.touch(instrument);
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
  for (u32 i = 0; i < busy; ++i) {
    count += cancel_working(state, state.accounts[first[i]], kNone, 0, CancelReason::kill_switch,
                            teller);
  }
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
    known->terms = terms;
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
  be_in_phase(state, *state.find_instrument(id), teller);
}

void set_instrument_status(State& state, const SetInstrumentStatus& command, Teller& teller) {
  if (command.header.reserved != 0 || command.header.account != 0 || !is_status(command.status) ||
      !all_zero(command.reserved)) {
    tell_bad(teller, command.header);
    return;
  }
  Instrument* const instrument = state.find_instrument(command.header.instrument);
  if (instrument == nullptr) {
    refuse(teller, command.header, Reason::unknown_symbol, Scope::instrument);
    return;
  }
  instrument->terms.status = command.status;
  teller.tell<InstrumentStatusChanged>(instrument->id, 0).status = command.status;
  be_in_phase(state, *instrument, teller);
}

void mass_cancel(State& state, const MassCancel& command, Teller& teller) {
  if (command.header.reserved != 0 || command.side > kSell || !all_zero(command.reserved)) {
    tell_bad(teller, command.header);
    return;
  }
  const u32 account = state.accounts.find(command.header.account);
  if (account == kNone) {
    refuse(teller, command.header, Reason::unknown_account, Scope::account);
    return;
  }
  u32 instrument = kNone;
  if (command.header.instrument != 0) {
    const Instrument* const found = state.find_instrument(command.header.instrument);
    if (found == nullptr) {
      refuse(teller, command.header, Reason::unknown_symbol, Scope::instrument);
      return;
    }
    instrument = state.slot_of(*found);
  }
  const u32 count = cancel_working(state, state.accounts[account], instrument, command.side,
                                   CancelReason::mass_cancel, teller);
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
    const u32 slot = state.accounts.find(command.header.account);
    if (slot == kNone) {
      refuse(teller, command.header, Reason::unknown_account, Scope::account);
      return;
    }
    Account& account = state.accounts[slot];
    account.killed = command.engaged;
    if (account.killed != 0) {
      count = cancel_working(state, account, kNone, 0, CancelReason::kill_switch, teller);
    }
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
    const u32 slot = state.accounts.find(command.header.account);
    if (slot == kNone) {
      refuse(teller, command.header, Reason::unknown_account, Scope::account);
      return;
    }
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
  tell_done(teller, command.header);
}

}  // namespace quantumcore
