#include <algorithm>

#include "quantumcore/admission.hpp"
#include "quantumcore/margin_checks.hpp"

/// How an account stands in a currency, and what follows from it (docs/reference/engine.md section
/// 17).
namespace quantumcore {

namespace {

constexpr u8 kFromCancel = 2;  // rungs at which what opens is cancelled

i64 in_63_bits(i128 v) { return static_cast<i64>(std::clamp<i128>(v, -i128{kMaxI64}, kMaxI64)); }

/// The highest rung whose condition holds.
u8 rung_of(const MarginSums& sums) {
  const auto [equity, needed] = std::pair{sums.equity, sums.maintenance};
  if (equity < 0) return 5;
  if (2 * equity < needed) return 4;
  if (equity < needed) return 3;
  if (10 * equity < 11 * needed) return 2;
  return equity < sums.initial ? 1 : 0;
}

MarginAssessed assessed(const State& state, u32 account, u16 currency) {
  MarginAssessed found{};
  const MarginSums sums = look_at(state, account, currency);
  const AccountMargin* const margin = state.margin.find(account, currency);
  const bool has_day = margin != nullptr && margin->has_day != 0;
  if (margin != nullptr) found.profile = margin->profile;
  if (has_day) {
    found.margin_flags = kMarginDay;
    found.opening = margin->opening;
    found.deposits = in_63_bits(margin->deposits);
    found.peak = margin->peak;
  }
  if (sums.stale || sums.too_large) {
    found.margin_flags |= sums.stale ? kMarginStale : kMarginTooLarge;
    return found;
  }
  found.equity = static_cast<i64>(sums.equity);
  found.initial = static_cast<i64>(sums.initial);
  found.maintenance = static_cast<i64>(sums.maintenance);
  if (found.profile != kNoMargin) found.rung = rung_of(sums);
  if (!has_day) return found;
  found.result = static_cast<i64>(sums.equity - margin->opening - margin->deposits);
  found.peak = std::max(found.peak, found.result);
  found.margin_flags |= day_flags(state, *margin, found.result);
  return found;
}

template <class Command>
bool names_a_place(const Command& c) {
  return c.header.reserved == 0 && c.header.instrument == 0 && all_zero(c.reserved);
}

/// The account and the currency of a command, by slot; false: one is unknown, and that is told.
template <class Command>
bool find_place(const State& state, const Command& c, u32& account, u16& currency, Teller& teller) {
  account = named_account(state, c.header, teller);
  if (account == kNone) return false;
  const i32 slot = state.find_currency(c.currency);
  if (slot < 0) {
    refuse(teller, c.header, Reason::unknown_currency);
    return false;
  }
  currency = static_cast<u16>(slot);
  return true;
}

}  // namespace

MarginAssessed margin_of(const State& state, u64 account, u16 currency) {
  const u32 slot = state.accounts.find(account);
  const i32 at = state.find_currency(currency);
  if (slot == kNone || at < 0 || !state.accounting()) return {};
  return assessed(state, slot, static_cast<u16>(at));
}

void note_deposit(State& state, u32 account, u16 currency, i64 change) {
  AccountMargin* const margin = state.margin.find(account, currency);
  if (margin != nullptr && margin->has_day != 0) margin->deposits += change;
}

void open_risk_day(State& state, const OpenRiskDay& command, Teller& teller) {
  if (!state.accounting() || !names_a_place(command)) {
    tell_bad(teller, command.header);
    return;
  }
  u32 account;
  u16 currency;
  if (!find_place(state, command, account, currency, teller)) return;
  auto& accounts = state.margin.accounts;
  if (accounts.full() && state.margin.find(account, currency) == nullptr) {
    refuse(teller, command.header, Reason::capacity, Scope::venue);
    return;
  }
  const MarginSums sums = look_at(state, account, currency);
  Refusal why;
  if (!judge_looked(state, currency, sums, why)) {
    tell_refused(teller, command.header, why);
    return;
  }
  AccountMargin& margin = accounts.make({account, currency});
  if (margin.has_day == 0) ++state.limits_version;
  margin.has_day = 1;
  margin.opening = static_cast<i64>(sums.equity);
  margin.peak = 0;
  margin.deposits = 0;
  RiskDayOpened& event = teller.tell<RiskDayOpened>(0, command.header.account);
  event.opening = margin.opening;
  event.currency = command.currency;
}

void assess_margin(State& state, const AssessMargin& command, Teller& teller) {
  if (!state.accounting() || !names_a_place(command)) {
    tell_bad(teller, command.header);
    return;
  }
  u32 slot;
  u16 currency;
  if (!find_place(state, command, slot, currency, teller)) return;
  MarginAssessed found = assessed(state, slot, currency);
  AccountMargin* const margin = state.margin.find(slot, currency);
  if (margin != nullptr && margin->has_day != 0) margin->peak = found.peak;
  Account& account = state.accounts[slot];
  if ((found.margin_flags & (kMarginLoss | kMarginDrawdown)) != 0 && account.barred == kNotBarred) {
    account.barred = kBarReducing;
    teller.tell<AccountTermsChanged>(0, command.header.account).state = kReducing;
  }
  if (found.rung >= kFromCancel) {
    found.count = cancel_not_reducing(state, slot, currency, CancelReason::margin, teller);
  }
  MarginAssessed& event = teller.tell<MarginAssessed>(0, command.header.account);
  found.header = event.header;
  found.currency = command.currency;
  event = found;
}

}  // namespace quantumcore
