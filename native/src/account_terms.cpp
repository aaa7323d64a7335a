#include <algorithm>

#include "quantumcore/commands.hpp"
#include "quantumcore/gate.hpp"

/// What an account may do: whether it is open, and how far below zero it may go
/// (docs/reference/engine.md section 11).
namespace quantumcore {

namespace {

struct Left {
  u16 currency;  // id; 0: nothing is left
  bool collateral;
  u8 scale;
  i64 amount;
};

/// What an account still has, or holds on credit: of the currency of the least id, its balance
/// before its collateral.
Left first_left(const State& state, const Account& account) {
  Left first{0, false, 0, 0};
  for (u32 row = account.first_balance; row != kNone; row = state.accounts.balance(row).next) {
    const Balance& balance = state.accounts.balance(row);
    if (balance.total == 0 && balance.held == 0) continue;
    const Currency& currency = state.currencies[balance.currency & ~kCollateral];
    const bool collateral = (balance.currency & kCollateral) != 0;
    if (first.currency == 0 || currency.id < first.currency ||
        (currency.id == first.currency && !collateral)) {
      first = {currency.id, collateral, currency.scale,
               balance.total != 0 ? balance.total : balance.held};
    }
  }
  return first;
}

bool judge_empty(const State& state, const Account& account, Refusal& why) {
  if (account.open_orders != 0) {
    return why.no(Reason::account_not_empty, Scope::account, 0, 0, account.open_orders);
  }
  const Left left = first_left(state, account);
  return left.currency == 0 ||
         why.no(Reason::account_not_empty, Scope::account, left.scale, 0, left.amount);
}

/// How much further below zero all balances of a currency could fall under the new limit.
i128 deeper_with(const State& state, u32 row, i64 limit) {
  i128 floor = 0;
  i128 used = 0;
  if (row != kNone) {
    const Balance& balance = state.accounts.balance(row);
    used = static_cast<i128>(balance.held) - balance.total;
    if (balance.credit != 0) floor = state.accounts.credit(balance.credit - 1).floor();
  }
  return std::max<i128>(limit, used) - floor;
}

bool content_is_good(const SetCredit& c) {
  return c.header.reserved == 0 && c.header.instrument == 0 && c.limit >= 0 && all_zero(c.reserved);
}

}  // namespace

void set_account_terms(State& state, const SetAccountTerms& command, Teller& teller) {
  if (command.header.reserved != 0 || command.header.instrument != 0 || command.state < kOpen ||
      command.state > kReducing || !all_zero(command.reserved)) {
    tell_bad(teller, command.header);
    return;
  }
  const u32 slot = named_account(state, command.header, teller);
  if (slot == kNone) return;
  Account& account = state.accounts[slot];
  Refusal why;
  if (command.state == kShut && !judge_empty(state, account, why)) {
    tell_refused(teller, command.header, why);
    return;
  }
  account.barred = static_cast<u8>(command.state - kOpen);
  teller.tell<AccountTermsChanged>(0, command.header.account).state = command.state;
}

void set_credit(State& state, const SetCredit& command, Teller& teller) {
  if (!state.accounting() || !content_is_good(command)) {
    tell_bad(teller, command.header);
    return;
  }
  const u32 account = named_account(state, command.header, teller);
  if (account == kNone) return;
  const i32 slot = state.find_currency(command.currency);
  if (slot < 0) {
    refuse(teller, command.header, Reason::unknown_currency);
    return;
  }
  const u16 currency = static_cast<u16>(slot);
  const u32 known = state.accounts.find_balance(account, currency);
  const i128 deeper = deeper_with(state, known, command.limit);
  Refusal why;
  if (!judge_bound(state, currency, 0, deeper, why)) {
    tell_refused(teller, command.header, why);
    return;
  }
  if (known == kNone && state.accounts.balances_left() == 0) {
    refuse(teller, command.header, Reason::capacity, Scope::venue);
    return;
  }
  const u32 row = state.accounts.make_balance(account, currency);
  Credit& credit = state.accounts.credit_of(row);
  credit.limit = command.limit;
  const i128 spare = state.accounts.spare_of(state.accounts.balance(row));
  credit.overdrawn = spare < 0 ? static_cast<i64>(-spare) : 0;
  state.houses[currency].floors += static_cast<i64>(deeper);
  CreditChanged& event = teller.tell<CreditChanged>(0, command.header.account);
  event.limit = command.limit;
  event.available = state.accounts.available(state.accounts.balance(row));
  event.currency = command.currency;
}

}  // namespace quantumcore
