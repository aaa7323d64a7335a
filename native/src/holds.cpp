#include "quantumcore/holds.hpp"

#include "quantumcore/commands.hpp"
#include "quantumcore/gate.hpp"
#include "quantumcore/margin_checks.hpp"

/// Money that clients set aside: placed once, captured many times (docs/reference/engine.md section
/// 12).
namespace quantumcore {

namespace {

/// Which field of a hold that is known differs first.
enum Field : u8 { kSame = 0, kAccount = 1, kAmount = 2, kExpiresAt = 3 };

bool header_is_good(const CommandHeader& header) {
  return header.reserved == 0 && header.instrument == 0;
}

bool content_is_good(const PlaceHold& c) {
  return header_is_good(c.header) && c.reserved == 0 && is_id(c.hold_id);
}

template <class Command>
bool names_a_hold(const Command& c) {
  return header_is_good(c.header) && c.reserved == 0 && is_id(c.hold_id);
}

Balance& balance_of(State& state, const Hold& hold) {
  const u32 row = state.accounts.find_balance(hold.account, hold.currency);
  QC_ASSERT(row != kNone);
  return state.accounts.balance(row);
}

/// Moves what the account holds of it, and tells the hold as it stands.
void tell_changed(State& state, u32 row, i64 amount, i64 held, HoldCause cause, Teller& teller) {
  const Hold& hold = state.hold_ids[row];
  Balance& balance = balance_of(state, hold);
  const bool overflow = __builtin_add_overflow(balance.held, held, &balance.held);
  QC_ASSERT(!overflow && balance.held >= 0);
  HoldChanged& event = teller.tell<HoldChanged>(0, state.accounts[hold.account].id);
  event.amount = amount;
  event.placed = hold.placed;
  event.captured = hold.captured;
  event.released = hold.released;
  event.open = hold.open();
  event.expires_ns = hold.expires_ns;
  event.hold_sequence = hold.sequence;
  event.held = balance.held;
  event.currency = state.currencies[hold.currency].id;
  event.cause = static_cast<u8>(cause);
  std::memcpy(event.hold_id, hold.hold_id, kIdBytes);
}

void release(State& state, u32 row, i64 amount, HoldCause cause, Teller& teller) {
  state.hold_ids.change(row, 0, 0, amount);
  tell_changed(state, row, amount, -amount, cause, teller);
}

// ---- placing ----

Field first_difference(const State& state, const Hold& first, const PlaceHold& again) {
  if (state.currencies[first.currency].id != again.currency) return kAccount;
  if (first.amount != again.amount) return kAmount;
  return first.expires_ns == again.expires_ns ? kSame : kExpiresAt;
}

void answer_again(const State& state, const Hold& first, const PlaceHold& command, Teller& teller) {
  const Named named{first.sequence, 0, command.hold_id};
  if (first.failed != 0) {
    tell_again(teller, command.header, Known::failed, named);
    return;
  }
  const Field field = first_difference(state, first, command);
  tell_again(teller, command.header, field == kSame ? Known::same : Known::differs, named, field);
}

bool judge(const State& state, const PlaceHold& c, Hold& hold, i64 now, Refusal& why) {
  if (c.amount <= 0) return why.no(Reason::bad_amount, Scope::none);
  const i32 currency = state.find_currency(c.currency);
  if (currency < 0) return why.no(Reason::unknown_currency, Scope::none);
  hold.currency = static_cast<u16>(currency);
  if (c.expires_ns != 0 && c.expires_ns <= now) {
    return why.no(Reason::bad_expiry, Scope::none, 9, now, c.expires_ns);
  }
  if (!judge_debit(state.accounts[hold.account], why) ||
      !judge_available(state, hold.account, hold.currency, c.amount, why) ||
      !judge_free(state, hold.account, hold.currency, c.amount, why)) {
    return false;
  }
  return !state.hold_ids.full() || why.no(Reason::capacity, Scope::venue);
}

// ---- what is placed ----

/// The row of the hold that a command names, or kNone: it is refused then.
template <class Command>
u32 named_hold(const State& state, const Command& c, Teller& teller) {
  Refusal why;
  const u32 account = state.accounts.find(c.header.account);
  const u32 row = account == kNone ? kNone : state.hold_ids.find(account, c.hold_id);
  if (row != kNone && state.hold_ids[row].failed == 0) return row;
  if (account == kNone) {
    why.no(Reason::unknown_account, Scope::account);
  } else {
    why.no(Reason::hold_not_found, Scope::none);
  }
  tell_refused(teller, c.header, why, {0, 0, c.hold_id});
  return kNone;
}

bool judge_amended(const State& state, u32 row, i64 amount, Refusal& why) {
  if (amount <= 0) return why.no(Reason::bad_amount, Scope::none);
  const Hold& hold = state.hold_ids[row];
  const i64 increase = amount - hold.placed;
  if (!judge_taken(state, row, 0, increase < 0 ? -increase : 0, why)) return false;
  return increase <= 0 || (judge_debit(state.accounts[hold.account], why) &&
                           judge_available(state, hold.account, hold.currency, increase, why) &&
                           judge_free(state, hold.account, hold.currency, increase, why));
}

}  // namespace

bool judge_taken(const State& state, u32 row, i128 already, i64 amount, Refusal& why) {
  const Hold& hold = state.hold_ids[row];
  const i128 there = hold.open() - already;
  if (there == 0) return why.no(Reason::hold_closed, Scope::account);
  return amount <= there || why.no(Reason::hold_exceeded, Scope::account,
                                   state.currencies[hold.currency].scale, there, amount);
}

void capture_hold(State& state, u32 row, i64 amount, Teller& teller) {
  state.hold_ids.change(row, 0, amount, 0);
  tell_changed(state, row, amount, -amount, HoldCause::captured, teller);
}

void end_holds(State& state, Teller& teller) {
  for (u32 row = state.hold_ids.next_end();
       row != kNone && state.hold_ids[row].expires_ns <= teller.time_ns();
       row = state.hold_ids.next_end()) {
    release(state, row, state.hold_ids[row].open(), HoldCause::expired, teller);
  }
}

void end_holds_of(State& state, u16 currency, Teller& teller) {
  for (u32 row = 0; row < state.hold_ids.count(); ++row) {
    const Hold& hold = state.hold_ids[row];
    if (hold.currency != currency || hold.open() == 0) continue;
    release(state, row, hold.open(), HoldCause::adjusted, teller);
  }
}

void place_hold(State& state, const PlaceHold& command, Teller& teller) {
  if (!state.accounting() || !content_is_good(command)) {
    tell_bad(teller, command.header);
    return;
  }
  const Named named{0, 0, command.hold_id};
  Refusal why;
  Hold hold{};
  hold.account = state.accounts.find(command.header.account);
  if (hold.account == kNone) {
    why.no(Reason::unknown_account, Scope::account);
    tell_refused(teller, command.header, why, named);
    return;
  }
  const u32 first = state.hold_ids.find(hold.account, command.hold_id);
  if (first != kNone) {
    answer_again(state, state.hold_ids[first], command, teller);
    return;
  }
  hold.sequence = teller.sequence();
  hold.amount = command.amount;
  hold.expires_ns = command.expires_ns;
  std::memcpy(hold.hold_id, command.hold_id, kIdBytes);
  if (!judge(state, command, hold, teller.time_ns(), why)) {
    hold.failed = 1;
    if (is_of_state(why.reason) && !state.hold_ids.full()) state.hold_ids.remember(hold);
    tell_refused(teller, command.header, why, named);
    return;
  }
  hold.placed = command.amount;
  const u32 row = state.hold_ids.remember(hold);
  tell_changed(state, row, command.amount, command.amount, HoldCause::placed, teller);
}

void amend_hold(State& state, const AmendHold& command, Teller& teller) {
  if (!state.accounting() || !names_a_hold(command)) {
    tell_bad(teller, command.header);
    return;
  }
  const u32 row = named_hold(state, command, teller);
  if (row == kNone) return;
  Refusal why;
  if (!judge_amended(state, row, command.amount, why)) {
    tell_refused(teller, command.header, why, {0, 0, command.hold_id});
    return;
  }
  const i64 increase = command.amount - state.hold_ids[row].placed;
  state.hold_ids.change(row, increase, 0, 0);
  tell_changed(state, row, increase, increase, HoldCause::amended, teller);
}

void release_hold(State& state, const ReleaseHold& command, Teller& teller) {
  if (!state.accounting() || !names_a_hold(command)) {
    tell_bad(teller, command.header);
    return;
  }
  const u32 row = named_hold(state, command, teller);
  if (row == kNone) return;
  Refusal why;
  if (command.amount < 0) {
    why.no(Reason::bad_amount, Scope::none);
  } else if (judge_taken(state, row, 0, command.amount, why)) {
    const i64 amount = command.amount != 0 ? command.amount : state.hold_ids[row].open();
    release(state, row, amount, HoldCause::released, teller);
    return;
  }
  tell_refused(teller, command.header, why, {0, 0, command.hold_id});
}

}  // namespace quantumcore
