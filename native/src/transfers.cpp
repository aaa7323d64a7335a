#include "quantumcore/commands.hpp"
#include "quantumcore/gate.hpp"
#include "quantumcore/margin_checks.hpp"

namespace quantumcore {

namespace {

bool content_is_good(const Transfer& c) {
  return c.header.reserved == 0 && c.header.instrument == 0 && c.reserved == 0 &&
         c.kind >= kDeposit && c.kind <= kBetween && is_id(c.transfer_id);
}

struct Found {
  u32 from = kNone;  // slot of the header's account
  u32 to = kNone;    // slot of to_account, when between accounts
  u16 currency = 0;  // slot
};

/// ACCOUNT_FROZEN, ACCOUNT_CLOSED: of who gives, then of who is given to.
bool judge_states(const State& state, const Transfer& c, const Found& j, Refusal& why) {
  const Account& account = state.accounts[j.from];
  if (c.kind == kDeposit) return judge_credit(account, why);
  return judge_debit(account, why) &&
         (c.kind != kBetween || judge_credit(state.accounts[j.to], why));
}

bool judge(const State& state, const Transfer& c, Found& j, Refusal& why) {
  if (c.amount <= 0) return why.no(Reason::bad_amount, Scope::none);
  const i32 currency_slot = state.find_currency(c.currency);
  if (currency_slot < 0) return why.no(Reason::unknown_currency, Scope::none);
  j.currency = static_cast<u16>(currency_slot);
  if (c.kind == kBetween) {
    j.to = state.accounts.find(c.to_account);
    if (j.to == kNone) return why.no(Reason::unknown_account, Scope::account);
    if (j.to == j.from) return why.no(Reason::bad_command, Scope::none);
  } else if (c.to_account != 0) {
    return why.no(Reason::bad_command, Scope::none);
  }
  if (!judge_states(state, c, j, why)) return false;
  if (!(c.kind == kDeposit ? judge_bound(state, j.currency, c.amount, 0, why)
                           : judge_available(state, j.from, j.currency, c.amount, why) &&
                                 judge_free(state, j.from, j.currency, c.amount, why))) {
    return false;
  }
  if (state.transfer_ids.full() || state.accounts.balances_left() == 0) {
    return why.no(Reason::capacity, Scope::venue);
  }
  return true;
}

void remember(State& state, const Transfer& c, u32 account, bool failed, const Teller& teller) {
  PostedTransfer entry{};
  entry.sequence = teller.sequence();
  entry.amount = c.amount;
  entry.to_account = c.to_account;
  entry.account = account;
  entry.currency = c.currency;
  entry.kind = c.kind;
  entry.failed = failed ? 1 : 0;
  std::memcpy(entry.transfer_id, c.transfer_id, kIdBytes);
  state.transfer_ids.remember(entry);
}

/// A transfer that failed is another, too, when its body differs.
Known known_as(const PostedTransfer& first, const Transfer& c) {
  if (!first.same_body(c)) return Known::differs;
  return first.failed != 0 ? Known::failed : Known::same;
}

/// Only what was checked: a total stays within what is owed to customers.
void move(State& state, const Transfer& c, const Found& j) {
  i64& owed = state.currencies[j.currency].owed;
  Balance& from = state.accounts.balance(state.accounts.make_balance(j.from, j.currency));
  note_deposit(state, j.from, j.currency, c.kind == kDeposit ? c.amount : -c.amount);
  if (c.kind == kDeposit) {
    owed += c.amount;
    const bool overflow = __builtin_add_overflow(from.total, c.amount, &from.total);
    QC_ASSERT(!overflow);
    return;
  }
  from.total -= c.amount;
  QC_ASSERT(from.total >= from.held || from.credit != 0);
  if (c.kind == kWithdrawal) {
    owed -= c.amount;
    return;
  }
  note_deposit(state, j.to, j.currency, c.amount);
  Balance& to = state.accounts.balance(state.accounts.make_balance(j.to, j.currency));
  const bool overflow = __builtin_add_overflow(to.total, c.amount, &to.total);
  QC_ASSERT(!overflow);
}

}  // namespace

void transfer(State& state, const Transfer& command, Teller& teller) {
  if (!state.accounting() || !content_is_good(command)) {
    tell_bad(teller, command.header);
    return;
  }
  const Named named{0, 0, command.transfer_id};
  Refusal why;
  Found judged;
  judged.from = state.accounts.find(command.header.account);
  if (judged.from == kNone) {
    why.no(Reason::unknown_account, Scope::account);
    tell_refused(teller, command.header, why, named);
    return;
  }
  const u32 first = state.transfer_ids.find(judged.from, command.transfer_id);
  if (first != kNone) {
    const PostedTransfer& known = state.transfer_ids[first];
    tell_again(teller, command.header, known_as(known, command),
               {known.sequence, 0, command.transfer_id});
    return;
  }
  if (!judge(state, command, judged, why)) {
    if (is_of_state(why.reason) && !state.transfer_ids.full()) {
      remember(state, command, judged.from, true, teller);
    }
    tell_refused(teller, command.header, why, named);
    return;
  }
  move(state, command, judged);
  remember(state, command, judged.from, false, teller);
  const Balance& balance =
      state.accounts.balance(state.accounts.find_balance(judged.from, judged.currency));
  TransferPosted& event = teller.tell<TransferPosted>(0, command.header.account);
  event.amount = command.amount;
  event.to_account = command.to_account;
  event.total = balance.total;
  event.held = balance.held;
  event.currency = command.currency;
  event.kind = command.kind;
  std::memcpy(event.transfer_id, command.transfer_id, kIdBytes);
}

}  // namespace quantumcore
