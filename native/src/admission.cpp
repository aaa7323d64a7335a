#include "quantumcore/admission.hpp"

#include "quantumcore/phases.hpp"
#include "quantumcore/rare.hpp"

namespace quantumcore {

namespace {

/// NOT_ENTITLED: the account may not trade, or not this product.
bool judge_entitlement(const State& state, const Sender& sender, Refusal& why) {
  const AccountGuard& guard = state.guards.accounts[sender.account];
  const u8 product = state.rare_of(sender.instrument).class_terms.product;
  return (guard.disabled == 0 && (guard.barred_products >> product & 1) == 0) ||
         why.no(Reason::not_entitled, Scope::account);
}

/// Whether there may be a bucket of the account, or of a session.
bool may_be_throttled(const State& state, u32 account) {
  return (state.guarded & (kGuardThrottles | kGuardSessions)) != 0 ||
         (state.accounts[account].guarded & kGuardOwnThrottles) != 0;
}

bool has_patterns(const State& state, u32 account) {
  return (state.accounts[account].guarded & kGuardPatterns) != 0;
}

}  // namespace

bool judge_sender(const State& state, const Sender& sender, u8& due, Refusal& why) {
  const Account& account = state.accounts[sender.account];
  if ((account.guarded & kGuardEntitlements) != 0 && !judge_entitlement(state, sender, why)) {
    return false;
  }
  if (!judge_levels(state, sender, why) || !judge_debit(account, why)) return false;
  const bool reducing = may_only_reduce(state, sender);
  const bool watched = (account.guarded & kGuardProtected) != 0;
  due = static_cast<u8>((reducing ? kDueReducing : 0) | (watched ? kDueProtection : 0));
  return true;
}

bool judge_rate(const State& state, const Sender& sender, u8 of_class, const SubmitOrder* sent,
                Refusal& why) {
  return (!may_be_throttled(state, sender.account) ||
          judge_buckets(state, sender.account, sender.session, of_class, why)) &&
         (!has_patterns(state, sender.account) || judge_patterns(state, sender.account, sent, why));
}

void count_rate(State& state, u32 account, u32 session, u8 of_class, const SubmitOrder* sent) {
  if (may_be_throttled(state, account)) take_tokens(state, account, session, of_class);
  if (has_patterns(state, account)) count_patterns(state, account, sent);
}

bool admit_cancel(State& state, u32 account, u32 session, u8 of_class, Refusal& why) {
  if (!may_be_throttled(state, account)) return true;
  if (!judge_buckets(state, account, session, of_class, why)) return false;
  take_tokens(state, account, session, of_class);
  return true;
}

bool admits_replacement(const State& state, u32 slot, u32 session, Admission& found, Refusal& why) {
  const OrderNode& node = state.orders.node(slot);
  const Instrument& instrument = state.instruments[node.instrument];
  const Sender sender{node.account, session, instrument};
  found.counts =
      (is_only_throttled(state, sender) || judge_sender(state, sender, found.due, why)) &&
      judge_phase_of(state, instrument, slot, why) &&
      judge_rate(state, sender, kThrottleReplace, nullptr, why);
  return found.counts;
}

bool judge_guards_of(const State& state, u32 slot, u32 session, const Wish& wish, u8 due,
                     Refusal& why) {
  const OrderNode& node = state.orders.node(slot);
  const Instrument& instrument = state.instruments[node.instrument];
  const Sender sender{node.account, session, instrument};
  if ((due & kDueReducing) != 0 &&
      !judge_reducing(state, sender, wish.sell, wish.lots, {slot, sibling(state, slot)}, 0, why)) {
    return false;
  }
  if (!is_guarded(instrument)) return true;
  if (!judge_restriction(state, sender, why)) return false;
  if (!wish.sell || !state.accounting()) return true;
  const PairHold pair = pair_hold(state, slot, base_need(instrument, wish.lots));
  const u32 row = state.orders.record(slot).extra;
  const ShortSale sale{row == kNone ? kLimit : state.extras[row].type,
                       row == kNone ? u16{0} : state.extras[row].flags, wish.price,
                       static_cast<i128>(pair.needed) - pair.held, 0};
  return judge_short(state, node.account, instrument, sale, why);
}

}  // namespace quantumcore
