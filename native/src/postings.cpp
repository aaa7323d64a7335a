#include <algorithm>

#include "quantumcore/commands.hpp"
#include "quantumcore/gate.hpp"
#include "quantumcore/group_draft.hpp"
#include "quantumcore/holds.hpp"
#include "quantumcore/margin_checks.hpp"

/// Groups of transfers between any accounts, all or none (docs/reference/engine.md section 11); a
/// leg may capture from a hold (section 12).
namespace quantumcore {

namespace {

/// Which field of a group that is known differs first.
enum Field : u8 {
  kSame = 0,
  kGroup = 1,
  kDebitAccount = 2,
  kCreditAccount = 3,
  kAmount = 4,
  kCode = 5,
  kHold = 6,
  kEffectiveDate = 7,
  kUserData = 8,
  kText = 9,
};

/// A command and what it has been found to mean.
struct Group {
  const PostGroup& command;
  const Leg* legs;
  u32 owner;  // slot of whose id it is; kNone: the house's

  const GroupTerms& terms() const { return command.terms; }
  u32 count() const { return command.terms.count; }
};

bool content_is_good(const PostGroup& c) {
  const GroupTerms& g = c.terms;
  const std::size_t size = sizeof c + std::size_t{g.count} * sizeof(Leg);
  return c.header.reserved == 0 && c.header.instrument == 0 && g.count >= 1 &&
         g.count <= kMostLegs && c.header.size == size && is_id(g.group_id) && g.code != 0 &&
         g.flags <= kSigned && (is_zero_id(g.reverses) || is_id(g.reverses));
}

bool leg_is_good(const Leg& leg) {
  const Side debit = debit_of(leg);
  const Side credit = credit_of(leg);
  const bool may_hold = !debit.is_house() && !debit.is_collateral();
  return is_known(debit) && is_known(credit) && leg.amount >= 0 && leg.reserved == 0 &&
         (leg.hold == 0 || may_hold) && !is_one(debit, credit);
}

/// A refusal, and the leg that failed, if it was one.
struct Fault {
  Refusal why;
  u32 leg = kNone;
};

void tell_fault(const Group& group, const Fault& fault, Teller& teller) {
  tell_refused(teller, group.command.header, fault.why, {0, fault.leg, group.terms().group_id});
}

// ---- what is known ----

bool same_side(const Leg& a, const Leg& b, bool debit) {
  if (a.currency != b.currency) return false;
  return debit ? a.debit_account == b.debit_account && a.debit_code == b.debit_code
               : a.credit_account == b.credit_account && a.credit_code == b.credit_code;
}

template <class T>
bool same_bytes(const T& a, const T& b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

/// The first difference: the group, its legs one by one, then code, holds, and the rest.
Field first_difference(const State& state, const PostedGroup& first, const Group& again, u32& leg) {
  const GroupTerms& a = first.terms;
  const GroupTerms& b = again.terms();
  if (a.count != b.count || a.flags != b.flags || !same_bytes(a.reverses, b.reverses)) {
    return kGroup;
  }
  for (leg = 0; leg < again.count(); ++leg) {
    const Leg& ours = state.group_ids.leg(first.first_leg + leg);
    const Leg& theirs = again.legs[leg];
    if (!same_side(ours, theirs, true)) return kDebitAccount;
    if (!same_side(ours, theirs, false)) return kCreditAccount;
    if (ours.amount != theirs.amount) return kAmount;
  }
  leg = kNone;
  if (a.code != b.code) return kCode;
  for (leg = 0; leg < again.count(); ++leg) {
    if (state.group_ids.leg(first.first_leg + leg).hold != again.legs[leg].hold) return kHold;
  }
  leg = kNone;
  if (a.effective_day != b.effective_day) return kEffectiveDate;
  if (!same_bytes(a.user_data, b.user_data)) return kUserData;
  return same_bytes(a.text, b.text) ? kSame : kText;
}

void answer_again(const State& state, const PostedGroup& first, const Group& group,
                  Teller& teller) {
  Named named{first.sequence, kNone, group.terms().group_id};
  if (first.failed != 0) {
    tell_again(teller, group.command.header, Known::failed, named);
    return;
  }
  const Field field = first_difference(state, first, group, named.order_slot);
  tell_again(teller, group.command.header, field == kSame ? Known::same : Known::differs, named,
             field);
}

/// Asks `fits` of every leg; the first that does not is the fault's.
template <class Fits>
bool each_leg(const Group& group, Fault& fault, const Fits& fits) {
  for (u32 at = 0; at < group.count(); ++at) {
    if (fits(group.legs[at])) continue;
    fault.leg = at;
    return false;
  }
  return true;
}

/// Whether there is the hold that a leg names, and it is of the account and currency of its debit.
bool may_capture(const State& state, const Leg& leg) {
  const u32 row = state.hold_ids.find_placed(leg.hold);
  if (row == kNone) return false;
  const Hold& hold = state.hold_ids[row];
  return state.accounts[hold.account].id == leg.debit_account &&
         state.currencies[hold.currency].id == leg.currency;
}

bool judge_known(const State& state, const Group& group, Fault& fault) {
  const auto stands = [&](u32 account) {
    return account == 0 || state.accounts.find(account) != kNone;
  };
  return each_leg(group, fault,
                  [&](const Leg& leg) {
                    return (stands(leg.debit_account) && stands(leg.credit_account)) ||
                           fault.why.no(Reason::unknown_account, Scope::account);
                  }) &&
         each_leg(group, fault,
                  [&](const Leg& leg) {
                    return state.find_currency(leg.currency) >= 0 ||
                           fault.why.no(Reason::unknown_currency, Scope::none);
                  }) &&
         each_leg(group, fault, [&](const Leg& leg) {
           return leg.hold == 0 || may_capture(state, leg) ||
                  fault.why.no(Reason::hold_not_found, Scope::none);
         });
}

/// Whether a leg is another turned round.
bool mirrors(const Leg& leg, const Leg& of) {
  return is_one(debit_of(leg), credit_of(of)) && is_one(credit_of(leg), debit_of(of)) &&
         leg.currency == of.currency && leg.amount == of.amount;
}

/// REVERSAL_DIFFERS: not the same legs turned round, in their order or the last first.
bool judge_mirror(const State& state, const PostedGroup& original, const Group& group,
                  Fault& fault) {
  const u32 count = group.count();
  if (original.terms.count != count) {
    return fault.why.no(Reason::reversal_differs, Scope::none);
  }
  u32 in_order = 0;
  u32 last_first = 0;
  while (in_order < count &&
         mirrors(group.legs[in_order], state.group_ids.leg(original.first_leg + in_order))) {
    ++in_order;
  }
  while (last_first < count &&
         mirrors(group.legs[last_first],
                 state.group_ids.leg(original.first_leg + count - 1 - last_first))) {
    ++last_first;
  }
  if (in_order == count || last_first == count) return true;
  fault.leg = in_order;
  return fault.why.no(Reason::reversal_differs, Scope::none);
}

// ---- money ----

/// ACCOUNT_FROZEN of who gives, ACCOUNT_CLOSED of both.
bool judge_states(const State& state, const Group& group, Fault& fault) {
  const auto barred = [&](u32 account) {
    return account == 0 ? kNotBarred : state.accounts[state.accounts.find(account)].barred;
  };
  return each_leg(group, fault,
                  [&](const Leg& leg) {
                    return barred(leg.debit_account) != kBarFrozen ||
                           fault.why.no(Reason::account_frozen, Scope::account);
                  }) &&
         each_leg(group, fault, [&](const Leg& leg) {
           return (barred(leg.debit_account) != kBarClosed &&
                   barred(leg.credit_account) != kBarClosed) ||
                  fault.why.no(Reason::account_closed, Scope::account);
         });
}

bool judge_money(const State& state, const Group& group, Draft& draft, Fault& fault) {
  if (!judge_states(state, group, fault) ||
      !each_leg(group, fault, [&](const Leg& leg) { return draft.add(leg, fault.why); })) {
    return false;
  }
  if (state.group_ids.full() || state.group_ids.legs_left() < group.count() ||
      draft.new_balances() > state.accounts.balances_left()) {
    return fault.why.no(Reason::capacity, Scope::venue);
  }
  return true;
}

// ---- applying ----

/// Moves one side of a leg; its account's balance is told when both sides
/// have moved.
void move(State& state, const Side& side, u16 currency, i64 amount) {
  if (side.is_house()) {
    state.houses[currency].moved[side.place()] += side.sign() * amount;
    return;
  }
  const u32 account = state.accounts.find(side.account);
  const u16 kept = static_cast<u16>(side.is_collateral() ? currency | kCollateral : currency);
  Balance& balance = state.accounts.balance(state.accounts.make_balance(account, kept));
  const i64 change = side.debit ? -amount : amount;
  if (!side.is_collateral()) note_deposit(state, account, currency, change);
  const bool overflow = __builtin_add_overflow(balance.total, change, &balance.total);
  QC_ASSERT(!overflow);
  state.owe(currency, change);
}

i128 total_of(const State& state, const Side& side, u16 currency) {
  if (side.is_house()) return state.house_balance(currency, side.place());
  const u16 kept = static_cast<u16>(side.is_collateral() ? currency | kCollateral : currency);
  return state.accounts
      .balance(state.accounts.find_balance(state.accounts.find(side.account), kept))
      .total;
}

void make(State& state, const Group& group, u32 at, Teller& teller) {
  const Leg& leg = group.legs[at];
  const u16 currency = static_cast<u16>(state.find_currency(leg.currency));
  move(state, debit_of(leg), currency, leg.amount);
  move(state, credit_of(leg), currency, leg.amount);
  TransferMade& event = teller.tell<TransferMade>(0, group.command.header.account);
  event.amount = leg.amount;
  event.debit_total = total_of(state, debit_of(leg), currency);
  event.credit_total = total_of(state, credit_of(leg), currency);
  event.debit_account = leg.debit_account;
  event.credit_account = leg.credit_account;
  event.debit_code = leg.debit_code;
  event.credit_code = leg.credit_code;
  event.currency = leg.currency;
  event.code = group.terms().code;
  event.leg = at;
  event.flags = group.terms().flags;
  if (leg.hold == 0) return;
  capture_hold(state, state.hold_ids.find_placed(leg.hold), leg.amount, teller);
}

void tell_posted(const Group& group, u64 reverses, Teller& teller) {
  const GroupTerms& terms = group.terms();
  const u64 account = group.command.header.account;
  if (std::any_of(std::begin(terms.text), std::end(terms.text), [](char c) { return c != 0; })) {
    GroupNoted& noted = teller.tell<GroupNoted>(0, account);
    std::memcpy(noted.text, terms.text, sizeof terms.text);
  }
  GroupPosted& event = teller.tell<GroupPosted>(0, account);
  event.reverses_sequence = reverses;
  std::memcpy(event.group_id, terms.group_id, kIdBytes);
  event.code = terms.code;
  event.count = terms.count;
  event.flags = terms.flags;
  event.effective_day = terms.effective_day;
  std::memcpy(event.user_data, terms.user_data, sizeof terms.user_data);
  std::memcpy(event.reverses, terms.reverses, kIdBytes);
}

void remember(State& state, const Group& group, bool failed, const Teller& teller) {
  PostedGroup entry{};
  entry.terms = group.terms();
  entry.sequence = teller.sequence();
  entry.account = group.owner;
  entry.first_leg = state.group_ids.leg_count();
  entry.failed = failed ? 1 : 0;
  state.group_ids.remember(entry);
  for (u32 at = 0; !failed && at < group.count(); ++at) state.group_ids.add_leg(group.legs[at]);
}

bool fails_for_ever(Reason reason) {
  return is_of_state(reason) || reason == Reason::unknown_account ||
         reason == Reason::hold_closed || reason == Reason::hold_exceeded;
}

void post(State& state, const Group& group, Teller& teller) {
  const GroupTerms& terms = group.terms();
  Draft draft(state, (terms.flags & kSigned) != 0, group.legs);
  Fault fault;
  u32 original = kNone;
  bool fits = judge_known(state, group, fault);
  if (fits && !is_zero_id(terms.reverses)) {
    original = state.group_ids.find(group.owner, terms.reverses);
    if (original == kNone || state.group_ids[original].failed != 0) {
      fits = fault.why.no(Reason::group_not_found, Scope::none);
    } else if (state.group_ids[original].reversed_by != 0) {
      tell_done(teller, group.command.header, kRepeat).order_sequence =
          state.group_ids[original].reversed_by;
      return;
    } else {
      fits = judge_mirror(state, state.group_ids[original], group, fault);
    }
  }
  if (!fits || !judge_money(state, group, draft, fault)) {
    if (fails_for_ever(fault.why.reason) && !state.group_ids.full()) {
      remember(state, group, true, teller);
    }
    tell_fault(group, fault, teller);
    return;
  }
  remember(state, group, false, teller);
  for (u32 at = 0; at < group.count(); ++at) make(state, group, at, teller);
  draft.keep(state);
  u64 reverses = 0;
  if (original != kNone) {
    state.group_ids.reverse(original, teller.sequence());
    reverses = state.group_ids[original].sequence;
  }
  tell_posted(group, reverses, teller);
}

}  // namespace

void post_group(State& state, const PostGroup& command, Teller& teller) {
  if (!state.accounting() || !content_is_good(command)) {
    tell_bad(teller, command.header);
    return;
  }
  const u64 account = command.header.account;
  const auto* const legs =
      reinterpret_cast<const Leg*>(reinterpret_cast<const std::byte*>(&command) + sizeof command);
  const Group group{command, legs, account == 0 ? kNone : state.accounts.find(account)};
  Fault fault;
  if (!each_leg(group, fault, [&](const Leg& leg) {
        return leg_is_good(leg) || fault.why.no(Reason::bad_command, Scope::none);
      })) {
    tell_fault(group, fault, teller);
    return;
  }
  if (account != 0 && group.owner == kNone) {
    fault.why.no(Reason::unknown_account, Scope::account);
    tell_fault(group, fault, teller);
    return;
  }
  const u32 first = state.group_ids.find(group.owner, command.terms.group_id);
  if (first != kNone) {
    answer_again(state, state.group_ids[first], group, teller);
    return;
  }
  post(state, group, teller);
}

}  // namespace quantumcore
