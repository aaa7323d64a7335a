#include "quantumcore/advanced.hpp"

#include "quantumcore/commands.hpp"
#include "quantumcore/phases.hpp"
#include "quantumcore/rare.hpp"

namespace quantumcore {

namespace {

bool scales_are_good(const OrderTerms& t) {
  return t.stop_scale <= kMaxScale && t.trail_scale <= kMaxScale && t.offset_scale <= kMaxScale &&
         t.display_scale <= kMaxScale && t.min_quantity_scale <= kMaxScale &&
         t.budget_scale <= kMaxScale;
}

bool useless(Reason reason, Refusal& why) { return why.no(reason, Scope::instrument); }

bool asks_for_dark(const SubmitOrder& c, const OrderTerms& t) {
  return (c.flags & (kHidden | kAllOrNone)) != 0 || t.min_quantity != 0;
}

bool is_known_type(u8 type) {
  return type == kMarket || type == kLimit || type == kMarketToLimit || type == kPegged ||
         is_triggered(type);
}

bool judge_kind_beyond(const SubmitOrder& c, const OrderTerms& t, Refusal& why) {
  const bool post_only = (c.flags & kPostOnly) != 0;
  const bool hidden = (c.flags & kHidden) != 0;
  const bool dark = asks_for_dark(c, t);
  if (!is_known_type(c.type) || ((c.flags & kSlide) != 0 && !post_only) ||
      (post_only && (c.type != kLimit || dark)) || (hidden && never_rests(c.type))) {
    return useless(Reason::bad_type, why);
  }
  const bool known_time = lasts(c.time_in_force) || c.time_in_force == kImmediateOrCancel ||
                          c.time_in_force == kFillOrKill || is_auction_time(c.time_in_force);
  const bool must_last = post_only || hidden || c.type == kPegged || is_triggered(c.type);
  const bool alone = dark && is_auction_time(c.time_in_force);
  if (!known_time || (must_last && !lasts(c.time_in_force)) || alone) {
    return useless(Reason::bad_tif, why);
  }
  return true;
}

/// A term in steps of a grid; its reason when it lies between two.
bool measure_term(const Grid& grid, i64 mantissa, u8 scale, Reason reason, i128& count,
                  Refusal& why) {
  const Measured m = measure_wide({mantissa, scale}, grid);
  if (!m.on_grid) return why.no(reason, Scope::instrument, m.decimals, m.step, m.value);
  count = m.count;
  return true;
}

/// Whether `least` <= count <= `most`; else its reason, with `limit`, all in steps of the grid.
bool judge_range(const Grid& grid, i128 count, i64 least, i64 most, i64 limit, Reason reason,
                 Refusal& why) {
  if (count >= least && count <= most) return true;
  return why.no(reason, Scope::instrument, grid.scale, on_grid(limit, grid), count * grid.step);
}

bool judge_iceberg(const Instrument& instrument, const OrderTerms& t, i64 quantity, Extra& extra,
                   Refusal& why) {
  const Grid lots = instrument.lot_grid();
  i128 range = 0;
  if (!judge_display(lots, t.display, t.display_scale, quantity, extra.terms.display, why) ||
      !measure_term(lots, t.display_range, t.display_scale, Reason::bad_display, range, why) ||
      !judge_refills(lots, extra.terms.display, range, quantity, why)) {
    return false;
  }
  extra.terms.display_range = static_cast<i64>(range);
  extra.terms.seed = t.seed;
  return true;
}

bool judge_peg(const Instrument& instrument, const OrderTerms& t, Extra& extra, Refusal& why) {
  if (t.peg == 0) return why.no(Reason::bad_peg, Scope::instrument);
  const Grid ticks = instrument.price_grid();
  i128 offset = 0;
  if (!measure_term(ticks, t.offset, t.offset_scale, Reason::bad_peg, offset, why) ||
      !judge_range(ticks, offset, -kMaxI64, kMaxI64, kMaxI64, Reason::bad_peg, why)) {
    return false;
  }
  extra.terms.peg = t.peg;
  extra.terms.offset = static_cast<i64>(offset);
  return true;
}

bool judge_minimum(const Instrument& instrument, const SubmitOrder& c, const OrderTerms& t,
                   i64 quantity, Extra& extra, Refusal& why) {
  if ((c.flags & kAllOrNone) != 0) return why.no(Reason::bad_min_qty, Scope::instrument);
  const Grid lots = instrument.lot_grid();
  i128 least = 0;
  if (!measure_term(lots, t.min_quantity, t.min_quantity_scale, Reason::bad_min_qty, least, why) ||
      !judge_range(lots, least, 1, quantity, quantity, Reason::bad_min_qty, why)) {
    return false;
  }
  extra.terms.min_quantity = static_cast<i64>(least);
  return true;
}

bool judge_budget(const State& state, const Instrument& instrument, const OrderTerms& t,
                  Extra& extra, Refusal& why) {
  const Grid money{1, state.quote_of(instrument).scale};
  i128 budget = 0;
  if (!measure_term(money, t.budget, t.budget_scale, Reason::bad_budget, budget, why) ||
      !judge_range(money, budget, 1, kMaxI64, budget < 1 ? 1 : kMaxI64, Reason::bad_budget, why)) {
    return false;
  }
  extra.terms.budget = static_cast<i64>(budget);
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

/// What an iceberg and a peg, a minimum and a budget are, in the order of orders.md section 2: a
/// term that is given and of use is judged, one of no use is its reason.
bool judge_display_terms(const Instrument& instrument, const SubmitOrder& c, const OrderTerms& t,
                         i64 lots, Extra& extra, Refusal& why) {
  if ((t.display | t.display_range | t.display_scale | t.seed) == 0) return true;
  if (asks_for_dark(c, t) || !may_rest(c.type, c.time_in_force)) {
    return useless(Reason::bad_display, why);
  }
  return judge_iceberg(instrument, t, lots, extra, why);
}

bool judge_offset_or_peg(const Instrument& instrument, const SubmitOrder& c, const OrderTerms& t,
                         Extra& extra, Refusal& why) {
  if (c.type != kPegged) return judge_offset(instrument, c.type, t, extra.terms, why);
  return asks_for_dark(c, t) ? useless(Reason::bad_peg, why) : judge_peg(instrument, t, extra, why);
}

bool judge_amount_terms(const State& state, const Instrument& instrument, const SubmitOrder& c,
                        const OrderTerms& t, i64 lots, Extra& extra, Refusal& why) {
  if ((t.min_quantity | t.min_quantity_scale) != 0 &&
      !judge_minimum(instrument, c, t, lots, extra, why)) {
    return false;
  }
  if ((t.budget | t.budget_scale) == 0) return true;
  const bool takes = (c.type == kMarket || c.type == kLimit) &&
                     (c.time_in_force == kImmediateOrCancel || c.time_in_force == kFillOrKill);
  if (!takes || c.side != kBuy || !state.accounting()) return useless(Reason::bad_budget, why);
  return judge_budget(state, instrument, t, extra, why);
}

u32 flags_of(const SubmitOrder& c, const OrderTerms& t) {
  u32 flags = kOrderRare;
  if (t.display != 0) flags |= kOrderIceberg;
  if (asks_for_dark(c, t)) flags |= kOrderDark;
  if ((c.flags & kAllOrNone) != 0 || t.min_quantity != 0) flags |= kOrderMinimum;
  if (c.type == kPegged) flags |= kOrderPeg;
  if (t.budget != 0) flags |= kOrderBudget;
  if ((c.flags & kReduceOnly) != 0) flags |= kOrderReduceOnly;
  return flags;
}

}  // namespace

bool judge_display(const Grid& lots, i64 mantissa, u8 scale, i64 quantity, i64& display,
                   Refusal& why) {
  i128 count = 0;
  if (!measure_term(lots, mantissa, scale, Reason::bad_display, count, why) ||
      !judge_range(lots, count, 1, quantity - 1, quantity, Reason::bad_display, why)) {
    return false;
  }
  display = static_cast<i64>(count);
  return true;
}

bool judge_refills(const Grid& lots, i64 display, i128 range, i64 quantity, Refusal& why) {
  if (!judge_range(lots, range, 0, display - 1, display, Reason::bad_display, why)) return false;
  const i128 least = (static_cast<i128>(quantity) + kMostRefills - 1) / kMostRefills + range;
  if (display >= least) return true;
  return why.no(Reason::bad_display, Scope::instrument, lots.scale, least * lots.step,
                on_grid(display, lots));
}

bool terms_are_good(const OrderTerms& t) {
  return scales_are_good(t) && t.trigger <= kTriggerMark && t.trail_unit <= kTrailTicks &&
         t.peg <= kPegMid && all_zero(t.reserved);
}

Extra row_of(const SubmitOrder& c) {
  Extra extra{};
  extra.session = c.session;
  extra.next_fired = extra.prev_fired = kNone;
  extra.next_peg = extra.prev_peg = kNone;
  extra.link = kNone;
  extra.flags = c.flags;
  extra.type = c.type;
  extra.time_in_force = c.time_in_force;
  return extra;
}

bool judge_beyond(const State& state, const Instrument& instrument, const SubmitOrder& c,
                  const OrderTerms* terms, i64 lots, Beyond& beyond, Refusal& why) {
  static constexpr OrderTerms kNoTerms{};
  const OrderTerms& sent = terms == nullptr ? kNoTerms : *terms;
  beyond.extra = row_of(c);
  beyond.flags = flags_of(c, sent);
  Extra& extra = beyond.extra;
  return judge_kind_beyond(c, sent, why) &&
         judge_display_terms(instrument, c, sent, lots, extra, why) &&
         judge_stop_terms(instrument, c.type, sent, extra.terms, why) &&
         judge_trail_terms(instrument, c.type, sent, extra.terms, why) &&
         judge_offset_or_peg(instrument, c, sent, extra, why) &&
         judge_amount_terms(state, instrument, c, sent, lots, extra, why) &&
         judge_instant(state.time_ns, c.time_in_force, sent, extra.terms, why);
}

i64 slid(const Instrument& instrument, bool sell, i64 price) {
  if (!instrument.book.crosses(!sell, price)) return price;
  const i64 best = instrument.book.best(!sell);
  if (sell ? best >= instrument.terms.max_price : best <= instrument.terms.min_price) return price;
  const i64 behind = sell ? best + 1 : best - 1;
  const bool inside = behind >= instrument.terms.min_price && behind <= instrument.terms.max_price;
  return inside ? behind : price;
}

bool judge_price_beyond(const State& state, const Instrument& instrument, const SubmitOrder& c,
                        Beyond& beyond, Wish& wish, Refusal& why) {
  OrderTerms& terms = beyond.extra.terms;
  if (c.type == kMarket) return judge_reference(state, instrument, wish.sell, wish.price, why);
  if (c.type == kMarketToLimit) {
    if (!instrument.book.stands(!wish.sell)) return useless(Reason::stale_ref, why);
    wish.price = instrument.book.best(!wish.sell);
    return true;
  }
  if (is_trailing(c.type)) {
    const i64 now = watched(state, instrument, wish.sell, terms.trigger);
    if (now == 0) return useless(Reason::stale_ref, why);
    beyond.extra.extreme = now;
    terms.stop_price = trailed_stop(instrument, wish.sell, terms, now);
  }
  if (is_priced_by_stop(c.type)) {
    wish.price = price_by_stop(instrument, c.type, wish.sell, terms);
  } else if ((c.flags & kSlide) != 0) {
    wish.price = slid(instrument, wish.sell, wish.price);
  } else if (c.type == kPegged) {
    beyond.extra.cap = wish.price;
  }
  return true;
}

bool judge_stop(const Instrument& instrument, i64 mantissa, u8 scale, i64& ticks, Refusal& why) {
  const Measured m = measure_wide({mantissa, scale}, instrument.price_grid());
  if (!m.on_grid) {
    return why.no(Reason::bad_stop, Scope::instrument, m.decimals, m.step, m.value);
  }
  return judge_price(instrument, m, Reason::bad_stop, ticks, why);
}

Standing standing_at(const State& state, const Instrument& instrument, bool dark, bool sell,
                     i64 price, u32 beside, u32 before) {
  const Ladder& side =
      dark ? state.rare_of(instrument).dark[sell ? 1 : 0] : instrument.book.side(sell);
  const Ladder::Place place = side.place(state.pages, key_of(sell, price));
  return {place.level == kNone ? 0 : state.pages.level(place.level).lots, place.window == kNone,
          side.has_room(state.pages, place, beside, before)};
}

bool judge_active(const State& state, u32 slot, bool rests, i64& need) {
  const OrderNode& node = state.orders.node(slot);
  const OrderRecord& order = state.orders.record(slot);
  const Instrument& instrument = state.instruments[node.instrument];
  Wish wish{};
  wish.sell = is_sell(node);
  wish.price = order.price;
  wish.lots = node.leaves;
  Refusal why;
  if (!judge_bounds(state, instrument, order.rates, state.orders.sums(slot), wish, why)) {
    return false;
  }
  need = wish.hold;
  if (!rests) return true;
  const Standing at =
      standing_at(state, instrument, (node.flags & kOrderDark) != 0, wish.sell, wish.price);
  const i64 shown = order.extra == kNone ? wish.lots : first_shown(state.extra_of(slot), wish.lots);
  return judge_level(instrument, at.there, shown, why) && at.room;
}

}  // namespace quantumcore
