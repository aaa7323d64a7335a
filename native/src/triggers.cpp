#include "quantumcore/triggers.hpp"

#include <algorithm>

#include "quantumcore/advanced.hpp"
#include "quantumcore/commands.hpp"
#include "quantumcore/gate.hpp"

namespace quantumcore {

namespace {

i64 within_bounds(const Instrument& instrument, i128 ticks) {
  const i128 low = instrument.terms.min_price;
  const i128 high = instrument.terms.max_price;
  return static_cast<i64>(ticks < low ? low : ticks > high ? high : ticks);
}

/// Orders rows by their stops; `above`: those that fire first when the price rises.
struct ByStop {
  const Extras& extras;
  bool above;

  i64 key(u32 row) const { return key_of(above, extras[row].terms.stop_price); }
  bool operator()(u32 a, u32 b) const { return key(a) < key(b); }
};

/// Orders trailing rows by the price beyond which they move: a sell's high, a buy's low.
struct ByExtreme {
  const Extras& extras;
  bool sell;

  i64 key(u32 row) const { return key_of(sell, extras[row].extreme); }
  bool operator()(u32 a, u32 b) const { return key(a) < key(b); }
};

/// A buy's stop waits for a rise, and a sell that is to be touched.
bool fires_above(u8 type, bool sell) { return sell == is_touched(type); }

RareBook& rare_of(State& state, const Extra& extra) {
  return state.rare_books[state.orders.node(extra.slot).instrument];
}

Waiting& waiting_of(State& state, const Extra& extra) {
  return rare_of(state, extra)
      .waiting[extra.terms.trigger][is_sell(state.orders.node(extra.slot)) ? 1 : 0];
}

u32& top_of(Waiting& waiting, u8 type) {
  return is_touched(type) ? waiting.touched : is_trailing(type) ? waiting.trailing : waiting.stops;
}

void add_to_heaps(State& state, u32 row) {
  const Extra& extra = state.extras[row];
  const bool sell = is_sell(state.orders.node(extra.slot));
  Waiting& waiting = waiting_of(state, extra);
  state.stop_heaps.add(top_of(waiting, extra.type), row,
                       ByStop{state.extras, fires_above(extra.type, sell)});
  if (is_trailing(extra.type)) {
    state.extreme_heaps.add(waiting.extremes, row, ByExtreme{state.extras, sell});
  }
}

void remove_from_heaps(State& state, u32 row) {
  const Extra& extra = state.extras[row];
  const bool sell = is_sell(state.orders.node(extra.slot));
  Waiting& waiting = waiting_of(state, extra);
  state.stop_heaps.remove(top_of(waiting, extra.type), row,
                          ByStop{state.extras, fires_above(extra.type, sell)});
  if (is_trailing(extra.type)) {
    state.extreme_heaps.remove(waiting.extremes, row, ByExtreme{state.extras, sell});
  }
}

/// One look at what waits in an instrument: rows that move and rows that fire, gathered before
/// anything is told, because they are told in the order of their submission.
class Look {
 public:
  Look(State& state, Instrument& instrument, RareBook& rare)
      : state_(state), instrument_(instrument), rare_(rare) {}

  void run(Teller& teller) {
    for (u8 source = 0; source < kTriggerSources; ++source) {
      for (const bool sell : {false, true}) side(source, sell);
    }
    rare_.printed = false;
    if (moved_ + fired_ == 0) return;
    sort(state_.moved.data(), moved_);
    for (u32 i = 0; i < moved_; ++i) tell_moved(state_.moved[i], teller);
    sort(state_.fired.data(), fired_);
    for (u32 i = 0; i < fired_; ++i) queue_fired(state_, state_.fired[i]);
  }

 private:
  void side(u8 source, bool sell) {
    Waiting& waiting = rare_.waiting[source][sell ? 1 : 0];
    if (waiting.nobody()) return;
    Seen seen = rare_.seen;
    if (source != kTriggerLast || !rare_.printed) {
      const i64 price = watched(state_, instrument_, sell, source);
      if (price == 0) return;
      seen = Seen::at(price);
    }
    fire(waiting.stops, !sell, sell ? seen.low : seen.high, seen);
    fire(waiting.touched, sell, sell ? seen.high : seen.low, seen);
    if (waiting.trailing == kNone) return;
    // The trades of one taker go one way: the first and the last say what happened on the way.
    fire(waiting.trailing, !sell, seen.first, seen);
    follow(waiting, sell, sell ? seen.high : seen.low);
    fire(waiting.trailing, !sell, seen.last, seen);
  }

  /// Gathers those of a heap that `price` fires.
  void fire(u32& top, bool above, i64 price, const Seen& seen) {
    const ByStop by_stop{state_.extras, above};
    while (top != kNone && by_stop.key(top) <= key_of(above, price)) {
      const u32 row = top;
      remove_from_heaps(state_, row);
      --rare_.waiting_count;
      state_.extras[row].fired_at = above ? seen.high : seen.low;
      state_.fired[fired_++] = row;
    }
  }

  /// Moves the trailing stops that `best` is a better extreme for.
  void follow(Waiting& waiting, bool sell, i64 best) {
    const ByExtreme by_extreme{state_.extras, sell};
    while (waiting.extremes != kNone && by_extreme.key(waiting.extremes) < key_of(sell, best)) {
      const u32 row = waiting.extremes;
      Extra& extra = state_.extras[row];
      remove_from_heaps(state_, row);
      extra.extreme = best;
      const i64 stop = trailed_stop(instrument_, sell, extra.terms, best);
      if (key_of(sell, stop) > key_of(sell, extra.terms.stop_price)) {
        extra.terms.stop_price = stop;
        state_.moved[moved_++] = row;
      }
      add_to_heaps(state_, row);
    }
  }

  /// Like the stop, the price only follows the market, whatever became of collar and bounds: a hold
  /// never grows by itself.
  void enter_with(const Extra& extra, bool sell) {
    OrderRecord& order = state_.orders.record(extra.slot);
    const i64 price = price_by_stop(instrument_, extra.type, sell, extra.terms);
    if (key_of(sell, price) > key_of(sell, order.price)) order.price = price;
    if (state_.accounting()) set_hold(state_, extra.slot, hold_now(state_, extra.slot));
  }

  /// One after the other: what one holds may follow from where another enters.

  void tell_moved(u32 row, Teller& teller) {
    const Extra& extra = state_.extras[row];
    const OrderNode& node = state_.orders.node(extra.slot);
    const OrderRecord& order = state_.orders.record(extra.slot);
    enter_with(extra, is_sell(node));
    StopMoved& event = teller.tell<StopMoved>(instrument_.id, state_.accounts[node.account].id);
    event.order_sequence = order.sequence;
    event.stop_price = extra.terms.stop_price;
    event.price = order.price;
    event.order_slot = extra.slot;
    if (state_.accounting()) {
      event.hold = order.hold;
      event.hold_currency = held_currency(instrument_, is_sell(node));
    }
    hold_anew(state_, extra.slot, teller);
  }

  void sort(u32* rows, u32 count) {
    std::sort(rows, rows + count, [&](u32 a, u32 b) {
      const u32 left = state_.extras[a].slot;
      const u32 right = state_.extras[b].slot;
      const u64 first = state_.orders.record(left).sequence;
      const u64 second = state_.orders.record(right).sequence;
      return first != second ? first < second : left < right;
    });
  }

  State& state_;
  Instrument& instrument_;
  RareBook& rare_;
  u32 moved_ = 0;
  u32 fired_ = 0;
};

/// Lets an order whose trigger fired take and rest like a new one.
void activate(State& state, const Instrument& instrument, u32 row, Teller& teller) {
  const Extra& extra = state.extras[row];
  const u32 slot = extra.slot;
  OrderTriggered& event = teller.tell<OrderTriggered>(
      instrument.id, state.accounts[state.orders.node(slot).account].id);
  event.order_sequence = state.orders.record(slot).sequence;
  event.price = extra.fired_at;
  event.limit = state.orders.record(slot).price;
  event.order_slot = slot;
  event.source = extra.terms.trigger;
  state.touch(instrument);
  leave_wait(state, row);
  const bool rests = (state.orders.node(slot).flags & kOrderNeverRests) == 0;
  i64 need;
  if (judge_active(state, slot, rests, need)) {
    work(state, slot, kNone, teller);
  } else {
    cancel_order(state, slot, CancelReason::out_of_bounds, teller);
  }
}

}  // namespace

i64 watched(const State& state, const Instrument& instrument, bool sell, u8 trigger) {
  if (trigger == kTriggerLast) return instrument.last_price;
  if (trigger == kTriggerMark) return state.rare_of(instrument).mark;
  return instrument.book.stands(!sell) ? instrument.book.best(!sell) : 0;
}

i64 trailed_stop(const Instrument& instrument, bool sell, const OrderTerms& terms, i64 extreme) {
  if (terms.trail_unit != kTrailRate) {
    return within_bounds(instrument,
                         static_cast<i128>(extreme) + (sell ? -terms.trail : terms.trail));
  }
  const u128 price = static_cast<u64>(extreme);
  const u64 rate = static_cast<u64>(terms.trail);
  // Rounded away from the market, so that a stop is never met where it starts.
  const u128 stop = sell ? price * (kRateScale - rate) / kRateScale
                         : (price * (kRateScale + rate) + kRateScale - 1) / kRateScale;
  return within_bounds(instrument, static_cast<i128>(stop));
}

i64 price_by_stop(const Instrument& instrument, u8 type, bool sell, const OrderTerms& terms) {
  if (type != kTrailingStopLimit) {
    return collar_around(instrument, sell, u128{static_cast<u64>(terms.stop_price)} * 2);
  }
  const i128 offset = sell ? -terms.offset : terms.offset;
  return within_bounds(instrument, terms.stop_price + offset);
}

void wait_for_price(State& state, u32 row) {
  const Extra& extra = state.extras[row];
  OrderNode& node = state.orders.node(extra.slot);
  Instrument& instrument = state.instruments[node.instrument];
  node.flags |= kOrderWaits | kOrderForPrice;
  add_to_heaps(state, row);
  ++rare_of(state, extra).waiting_count;
  instrument.rare |= kRareTriggers;
  state.touch(instrument);  // its trigger may already be met
}

void leave_wait(State& state, u32 row) {
  Extra& extra = state.extras[row];
  OrderNode& node = state.orders.node(extra.slot);
  RareBook& rare = rare_of(state, extra);
  state.touch(state.instruments[node.instrument]);
  node.flags &= ~(kOrderWaits | kOrderForPrice);
  if (extra.fired_at != 0) {
    (extra.prev_fired == kNone ? rare.fired_first : state.extras[extra.prev_fired].next_fired) =
        extra.next_fired;
    (extra.next_fired == kNone ? rare.fired_last : state.extras[extra.next_fired].prev_fired) =
        extra.prev_fired;
    extra.next_fired = extra.prev_fired = kNone;
  } else {
    remove_from_heaps(state, row);
    --rare.waiting_count;
  }
  if (rare.waiting_count != 0) return;
  rare.printed = false;
  if (rare.fired_first == kNone) state.instruments[node.instrument].rare &= ~kRareTriggers;
}

void move_stop(State& state, u32 row, i64 stop) {
  Extra& extra = state.extras[row];
  const bool watches = (state.orders.node(extra.slot).flags & kOrderForPrice) != 0;
  if (watches) remove_from_heaps(state, row);
  extra.terms.stop_price = stop;
  if (watches) add_to_heaps(state, row);
}

void queue_fired(State& state, u32 row) {
  Extra& extra = state.extras[row];
  RareBook& rare = rare_of(state, extra);
  extra.next_fired = kNone;
  extra.prev_fired = rare.fired_last;
  (rare.fired_last == kNone ? rare.fired_first : state.extras[rare.fired_last].next_fired) = row;
  rare.fired_last = row;
}

bool trigger_one(State& state, Instrument& instrument, Teller& teller) {
  RareBook& rare = state.rare_of(instrument);
  if (instrument.terms.status != kContinuous) return false;
  if (rare.waiting_count != 0) Look(state, instrument, rare).run(teller);
  if (rare.fired_first == kNone) return false;
  activate(state, instrument, rare.fired_first, teller);
  return true;
}

}  // namespace quantumcore
