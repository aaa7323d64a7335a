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

bool is_zero(const u8 (&bytes)[3]) { return (bytes[0] | bytes[1] | bytes[2]) == 0; }

/// Whether an order of that time in force may rest.
bool lasts(u8 time_in_force) { return time_in_force == kGoodTillCancel; }

bool asks_for_dark(const SubmitOrder& c, const OrderTerms& t) {
  return (c.flags & (kHidden | kAllOrNone)) != 0 || t.min_quantity != 0;
}

bool judge_kind_beyond(const SubmitOrder& c, const OrderTerms& t, Refusal& why) {
  const bool post_only = (c.flags & kPostOnly) != 0;
  const bool hidden = (c.flags & kHidden) != 0;
  const bool known =
      c.type == kMarket || c.type == kLimit || c.type == kMarketToLimit || c.type == kPegged;
  if (!known || (c.flags & (kReduceOnly | kCancelOnDisconnect)) != 0 ||
      ((c.flags & kSlide) != 0 && !post_only) ||
      (post_only && (c.type != kLimit || asks_for_dark(c, t))) || (hidden && c.type == kMarket)) {
    return why.no(Reason::bad_type, Scope::instrument);
  }
  const bool known_time = lasts(c.time_in_force) || c.time_in_force == kImmediateOrCancel ||
                          c.time_in_force == kFillOrKill || is_auction_time(c.time_in_force);
  const bool must_last = post_only || hidden || c.type == kPegged;
  const bool alone = asks_for_dark(c, t) && is_auction_time(c.time_in_force);
  if (!known_time || (!lasts(c.time_in_force) && must_last) || alone) {
    return why.no(Reason::bad_tif, Scope::instrument);
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

/// A refill must show something, and one taker must not set off too many of them.
bool judge_refills(const Grid& lots, i64 display, i128 range, i64 quantity, Refusal& why) {
  if (!judge_range(lots, range, 0, display - 1, display, Reason::bad_display, why)) return false;
  const i128 least = (static_cast<i128>(quantity) + kMostRefills - 1) / kMostRefills + range;
  if (display >= least) return true;
  return why.no(Reason::bad_display, Scope::instrument, lots.scale, least * lots.step,
                on_grid(display, lots));
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

/// Each further term in the order of orders.md section 2: `given` and of use it is judged, of no
/// use it is its reason.
bool judge_terms(const State& state, const Instrument& instrument, const SubmitOrder& c,
                 const OrderTerms& t, i64 lots, Extra& extra, Refusal& why) {
  const auto useless = [&](Reason reason) { return why.no(reason, Scope::instrument); };
  const bool dark = asks_for_dark(c, t);
  if ((t.display | t.display_range | t.display_scale | t.seed) != 0) {
    if (dark || c.type == kMarket || !lasts(c.time_in_force)) return useless(Reason::bad_display);
    if (!judge_iceberg(instrument, t, lots, extra, why)) return false;
  }
  if ((t.stop_price | t.stop_scale | t.trigger) != 0) return useless(Reason::bad_stop);
  if ((t.trail | t.trail_scale | t.trail_unit) != 0) return useless(Reason::bad_trail);
  if (c.type == kPegged) {
    if (dark) return useless(Reason::bad_peg);
    if (!judge_peg(instrument, t, extra, why)) return false;
  } else if ((t.offset | t.offset_scale | t.peg) != 0) {
    return useless(Reason::bad_peg);
  }
  if ((t.min_quantity | t.min_quantity_scale) != 0 &&
      !judge_minimum(instrument, c, t, lots, extra, why)) {
    return false;
  }
  if ((t.budget | t.budget_scale) != 0) {
    const bool takes = (c.type == kMarket || c.type == kLimit) &&
                       (c.time_in_force == kImmediateOrCancel || c.time_in_force == kFillOrKill);
    if (!takes || c.side != kBuy || !state.accounting()) return useless(Reason::bad_budget);
    if (!judge_budget(state, instrument, t, extra, why)) return false;
  }
  return t.expires_ns == 0 ? true : useless(Reason::expired);
}

u32 flags_of(const SubmitOrder& c, const OrderTerms& t) {
  u32 flags = kOrderRare;
  if (t.display != 0) flags |= kOrderIceberg;
  if (asks_for_dark(c, t)) flags |= kOrderDark;
  if ((c.flags & kAllOrNone) != 0 || t.min_quantity != 0) flags |= kOrderMinimum;
  if (c.type == kPegged) flags |= kOrderPeg;
  if (t.budget != 0) flags |= kOrderBudget;
  return flags;
}

}  // namespace

bool terms_are_good(const OrderTerms& t) {
  return scales_are_good(t) && t.trigger <= kTriggerMark && t.trail_unit <= kTrailTicks &&
         t.peg <= kPegMid && is_zero(t.reserved);
}

bool judge_beyond(const State& state, const Instrument& instrument, const SubmitOrder& c,
                  const OrderTerms* terms, i64 lots, Beyond& beyond, Refusal& why) {
  static constexpr OrderTerms kNoTerms{};
  const OrderTerms& sent = terms == nullptr ? kNoTerms : *terms;
  beyond.extra = Extra{};
  beyond.extra.session = c.session;
  beyond.extra.next_peg = beyond.extra.prev_peg = kNone;
  beyond.extra.flags = c.flags;
  beyond.extra.type = c.type;
  beyond.extra.time_in_force = c.time_in_force;
  beyond.flags = flags_of(c, sent);
  return judge_kind_beyond(c, sent, why) &&
         judge_terms(state, instrument, c, sent, lots, beyond.extra, why);
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
  if (c.type == kMarket) return judge_reference(state, instrument, wish.sell, wish.price, why);
  if (c.type == kMarketToLimit) {
    if (!instrument.book.stands(!wish.sell)) return why.no(Reason::stale_ref, Scope::instrument);
    wish.price = instrument.book.best(!wish.sell);
  } else if ((c.flags & kSlide) != 0) {
    wish.price = slid(instrument, wish.sell, wish.price);
  } else if (c.type == kPegged) {
    beyond.extra.cap = wish.price;
  }
  return true;
}

bool rejudge_beyond(const Instrument& instrument, const Extra& extra,
                    const ReplaceAdvancedOrder* more, i64 total, i64& display, Refusal& why) {
  const Grid lots = instrument.lot_grid();
  const u16 fields = more == nullptr ? u16{0} : more->order.fields;
  display = extra.terms.display;
  if ((fields & kDisplayGiven) != 0) {
    if (display == 0) return why.no(Reason::bad_display, Scope::instrument);
    if (!judge_display(lots, more->display, more->display_scale, total, display, why)) return false;
  }
  if (display != 0 && !judge_refills(lots, display, extra.terms.display_range, total, why)) {
    return false;
  }
  if ((fields & kStopGiven) != 0) return why.no(Reason::bad_stop, Scope::instrument);
  return true;
}

bool judge_level_beyond(const State& state, const Instrument& instrument, const Extra& extra,
                        u32 flags, const Wish& wish, i64 there_already, bool& room, Refusal& why) {
  const bool dark = (flags & kOrderDark) != 0;
  const Ladder& side =
      dark ? state.rare_of(instrument).dark[wish.sell ? 1 : 0] : instrument.book.side(wish.sell);
  const Ladder::Place place = side.place(state.pages, key_of(wish.sell, wish.price));
  const i64 there = place.level == kNone ? 0 : state.pages.level(place.level).lots;
  room = side.has_room(state.pages, place);
  const i64 more = first_shown(extra, wish.lots) - there_already;
  return more <= 0 || judge_level(instrument, there, more, why);
}

}  // namespace quantumcore
