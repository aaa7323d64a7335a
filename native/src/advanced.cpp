#include "quantumcore/advanced.hpp"

#include "quantumcore/commands.hpp"
#include "quantumcore/expiry.hpp"
#include "quantumcore/gate.hpp"
#include "quantumcore/triggers.hpp"

namespace quantumcore {

namespace {

bool scales_are_good(const OrderTerms& t) {
  return t.stop_scale <= kMaxScale && t.trail_scale <= kMaxScale && t.offset_scale <= kMaxScale &&
         t.display_scale <= kMaxScale && t.min_quantity_scale <= kMaxScale &&
         t.budget_scale <= kMaxScale;
}

bool is_zero(const u8 (&bytes)[3]) { return (bytes[0] | bytes[1] | bytes[2]) == 0; }

bool useless(Reason reason, Refusal& why) { return why.no(reason, Scope::instrument); }

bool is_resting_time(u8 time_in_force) {
  return time_in_force == kGoodTillCancel || time_in_force == kDay ||
         time_in_force == kGoodTillDate || time_in_force == kGoodTillTime;
}

bool judge_kind(const SubmitOrder& c, Refusal& why) {
  const bool post_only = (c.flags & kPostOnly) != 0;
  const bool known = c.type == kMarket || c.type == kLimit || is_triggered(c.type);
  if ((c.flags & ~(kPostOnly | kReduceOnly | kCancelOnDisconnect)) != 0 || !known ||
      (post_only && c.type != kLimit)) {
    return why.no(Reason::bad_type, Scope::instrument);
  }
  const bool ends_at_once = c.time_in_force == kImmediateOrCancel || c.time_in_force == kFillOrKill;
  const bool must_rest = post_only || is_triggered(c.type);
  if (!is_resting_time(c.time_in_force) && (must_rest || !ends_at_once)) {
    return why.no(Reason::bad_tif, Scope::instrument);
  }
  return true;
}

/// So many steps of a grid, or BAD_TRAIL: off the grid, or out of a range.
bool judge_distance(const Decimal& sent, const Grid& grid, i64 least, i64 most, i64& steps,
                    Refusal& why) {
  const Measured m = measure_wide(sent, grid);
  if (!m.on_grid) {
    return why.no(Reason::bad_trail, Scope::instrument, m.decimals, m.step, m.value);
  }
  if (m.count < least || m.count > most) {
    return why.no(Reason::bad_trail, Scope::instrument, m.decimals,
                  on_grid(m.count < least ? least : most, grid), m.value);
  }
  steps = static_cast<i64>(m.count);
  return true;
}

bool judge_stop_terms(const Instrument& instrument, u8 type, const OrderTerms& sent,
                      OrderTerms& terms, Refusal& why) {
  const bool has_stop = is_triggered(type) && !is_trailing(type);
  if ((!has_stop && (sent.stop_price | sent.stop_scale) != 0) ||
      (!is_triggered(type) && sent.trigger != 0)) {
    return useless(Reason::bad_stop, why);
  }
  terms.trigger = sent.trigger;
  return !has_stop ||
         judge_stop(instrument, sent.stop_price, sent.stop_scale, terms.stop_price, why);
}

bool judge_trail_terms(const Instrument& instrument, u8 type, const OrderTerms& sent,
                       OrderTerms& terms, Refusal& why) {
  static constexpr u8 kRatePlaces = 8;
  static constexpr i64 kMostRate = 99'999'999;
  if (!is_trailing(type)) {
    const bool given = (sent.trail | sent.trail_scale | sent.trail_unit) != 0;
    return given ? useless(Reason::bad_trail, why) : true;
  }
  terms.trail_unit = sent.trail_unit;
  const Decimal trail{sent.trail, sent.trail_scale};
  const i64 most = instrument.terms.max_price;
  switch (sent.trail_unit) {
    case kTrailPrice:
      return judge_distance(trail, instrument.price_grid(), 1, most, terms.trail, why);
    case kTrailRate:
      return judge_distance(trail, {1, kRatePlaces}, 1, kMostRate, terms.trail, why);
    case kTrailTicks:
      return judge_distance(trail, {1, 0}, 1, most, terms.trail, why);
    default:
      return useless(Reason::bad_trail, why);
  }
}

bool judge_offset(const Instrument& instrument, u8 type, const OrderTerms& sent, OrderTerms& terms,
                  Refusal& why) {
  const bool has_offset = type == kTrailingStopLimit;
  if (sent.peg != 0 || (!has_offset && (sent.offset | sent.offset_scale) != 0)) {
    return useless(Reason::bad_peg, why);
  }
  return !has_offset || judge_distance({sent.offset, sent.offset_scale}, instrument.price_grid(), 0,
                                       instrument.terms.max_price, terms.offset, why);
}

/// EXPIRED: an instant that has come, or one that nothing has a use for.
bool judge_instant(i64 now_ns, u8 time_in_force, const OrderTerms& sent, OrderTerms& terms,
                   Refusal& why) {
  static constexpr u8 kNanoseconds = 9;
  const bool has_one = time_in_force == kGoodTillDate || time_in_force == kGoodTillTime;
  if (has_one ? sent.expires_ns <= now_ns : sent.expires_ns != 0) {
    return why.no(Reason::expired, Scope::instrument, kNanoseconds, now_ns, sent.expires_ns);
  }
  terms.expires_ns = sent.expires_ns;
  return true;
}

}  // namespace

bool terms_are_good(const OrderTerms& t) {
  return scales_are_good(t) && t.trigger <= kTriggerMark && t.trail_unit <= kTrailTicks &&
         t.peg <= kPegMid && is_zero(t.reserved);
}

bool may_rest(u8 type, u8 time_in_force) {
  const bool has_limit =
      type == kLimit || type == kStopLimit || type == kTrailingStopLimit || type == kLimitIfTouched;
  return has_limit && is_resting_time(time_in_force);
}

bool judge_stop(const Instrument& instrument, i64 mantissa, u8 scale, i64& ticks, Refusal& why) {
  const Grid grid = instrument.price_grid();
  const Measured m = measure_wide({mantissa, scale}, grid);
  if (!m.on_grid) {
    return why.no(Reason::bad_stop, Scope::instrument, m.decimals, m.step, m.value);
  }
  const i64 low = instrument.terms.min_price;
  const i64 high = instrument.terms.max_price;
  if (m.count < low || m.count > high) {
    return why.no(Reason::bad_stop, Scope::instrument, m.decimals,
                  on_grid(m.count < low ? low : high, grid), m.value);
  }
  ticks = static_cast<i64>(m.count);
  return true;
}

bool judge_advanced(const State& state, const Instrument& instrument, const SubmitOrder& c,
                    const OrderTerms& sent, OrderTerms& terms, Refusal& why) {
  terms = OrderTerms{};
  if (!judge_kind(c, why)) return false;
  if ((sent.display | sent.display_range | sent.display_scale | sent.seed) != 0) {
    return useless(Reason::bad_display, why);
  }
  if (!judge_stop_terms(instrument, c.type, sent, terms, why) ||
      !judge_trail_terms(instrument, c.type, sent, terms, why) ||
      !judge_offset(instrument, c.type, sent, terms, why)) {
    return false;
  }
  if ((sent.min_quantity | sent.min_quantity_scale) != 0) {
    return useless(Reason::bad_min_qty, why);
  }
  if ((sent.budget | sent.budget_scale) != 0) return useless(Reason::bad_budget, why);
  return judge_instant(state.time_ns, c.time_in_force, sent, terms, why);
}

bool judge_own_price(const State& state, const Instrument& instrument, const SubmitOrder& c,
                     OrderTerms& terms, i64& price, Refusal& why) {
  const bool sell = c.side == kSell;
  if (c.type == kMarket) return judge_reference(instrument, sell, price, why);
  if (is_trailing(c.type)) {
    const i64 now = watched(state, instrument, sell, terms.trigger);
    if (now == 0) return why.no(Reason::stale_ref, Scope::instrument);
    terms.stop_price = trailed_stop(instrument, sell, terms, now);
  }
  price = price_by_stop(instrument, c.type, sell, terms);
  return true;
}

bool judge_active(const State& state, u32 slot, bool enters, u32& level) {
  const OrderNode& node = state.orders.node(slot);
  const OrderRecord& order = state.orders.record(slot);
  const Instrument& instrument = state.instruments[node.instrument];
  Wish wish{};
  wish.sell = is_sell(node);
  wish.price = order.price;
  wish.lots = node.leaves;
  Refusal why;
  level = kNone;
  if (!judge_bounds(state, instrument, order, state.orders.sums(slot), wish, why)) return false;
  if (!enters || (node.flags & kOrderNeverRests) != 0) return true;
  const Ladder& side = instrument.book.side(wish.sell);
  const Ladder::Place place = side.place(state.pages, key_of(wish.sell, wish.price));
  level = place.level;
  const i64 there = level == kNone ? 0 : state.pages.level(level).lots;
  return judge_level(instrument, there, wish.lots, why) && side.has_room(state.pages, place);
}

void add_extra(State& state, u32 slot, const SubmitOrder& c, const OrderTerms& terms) {
  const u32 row = state.extras.acquire();
  Extra& extra = state.extras[row];
  extra = Extra{};
  extra.terms = terms;
  extra.slot = slot;
  extra.session = c.session;
  extra.next_fired = extra.prev_fired = extra.link = kNone;
  extra.flags = c.flags;
  extra.type = c.type;
  extra.time_in_force = c.time_in_force;
  OrderNode& node = state.orders.node(slot);
  if (is_trailing(c.type)) {
    extra.extreme =
        watched(state, state.instruments[node.instrument], is_sell(node), terms.trigger);
  }
  state.orders.record(slot).extra = row;
  node.flags |= kOrderRare;
  if ((c.flags & kReduceOnly) != 0) {
    node.flags |= kOrderReduceOnly;
    count_reducing(state, node.account, node.instrument, 1);
  }
  join_account(state, slot);  // what may wait, or be looked for while it takes, counts at once
  note_end(state, row);
}

void drop_extra(State& state, u32 slot) {
  const u32 row = state.orders.record(slot).extra;
  if ((state.orders.node(slot).flags & kOrderWaiting) != 0) leave_wait(state, row);
  forget_end(state, row);
  state.extras.release(row);
}

void tell_terms(State& state, u32 row, bool waits, Teller& teller) {
  const Extra& extra = state.extras[row];
  const OrderNode& node = state.orders.node(extra.slot);
  TermsAccepted& event = teller.tell<TermsAccepted>(state.instruments[node.instrument].id,
                                                    state.accounts[node.account].id);
  event.order_sequence = state.orders.record(extra.slot).sequence;
  event.order_slot = extra.slot;
  event.waits = waits ? 1 : 0;
  event.terms = extra.terms;
}

void start_advanced(State& state, u32 slot, u32 level, Teller& teller) {
  const u32 row = state.orders.record(slot).extra;
  if (is_triggered(state.extras[row].type)) {
    wait_for_price(state, row);
  } else {
    work(state, slot, level, teller);
  }
}

}  // namespace quantumcore
