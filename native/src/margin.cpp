#include "quantumcore/margin.hpp"

#include "quantumcore/commands.hpp"

/// Setting what margin is measured by (docs/reference/engine.md section 17).
namespace quantumcore {

namespace {

constexpr u32 kMostRate = 10'000'000;
constexpr i64 kMostSlope = 1'000'000'000'000;
constexpr i64 kDayNs = i64{24} * 3600 * 1'000'000'000;
constexpr i64 kMostOfLot = i64{1} << 46;  // a loss, a greek

bool is_within(i64 v, i64 least, i64 most) { return v >= least && v <= most; }
bool is_of_lot(i64 v) { return is_within(v, -kMostOfLot, kMostOfLot); }

bool names_an_instrument(const CommandHeader& header) {
  return header.reserved == 0 && header.account == 0;
}

bool content_is_good(const SetMarginTerms& c) {
  const MarginTerms& t = c.terms;
  return names_an_instrument(c.header) && t.initial <= kMostRate && t.maintenance <= t.initial &&
         is_within(t.slope, 0, kMostSlope) && is_within(t.mark_ns, 0, kDayNs) &&
         is_within(t.array_ns, 0, kDayNs) && t.profile <= kByVolatility && all_zero(t.reserved);
}

bool content_is_good(const SetRiskArray& c) {
  const RiskArrayTerms& t = c.terms;
  bool good = names_an_instrument(c.header) && t.given <= 1 && all_zero(t.reserved) &&
              is_within(t.short_minimum, 0, t.given == 0 ? 0 : kMostOfLot);
  for (const i64 loss : t.losses) good = good && (t.given == 0 ? loss == 0 : is_of_lot(loss));
  return good;
}

bool content_is_good(const SetAccountMargin& c) {
  const AccountMarginTerms& t = c.terms;
  return c.header.reserved == 0 && c.header.instrument == 0 && all_zero(t.reserved) &&
         (t.profile == kNoMargin || t.profile == kByVolatility || t.profile == kByScenarios);
}

bool content_is_good(const SetGreeks& c) {
  const GreekTerms& t = c.terms;
  return names_an_instrument(c.header) && is_of_lot(t.delta) && is_of_lot(t.gamma) &&
         is_of_lot(t.vega);
}

bool content_is_good(const SetRiskLimits& c) {
  const RiskLimitTerms& t = c.terms;
  const bool of_account = t.scope == static_cast<u8>(Scope::account);
  bool good = c.header.reserved == 0 && c.header.instrument == 0 && t.reserved == 0 &&
              (of_account || t.scope == static_cast<u8>(Scope::venue)) &&
              (c.header.account != 0) == of_account;
  for (const i64 limit : {t.gross, t.net, t.delta, t.gamma, t.vega, t.loss, t.drawdown}) {
    good = good && limit >= -1;
  }
  return good;
}

/// The instrument of a command with good content; null: it is refused.
template <class Command>
InstrumentMargin* named_margin(State& state, const Command& c, Teller& teller) {
  if (!state.accounting() || !content_is_good(c)) {
    tell_bad(teller, c.header);
    return nullptr;
  }
  const Instrument* const instrument = named_instrument(state, c.header, teller);
  return instrument == nullptr ? nullptr : &state.margin.instruments[state.slot_of(*instrument)];
}

/// Keeps the terms of a command in their place, and tells them; null: it is refused.
template <class Told, class Command, class Terms>
InstrumentMargin* keep(State& state, const Command& c, Teller& teller,
                       Terms InstrumentMargin::* place) {
  InstrumentMargin* const margin = named_margin(state, c, teller);
  if (margin == nullptr) return nullptr;
  margin->*place = c.terms;
  teller.tell<Told>(c.header.instrument, 0).terms = c.terms;
  return margin;
}

}  // namespace

void set_margin_terms(State& state, const SetMarginTerms& command, Teller& teller) {
  keep<MarginTermsChanged>(state, command, teller, &InstrumentMargin::terms);
}

void set_risk_array(State& state, const SetRiskArray& command, Teller& teller) {
  InstrumentMargin* const margin =
      keep<RiskArrayChanged>(state, command, teller, &InstrumentMargin::array);
  if (margin == nullptr) return;
  margin->array_set_at = command.terms.given != 0 ? teller.time_ns() : 0;
}

void set_greeks(State& state, const SetGreeks& command, Teller& teller) {
  keep<GreeksChanged>(state, command, teller, &InstrumentMargin::greeks);
}

void set_account_margin(State& state, const SetAccountMargin& command, Teller& teller) {
  if (!state.accounting() || !content_is_good(command)) {
    tell_bad(teller, command.header);
    return;
  }
  const u32 account = named_account(state, command.header, teller);
  if (account == kNone) return;
  const i32 currency = state.find_currency(command.terms.currency);
  if (currency < 0) {
    refuse(teller, command.header, Reason::unknown_currency);
    return;
  }
  auto& accounts = state.margin.accounts;
  const PairKey key{account, static_cast<u32>(currency)};
  const bool known = accounts.find(key) != kNone;
  if (known || command.terms.profile != kNoMargin) {
    if (!known && accounts.full()) {
      refuse(teller, command.header, Reason::capacity, Scope::venue);
      return;
    }
    accounts.make(key).profile = command.terms.profile;
    ++state.limits_version;
  }
  teller.tell<AccountMarginChanged>(0, command.header.account).terms = command.terms;
}

void set_risk_limits(State& state, const SetRiskLimits& command, Teller& teller) {
  if (!state.accounting() || !content_is_good(command)) {
    tell_bad(teller, command.header);
    return;
  }
  u32 account = kNone;
  if (command.header.account != 0) {
    account = named_account(state, command.header, teller);
    if (account == kNone) return;
  }
  const i32 currency = state.find_currency(command.terms.currency);
  if (currency < 0) {
    refuse(teller, command.header, Reason::unknown_currency);
    return;
  }
  auto& limits = state.margin.limits;
  const PairKey key{account, static_cast<u32>(currency)};
  if (limits.full() && limits.find(key) == kNone) {
    refuse(teller, command.header, Reason::capacity, Scope::venue);
    return;
  }
  limits.make(key).terms = command.terms;
  ++state.limits_version;
  teller.tell<RiskLimitsChanged>(0, command.header.account).terms = command.terms;
}

}  // namespace quantumcore
