#pragma once

#include "quantumcore/events.hpp"
#include "quantumcore/refusal.hpp"
#include "quantumcore/state.hpp"

/// One function per kind of command: judge, then apply, then tell. Each tells at least one event.
namespace quantumcore {

// Hot: else the compiler thinks that a way through so many checks is cold, and makes it small.
[[gnu::hot]] void submit(State& state, const SubmitOrder& command, Teller& teller);
void submit_advanced(State& state, const SubmitAdvancedOrder& command, Teller& teller);
[[gnu::hot]] void replace(State& state, const ReplaceOrder& command, Teller& teller);
void replace_advanced(State& state, const ReplaceAdvancedOrder& command, Teller& teller);
[[gnu::hot]] void cancel(State& state, const CancelOrder& command, Teller& teller);
void mass_cancel(State& state, const MassCancel& command, Teller& teller);
void transfer(State& state, const Transfer& command, Teller& teller);
void open_account(State& state, const OpenAccount& command, Teller& teller);
void define_currency(State& state, const DefineCurrency& command, Teller& teller);
void define_instrument(State& state, const DefineInstrument& command, Teller& teller);
void set_instrument_status(State& state, const SetInstrumentStatus& command, Teller& teller);
void set_kill_switch(State& state, const SetKillSwitch& command, Teller& teller);
void advance_time(State& state, const AdvanceTime& command, Teller& teller);
void set_limits(State& state, const SetLimits& command, Teller& teller);
void set_reference(State& state, const SetReference& command, Teller& teller);
void set_trading_rules(State& state, const SetTradingRules& command, Teller& teller);
void cancel_all_after(State& state, const CancelAllAfter& command, Teller& teller);
void end_session(State& state, const EndSession& command, Teller& teller);
void set_mark(State& state, const SetMark& command, Teller& teller);
void submit_linked(State& state, const SubmitLinkedOrders& command, Teller& teller);
void submit_batch(State& state, const SubmitOrderBatch& command, Teller& teller);
void set_group(State& state, const SetGroup& command, Teller& teller);
void bust_trade(State& state, const BustTrade& command, Teller& teller);
void post_group(State& state, const PostGroup& command, Teller& teller);
void set_account_terms(State& state, const SetAccountTerms& command, Teller& teller);
void set_credit(State& state, const SetCredit& command, Teller& teller);
void place_hold(State& state, const PlaceHold& command, Teller& teller);
void amend_hold(State& state, const AmendHold& command, Teller& teller);
void release_hold(State& state, const ReleaseHold& command, Teller& teller);
void apply_action(State& state, const ApplyAction& command, Teller& teller);
void set_firm(State& state, const SetFirm& command, Teller& teller);
void set_quantity_limits(State& state, const SetQuantityLimits& command, Teller& teller);
void set_money_limits(State& state, const SetMoneyLimits& command, Teller& teller);
void set_market_size(State& state, const SetMarketSize& command, Teller& teller);
void set_market_shares(State& state, const SetMarketShares& command, Teller& teller);
void set_kill(State& state, const SetKill& command, Teller& teller);
void set_instrument_class(State& state, const SetInstrumentClass& command, Teller& teller);
void set_entitlements(State& state, const SetEntitlements& command, Teller& teller);
void set_restriction(State& state, const SetRestriction& command, Teller& teller);
void set_locate(State& state, const SetLocate& command, Teller& teller);
void set_throttle(State& state, const SetThrottle& command, Teller& teller);
void set_patterns(State& state, const SetPatterns& command, Teller& teller);
void set_protection(State& state, const SetProtection& command, Teller& teller);
void set_quote(State& state, const SetQuote& command, Teller& teller);
void resume(State& state, const Resume& command, Teller& teller);
void set_margin_terms(State& state, const SetMarginTerms& command, Teller& teller);
void set_risk_array(State& state, const SetRiskArray& command, Teller& teller);
void set_account_margin(State& state, const SetAccountMargin& command, Teller& teller);
void set_greeks(State& state, const SetGreeks& command, Teller& teller);
void set_risk_limits(State& state, const SetRiskLimits& command, Teller& teller);
void open_risk_day(State& state, const OpenRiskDay& command, Teller& teller);
void assess_margin(State& state, const AssessMargin& command, Teller& teller);
void take_over(State& state, const TakeOver& command, Teller& teller);

/// What a command set off: triggers, minimums, pegs, linked orders, until nothing is left to do.
void aftermath(State& state, Teller& teller);

/// What a command named, repeated in its refusal.
struct Named {
  u64 order_sequence = 0;
  u32 order_slot = 0;
  const char* client_id = nullptr;  // 36 bytes or null
};

void tell_refused(Teller& teller, const CommandHeader& command, const Refusal& why,
                  const Named& named = {});
/// A refusal that has no numbers.
void refuse(Teller& teller, const CommandHeader& command, Reason reason, Scope scope = Scope::none);
/// BAD_COMMAND, naming nothing: the content cannot be trusted.
void tell_bad(Teller& teller, const CommandHeader& command);
/// The slot of the account, the instrument that a command names; kNone, null: it is refused then.
u32 named_account(const State& state, const CommandHeader& command, Teller& teller);
Instrument* named_instrument(State& state, const CommandHeader& command, Teller& teller);

template <std::size_t N>
bool all_zero(const u8 (&bytes)[N]) {
  u8 any = 0;
  for (const u8 b : bytes) any = static_cast<u8>(any | b);
  return any == 0;
}
CommandDone& tell_done(Teller& teller, const CommandHeader& command, u8 outcome = kDone);

/// What is known of an id that a command uses again.
enum class Known : u8 { same, differs, failed };
/// Answers such a command: REPEAT, DUPLICATE_ID with the number of the `field` that differs, or
/// ID_ALREADY_FAILED. `first` names the command that used it first, and the id.
void tell_again(Teller& teller, const CommandHeader& command, Known known, const Named& first,
                u8 field = 0);

/// Takes `slot`, resting or not, out of the engine: releases its hold, tells OrderCancelled.
void cancel_order(State& state, u32 slot, CancelReason reason, Teller& teller);

/// Cancels the first `count` orders of State::ending in turn. One that ends may take others with
/// it, which are passed over then; for the same reason a list must not be walked while its orders
/// end.
void cancel_listed(State& state, u32 count, CancelReason reason, Teller& teller);
/// Cancels the working orders of an account that `fits`, in order of acceptance. Returns how many
/// ended, those that were tied to one of them too.
template <class Fits>
u32 cancel_each(State& state, u32 account, CancelReason reason, Teller& teller, const Fits& fits) {
  const Account& owner = state.accounts[account];
  const u32 before = owner.open_orders;
  u32 count = 0;
  for (u32 slot = owner.first_order; slot != kNone; slot = state.orders.links(slot).next) {
    if (fits(slot)) state.ending[count++] = slot;
  }
  cancel_listed(state, count, reason, teller);
  return before - owner.open_orders;
}

/// Ends an order that has nothing left: forgets nothing, frees its slot.
void finish_order(State& state, u32 slot, Fate fate);

/// The currency in which a side holds.
inline u16 held_currency(const Instrument& instrument, bool sell) {
  return sell ? instrument.terms.base : instrument.terms.quote;
}

/// Sets an order's hold, and its account's held by the difference.
void set_hold(State& state, u32 slot, i64 hold);
/// The hold that the order's formula says now, and what it would be if no other order held for it.
i64 hold_now(const State& state, u32 slot);
i64 own_need(const State& state, u32 slot);

/// Takes `lots`, fewer than are left, away from what an order asks for; its hold is the caller's.
void lower(State& state, u32 slot, i64 lots);
/// Writes how an order stands after a change. Always inline: every replacement comes through here.
[[gnu::always_inline]] inline void write_replaced(const State& state, u32 slot, i64 leaves,
                                                  ReplaceReason reason, bool priority_kept,
                                                  Teller& teller) {
  const OrderNode& node = state.orders.node(slot);
  const OrderRecord& order = state.orders.record(slot);
  const Instrument& instrument = state.instruments[node.instrument];
  OrderReplaced& event = teller.tell<OrderReplaced>(instrument.id, state.accounts[node.account].id);
  event.price = order.price;
  event.quantity = order.quantity;
  event.leaves = leaves;
  event.order_sequence = order.sequence;
  u64 currency = 0;
  if (state.accounting()) {
    event.hold = order.hold;
    currency = held_currency(instrument, is_sell(node));
  }
  // order_slot, reason, priority_kept, hold_currency
  set_word(event, offsetof(OrderReplaced, order_slot),
           slot | u64{static_cast<u8>(reason)} << 32 | u64{priority_kept} << 40 | currency << 48);
}
/// Tells how an order stands after a change, and what of the other of its pair follows.
void tell_replaced(State& state, u32 slot, ReplaceReason reason, bool priority_kept,
                   Teller& teller);
/// What one of a pair needs may change what the other holds for both: that is done and told.
void hold_anew(State& state, u32 slot, Teller& teller);

// ---- links ----

/// Ties the orders that `link` names; each has an extra row.
void tie(State& state, const Link& link);
/// Whether an order may do nothing before its parent is done.
bool waits_for_parent(const State& state, u32 slot);
/// The other of an active pair, or kNone. The order has an extra row.
u32 sibling_of_rare(const State& state, u32 slot);
inline u32 sibling(const State& state, u32 slot) {
  return state.orders.record(slot).extra == kNone ? kNone : sibling_of_rare(state, slot);
}
/// What a tied order must hold.
i64 linked_hold(const State& state, u32 slot);
/// What would be held for an order and its pair if it needed `need`, and what is held now.
struct PairHold {
  i64 needed;
  i64 held;
};
PairHold pair_hold(const State& state, u32 slot, i64 need);
/// Ends the other of a pair; `slot` goes on alone.
void cancel_other(State& state, u32 slot, Teller& teller);
/// `slot` is about to trade `lots`: the other of its pair goes, or shrinks by as much; then `slot`
/// holds for both.
void before_trade(State& state, u32 slot, i64 lots, Teller& teller);
/// Takes an order that ends out of its link; those that end with it are no longer tied.
Parted part(State& state, u32 slot);
void release_link(State& state, u32 row);
/// Takes the oldest link of an instrument whose parent is done, or kNone.
u32 next_due(State& state, u32 instrument);
/// Lets the oldest orders whose parent is done become active. Returns whether there were any.
bool free_one(State& state, Instrument& instrument, Teller& teller);

// ---- positions, groups, rules, busts ----

/// Lots that a reduce-only order may still have beside the others; `besides` and the other of its
/// pair count as if they were not there.
i128 reducing_room(const State& state, u32 account, u32 instrument, bool sell, u32 besides = kNone);
/// Lots of a side that bring a position to zero beside all that works on it, but for `besides`.
struct Besides {
  u32 first = kNone;
  u32 second = kNone;
};
i128 closing_room(const State& state, u32 account, u32 instrument, bool sell,
                  const Besides& besides);
/// By how many lots the reduce-only orders of a side are more than the position; negative: less.
i128 reducing_over(const State& state, u32 position, bool sell);
/// Adds to a position, whose row it returns.
u32 move_position(State& state, u32 account, u32 instrument, i128 lots);
/// Cuts reduce-only orders, the youngest first, until together they are no more than the position.
void trim(State& state, u32 position, Teller& teller);
/// A reduce-only order has come or gone.
void count_reducing(State& state, u32 account, u32 instrument, i32 change);
/// Shares the lots that `taker` takes of a level out into State::parts; returns how many parts, 0:
/// the level goes by time.
u32 share_out(State& state, const Instrument& instrument, u32 taker, u32 level, i64 wanted);
void apply_rules(State& state, Instrument& instrument, const TradingRules& rules);
void join_group(State& state, Account& account, u32 group);
void remember_bust(State& state, const Bust& bust);

/// Moves the money and the asset of one fill; both leaves are already lowered. Fills in what the
/// event says of money.
void settle_fill(State& state, Instrument& instrument, u32 maker, u32 taker, i64 price, i64 lots,
                 TradePrinted& event);

/// Puts an order that rests or waits into its account's list, at the end.
void join_account(State& state, u32 slot);

/// Matches the live order `slot` up to its price. Returns whether something is left that may rest;
/// else the order is final and its slot free. Cost: O(fills + levels emptied); fill-or-kill first
/// walks what it would take.
bool take(State& state, Instrument& instrument, u32 slot, Teller& teller);

/// What `work` does where the phase, the rules, the order or the book are not plain.
void work_rare(State& state, u32 slot, u32 level, Teller& teller);

/// `work` of a plain order in a plain book.
[[gnu::always_inline]] inline void work_plain(State& state, Instrument& instrument, u32 slot,
                                              u32 level, Teller& teller) {
  const OrderNode& node = state.orders.node(slot);
  const i64 price = state.orders.record(slot).price;
  const bool sell = is_sell(node);
  const bool takes = (node.flags & kOrderNeverRests) != 0 || instrument.book.crosses(!sell, price);
  if (takes && !take(state, instrument, slot, teller)) return;
  instrument.book.append(state.pages, state.orders, slot, sell, price, level);
  if ((node.flags & kOrderListed) == 0) join_account(state, slot);
  QC_ASSERT(!instrument.book.crosses(!sell, price));
}

/// Matches the live order `slot` and queues what is left. Afterwards it either is in the book or is
/// final and its slot free. `level` is the level of its price when the caller has it, else kNone.
/// Always inline: an order that rests without a trade, the common one, is a few lines of its
/// command.
[[gnu::always_inline]] inline void work(State& state, u32 slot, u32 level, Teller& teller) {
  const OrderNode& node = state.orders.node(slot);
  Instrument& instrument = state.instruments[node.instrument];
  if ((instrument.rare | (node.flags & kOrderRare)) != 0) [[unlikely]] {
    work_rare(state, slot, level, teller);
    return;
  }
  work_plain(state, instrument, slot, level, teller);
}

}  // namespace quantumcore
