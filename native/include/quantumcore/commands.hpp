#pragma once

#include "quantumcore/events.hpp"
#include "quantumcore/refusal.hpp"
#include "quantumcore/state.hpp"

/// One function per kind of command: judge, then apply, then tell. Each tells at least one event.
namespace quantumcore {

void submit(State& state, const SubmitOrder& command, Teller& teller);
void submit_advanced(State& state, const SubmitAdvancedOrder& command, Teller& teller);
void replace(State& state, const ReplaceOrder& command, Teller& teller);
void cancel(State& state, const CancelOrder& command, Teller& teller);
void mass_cancel(State& state, const MassCancel& command, Teller& teller);
void transfer(State& state, const Transfer& command, Teller& teller);
void open_account(State& state, const OpenAccount& command, Teller& teller);
void define_currency(State& state, const DefineCurrency& command, Teller& teller);
void define_instrument(State& state, const DefineInstrument& command, Teller& teller);
void set_instrument_status(State& state, const SetInstrumentStatus& command, Teller& teller);
void set_kill_switch(State& state, const SetKillSwitch& command, Teller& teller);
void advance_time(State& state, const AdvanceTime& command, Teller& teller);
void set_limits(State& state, const SetLimits& command, Teller& teller);

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
/// BAD_COMMAND, naming nothing: the content cannot be trusted.
void tell_bad(Teller& teller, const CommandHeader& command);
CommandDone& tell_done(Teller& teller, const CommandHeader& command, u8 outcome = kDone);

/// Takes `slot`, resting or not, out of the engine: releases its hold, tells OrderCancelled.
void cancel_order(State& state, u32 slot, CancelReason reason, Teller& teller);

/// Ends an order that has nothing left: forgets nothing, frees its slot.
void finish_order(State& state, u32 slot, Fate fate);

/// The currency in which a side holds.
inline u16 held_currency(const Instrument& instrument, bool sell) {
  return sell ? instrument.terms.base : instrument.terms.quote;
}

/// Sets an order's hold, and its account's held by the difference.
void set_hold(State& state, u32 slot, i64 hold);
/// The hold that the order's formula says now.
i64 hold_now(const State& state, u32 slot);

/// Moves the money and the asset of one fill; both leaves are already lowered. Fills in what the
/// event says of money.
void settle_fill(State& state, Instrument& instrument, u32 maker, u32 taker, i64 price, i64 lots,
                 TradePrinted& event);

/// Puts a resting order into its account's list, at the end.
void join_account(State& state, u32 slot);

/// Matches the live order `slot` up to its price. Returns whether something is left that may rest;
/// else the order is final and its slot free. Cost: O(fills + levels emptied); fill-or-kill first
/// walks what it would take.
bool take(State& state, Instrument& instrument, u32 slot, Teller& teller);

/// Matches the live order `slot` and queues what is left. Afterwards it either is in the book or is
/// final and its slot free. `level` is the level of its price when the caller has it, else kNone.
/// Always inline: an order that rests without a trade, the common one, is a few lines of its
/// command.
[[gnu::always_inline]] inline void work(State& state, u32 slot, u32 level, Teller& teller) {
  const OrderNode& node = state.orders.node(slot);
  const OrderRecord& order = state.orders.record(slot);
  Instrument& instrument = state.instruments[node.instrument];
  state.touch(instrument);
  const bool sell = is_sell(node);
  const bool takes =
      (node.flags & kOrderNeverRests) != 0 || instrument.book.crosses(!sell, order.price);
  if (takes && !take(state, instrument, slot, teller)) return;
  instrument.book.append(state.pages, state.orders, slot, sell, order.price, level);
  if ((node.flags & kOrderListed) == 0) join_account(state, slot);
  QC_ASSERT(!instrument.book.crosses(!sell, order.price));
}

}  // namespace quantumcore
