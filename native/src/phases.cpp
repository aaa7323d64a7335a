#include "quantumcore/phases.hpp"

#include <algorithm>

#include "quantumcore/expiry.hpp"
#include "quantumcore/gate.hpp"
#include "quantumcore/rare.hpp"

namespace quantumcore {

namespace {

/// Whether an auction order's place in that phase is the book.
bool is_seated(u8 status, u8 time_in_force) {
  switch (time_in_force) {
    case kAtOpen:
      return status == kPreOpen || status == kOpeningCall;
    case kAtClose:
      return status == kClosingCall;
    case kGoodForAuction:
      return is_call(status);
    default:
      return false;
  }
}

void enter_book(State& state, u32 slot, Teller& teller) {
  OrderNode& node = state.orders.node(slot);
  const OrderRecord& order = state.orders.record(slot);
  Instrument& instrument = state.instruments[node.instrument];
  if (!has_room(state, instrument, is_sell(node), order.price, node.leaves)) {
    cancel_order(state, slot, CancelReason::out_of_bounds, teller);
    return;
  }
  node.flags &= ~kOrderWaits;
  rest(state, instrument, slot, kNone);
  OrderEntered& event = teller.tell<OrderEntered>(instrument.id, state.accounts[node.account].id);
  event.order_sequence = order.sequence;
  event.price = order.price;
  event.leaves = node.leaves;
  event.shown = node.leaves;
  event.order_slot = slot;
}

/// Orders whose call this is enter the book; those of another, and pegs, leave it to wait.
void reseat(State& state, Instrument& instrument, Teller& teller) {
  const u8 status = instrument.terms.status;
  for (u32 slot = state.rare_of(instrument).first_peg; slot != kNone;
       slot = state.extra_of(slot).next_peg) {
    if ((state.orders.node(slot).flags & kOrderWaits) == 0) let_wait(state, slot, teller);
  }
  each_of_calls(state, instrument, [&](u32 slot) {
    const u8 time_in_force = state.extra_of(slot).time_in_force;
    const bool waiting = (state.orders.node(slot).flags & kOrderWaits) != 0;
    if (!is_auction_time(time_in_force)) return;  // a market order of the call before stays
    if (!is_seated(status, time_in_force)) {
      if (!waiting) let_wait(state, slot, teller);
    } else if (waiting) {
      enter_book(state, slot, teller);
    }
  });
}

}  // namespace

bool waits_in(u8 status, u8 time_in_force) {
  return is_auction_time(time_in_force) && !is_seated(status, time_in_force);
}

bool may_rest_in(u8 status, u8 time_in_force, bool rests) {
  return status == kContinuous ? rests : !waits_in(status, time_in_force);
}

bool phase_admits(u8 status, u8 time_in_force, u16 flags) {
  if (status == kContinuous) return true;
  if (status == kClosingCross) return time_in_force == kAtClosingCross;
  return gathers(status) && time_in_force != kImmediateOrCancel && time_in_force != kFillOrKill &&
         (flags & (kPostOnly | kSlide)) == 0;
}

u8 time_in_force_of(const State& state, u32 slot) {
  const u32 extra = state.orders.record(slot).extra;
  return extra == kNone ? kGoodTillCancel : state.extras[extra].time_in_force;
}

void link_call(State& state, u32 slot) {
  RareBook& rare = state.rare_books[state.orders.node(slot).instrument];
  Extra& extra = state.extra_of(slot);
  u32 before = rare.last_call;  // new orders come last; others walk
  while (before != kNone && is_submitted_later(state, before, slot)) {
    before = state.extra_of(before).prev_call;
  }
  extra.prev_call = before;
  u32& from_before = before == kNone ? rare.first_call : state.extra_of(before).next_call;
  extra.next_call = from_before;
  from_before = slot;
  (extra.next_call == kNone ? rare.last_call : state.extra_of(extra.next_call).prev_call) = slot;
  extra.next_cross = extra.prev_cross = kNone;
  extra.in_calls = 1;
}

void leave_calls(State& state, u32 slot) {
  RareBook& rare = state.rare_books[state.orders.node(slot).instrument];
  const Extra& extra = state.extra_of(slot);
  if (extra.crossed_at != 0) leave_cross(state, slot);
  (extra.prev_call == kNone ? rare.first_call : state.extra_of(extra.prev_call).next_call) =
      extra.next_call;
  (extra.next_call == kNone ? rare.last_call : state.extra_of(extra.next_call).prev_call) =
      extra.prev_call;
}

bool has_room(const State& state, const Instrument& instrument, bool sell, i64 price, i64 lots) {
  const Standing at = standing_at(state, instrument, false, sell, price);
  return at.room && lots_fit(at.there, lots);
}

bool bears(const State& state, const Instrument& instrument, u32 slot, i64 price) {
  return product_fits(instrument, state.orders.sums(slot).notional +
                                      ticks_times_lots(price, leaves_of(state, slot)));
}

void rest(State& state, Instrument& instrument, u32 slot, u32 level) {
  const OrderNode& node = state.orders.node(slot);
  if ((node.flags & (kOrderDark | kOrderIceberg)) != 0) {
    rest_in_book(state, slot);
  } else {
    instrument.book.append(state.pages, state.orders, slot, is_sell(node),
                           state.orders.record(slot).price, level);
  }
  if ((node.flags & kOrderListed) == 0) join_account(state, slot);
}

namespace {

/// Whether an order comes to be one of its instrument's auction orders: by its time in force, or
/// because it may not rest when the call is over.
bool joins_calls(const State& state, u32 slot, u8 status) {
  const OrderNode& node = state.orders.node(slot);
  if ((node.flags & kOrderRare) == 0 || state.extra_of(slot).in_calls != 0) return false;
  return is_auction_time(state.extra_of(slot).time_in_force) ||
         (status != kContinuous && (node.flags & kOrderNeverRests) != 0);
}

}  // namespace

bool seat(State& state, Instrument& instrument, u32 slot, u32 level, Teller& teller) {
  const u8 status = instrument.terms.status;
  OrderNode& node = state.orders.node(slot);
  if (joins_calls(state, slot, status)) link_call(state, slot);
  if (waits_in(status, time_in_force_of(state, slot))) {
    node.flags |= kOrderWaits;
    join_cross(state, instrument, slot, teller);
    return true;
  }
  if (status == kContinuous) return false;
  rest(state, instrument, slot, level);
  return true;
}

void let_wait(State& state, u32 slot, Teller& teller) {
  OrderNode& node = state.orders.node(slot);
  leave_book(state, slot);
  if ((node.flags & kOrderPeg) != 0) await_reference(state, slot);
  node.flags |= kOrderWaits;
  tell_waits(state, slot, kWaitsForAuction, teller);
}

bool enter_own_call(State& state, u32 slot, Teller& teller) {
  Instrument& instrument = state.instruments[state.orders.node(slot).instrument];
  const Extra& extra = state.extra_of(slot);
  if (waits_in(instrument.terms.status, extra.time_in_force)) return false;
  state.touch(instrument);
  if (extra.in_calls == 0) link_call(state, slot);
  enter_book(state, slot, teller);
  return true;
}

void tell_waits(const State& state, u32 slot, u8 cause, Teller& teller) {
  const OrderNode& node = state.orders.node(slot);
  OrderWaits& event = teller.tell<OrderWaits>(state.instruments[node.instrument].id,
                                              state.accounts[node.account].id);
  event.order_sequence = state.orders.record(slot).sequence;
  event.order_slot = slot;
  event.cause = cause;
}

void enter_phase(State& state, Instrument& instrument, u8 status, u8 cause, Teller& teller) {
  RareBook& rare = state.rare_of(instrument);
  const u8 before = instrument.terms.status;
  if (status != kContinuous) {
    end_limit_state(state, instrument, teller);
    rare.print_count = 0;
  }
  instrument.terms.status = status;
  instrument.rare =
      status == kContinuous ? instrument.rare & ~kRarePhase : instrument.rare | kRarePhase;
  state.touch(instrument);
  InstrumentStatusChanged& event = teller.tell<InstrumentStatusChanged>(instrument.id, 0);
  event.status = status;
  event.cause = cause;
  if (!is_call(status)) rare.indicative = Indicative{};
  if (status != kVolatilityCall) {
    rare.ends_by_time = false;
  } else if (before != kVolatilityCall && rare.rules.call_ns != 0) {
    rare.ends_by_time = true;
    if (__builtin_add_overflow(teller.time_ns(), rare.rules.call_ns, &rare.call_until)) {
      rare.call_until = kMaxI64;
    }
  }
  note_deadline(state, state.slot_of(instrument));
  if (gathers(status)) {
    reseat(state, instrument, teller);
  } else if (status == kClosingCross && before != kClosingCross) {
    begin_cross(state, instrument, teller);
  }
}

void change_phase(State& state, Instrument& instrument, u8 status, u8 cause, Teller& teller) {
  const u8 before = instrument.terms.status;
  if (before == kClosingCross && status != kClosingCross) end_cross(state, instrument, teller);
  const bool opens = status == kContinuous && before != kContinuous;
  const bool ends_call =
      is_call(before) && (status == kClosed || status == kPostClose || status == kClosingCross);
  if (opens || ends_call) {
    uncross(state, instrument, teller);
    if (before == kClosingCall) take_closing_price(state, instrument, teller);
  }
  enter_phase(state, instrument, status, cause, teller);
  end_day(state, instrument, teller);
}

void note_deadline(State& state, u32 instrument) {
  RareBook& rare = state.rare_books[instrument];
  const bool due = rare.limit_side != 0 || rare.ends_by_time;
  if (due == (rare.due_place_plus_1 != 0)) return;
  if (due) {
    state.due[state.due_count++] = instrument;
    rare.due_place_plus_1 = state.due_count;
    return;
  }
  const u32 place = rare.due_place_plus_1 - 1;
  const u32 moved = state.due[--state.due_count];
  state.due[place] = moved;
  state.rare_books[moved].due_place_plus_1 = place + 1;
  rare.due_place_plus_1 = 0;
}

void pass_time(State& state, Teller& teller) {
  const auto ends = [&](u32 i) { return ends_at(state.rare_books[i]); };
  u32 count = 0;
  for (u32 i = 0; i < state.due_count; ++i) {
    if (ends(state.due[i]) <= teller.time_ns()) state.due_now[count++] = state.due[i];
  }
  u32* const first = state.due_now.data();
  std::sort(first, first + count, [&](u32 a, u32 b) {
    return ends(a) != ends(b) ? ends(a) < ends(b)
                              : state.instruments[a].id < state.instruments[b].id;
  });
  for (u32 i = 0; i < count; ++i) {
    Instrument& instrument = state.instruments[first[i]];
    if (state.rare_books[first[i]].limit_side != 0) {
      change_phase(state, instrument, kVolatilityCall, kCauseBand, teller);
    } else {
      change_phase(state, instrument, kContinuous, kCauseCallOver, teller);
    }
  }
}

bool judge_call_of(const State& state, const Instrument& instrument, u32 slot, Refusal& why) {
  const bool post_only = (state.orders.node(slot).flags & kOrderPostOnly) != 0;
  return judge_phase(instrument, time_in_force_of(state, slot), post_only ? kPostOnly : 0, why);
}

}  // namespace quantumcore
