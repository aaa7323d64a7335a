#include "quantumcore/gate.hpp"
#include "quantumcore/phases.hpp"
#include "quantumcore/rare.hpp"

namespace quantumcore {

namespace {

/// The lowest and the highest price, ticks, that are no further than a rate from a reference.
struct Edges {
  i64 low;
  i64 high;

  bool hold(i64 price) const { return price >= low && price <= high; }
};

/// `reference` counts in ticks when `one` is the scale of rates, in halves when it is twice that.
Edges edges_of(u128 reference, i64 rate, u64 one) {
  const u64 r = static_cast<u64>(rate);
  const u128 low = (reference * (kRateScale - r) + (one - 1)) / one;
  const u128 high = reference * (kRateScale + r) / one;
  const u128 most = static_cast<u64>(kMaxI64);
  return {static_cast<i64>(low < most ? low : most), static_cast<i64>(high < most ? high : most)};
}

bool refuse(const Instrument& instrument, Reason reason, i64 limit, i64 price, Refusal& why) {
  const Grid grid = instrument.price_grid();
  return why.no(reason, Scope::instrument, grid.scale, on_grid(limit, grid), on_grid(price, grid));
}

/// The edges of a trade now; false when there is no band. In a limit state its edge stays where it
/// is.
bool dynamic_edges(const State& state, const Instrument& instrument, u64 sequence, Edges& edges) {
  const RareBook& rare = state.rare_of(instrument);
  const i64 reference = rare.traded_at == sequence ? rare.price_before : instrument.last_price;
  if (rare.rules.dynamic_band == 0 || reference == 0) return false;
  edges = edges_of(static_cast<u64>(reference), rare.rules.dynamic_band, kRateScale);
  if (rare.limit_side == kBuy) edges.high = rare.limit_edge;
  if (rare.limit_side == kSell) edges.low = rare.limit_edge;
  return true;
}

/// The market stops: what is left of a taker stays in the book if it may, before any other comes.
void leave_off(State& state, Instrument& instrument, u32 taker, Teller& teller) {
  const OrderNode& node = state.orders.node(taker);
  if (node.leaves == 0) {
    finish_order(state, taker, Fate::filled);
  } else if ((node.flags & kOrderNeverRests) != 0) {
    cancel_order(state, taker, CancelReason::band, teller);
  } else {
    rest(state, instrument, taker, kNone);
  }
}

/// Lets what is left of an order stand at the band's edge; the limit state begins when that is the
/// best price.
void stand_at(State& state, Instrument& instrument, u32 slot, i64 edge, Teller& teller) {
  const OrderNode& node = state.orders.node(slot);
  OrderRecord& order = state.orders.record(slot);
  const bool sell = is_sell(node);
  const i64 shown =
      order.extra == kNone ? node.leaves : first_shown(state.extra_of(slot), node.leaves);
  if (!has_room(state, instrument, sell, edge, shown)) {
    cancel_order(state, slot, CancelReason::band, teller);
    return;
  }
  order.price = edge;
  if (state.accounting()) set_hold(state, slot, hold_now(state, slot));
  tell_replaced(state, slot, ReplaceReason::converted, false, teller);
  rest(state, instrument, slot, kNone);
  RareBook& rare = state.rare_books[node.instrument];
  const u8 side = sell ? kSell : kBuy;
  if (rare.limit_side == side || instrument.book.best(sell) != edge) return;
  rare.limit_side = side;
  rare.limit_edge = edge;
  if (__builtin_add_overflow(teller.time_ns(), rare.rules.limit_state_ns, &rare.limit_until)) {
    rare.limit_until = kMaxI64;
  }
  note_deadline(state, node.instrument);
  LimitStateChanged& event = teller.tell<LimitStateChanged>(instrument.id, 0);
  event.band = edge;
  event.until_ns = rare.limit_until;
  event.state = side;
}

/// Whether a part of its lots would be less than an order asked for.
bool trades_whole(const State& state, u32 slot) {
  const OrderNode& node = state.orders.node(slot);
  if ((node.flags & kOrderFillOrKill) != 0) return true;
  if ((node.flags & kOrderMinimum) == 0) return false;
  const Extra& extra = state.extra_of(slot);
  return (extra.flags & kAllOrNone) != 0 ||
         state.orders.record(slot).quantity - leaves_of(state, slot) < extra.terms.min_quantity;
}

/// Keeps a print if it is the first of its stretch; whether it is too far from one in the window.
bool keep_print(RareBook& rare, i64 time_ns, i64 price) {
  const i64 window = rare.rules.velocity_ns;
  while (rare.print_count > 0 && rare.prints[rare.first_print].time_ns < time_ns - window) {
    rare.first_print = (rare.first_print + 1) % kPrints;
    --rare.print_count;
  }
  bool fast = false;
  for (u32 i = 0; i < rare.print_count; ++i) {
    const i128 before = rare.prints[(rare.first_print + i) % kPrints].price;
    const i128 apart = before > price ? before - price : price - before;
    fast = fast || apart * static_cast<i128>(kRateScale) > rare.rules.velocity * before;
  }
  const i64 width = (window + (kPrintStretches - 1)) / kPrintStretches;
  const u32 last = (rare.first_print + rare.print_count + kPrints - 1) % kPrints;
  if (rare.print_count == 0 || rare.prints[last].time_ns / width != time_ns / width) {
    QC_ASSERT(rare.print_count < kPrints);
    rare.prints[(last + 1) % kPrints] = Print{time_ns, price};
    ++rare.print_count;
  }
  return fast;
}

}  // namespace

bool judge_bands(const State& state, const Instrument& instrument, bool sell, i64 price,
                 Refusal& why) {
  const RareBook& rare = state.rare_of(instrument);
  if (rare.rules.static_band != 0 && rare.reference != 0) {
    const Edges edges =
        edges_of(static_cast<u64>(rare.reference), rare.rules.static_band, kRateScale);
    if (!edges.hold(price)) {
      return refuse(instrument, Reason::price_band, price < edges.low ? edges.low : edges.high,
                    price, why);
    }
  }
  const u128 doubled = doubled_reference(state, instrument);
  if (rare.rules.price_collar == 0 || doubled == 0) return true;
  const Edges edges = edges_of(doubled, rare.rules.price_collar, 2 * kRateScale);
  if (!sell && price > edges.high) {
    return refuse(instrument, Reason::collar, edges.high, price, why);
  }
  if (sell && price < edges.low) return refuse(instrument, Reason::collar, edges.low, price, why);
  return true;
}

void note_trade(State& state, const Instrument& instrument, const Teller& teller) {
  RareBook& rare = state.rare_of(instrument);
  if (rare.traded_at == teller.sequence()) return;
  rare.traded_at = teller.sequence();
  rare.price_before = instrument.last_price;
}

bool band_allows(const State& state, const Instrument& instrument, i64 price, u64 sequence) {
  Edges edges;
  return !dynamic_edges(state, instrument, sequence, edges) || edges.hold(price);
}

bool band_stops(State& state, Instrument& instrument, u32 taker, i64 price, Teller& teller) {
  Edges edges;
  if (!dynamic_edges(state, instrument, teller.sequence(), edges) || edges.hold(price)) {
    return false;
  }
  const OrderNode& node = state.orders.node(taker);
  const bool up = price > edges.high;
  const bool reaches =
      up != is_sell(node);  // else it cannot stand at an edge that it does not reach for
  if (state.rare_books[node.instrument].rules.limit_state_ns == 0 || !reaches) {
    leave_off(state, instrument, taker, teller);
    enter_phase(state, instrument, kVolatilityCall, kCauseBand, teller);
  } else if ((node.flags & kOrderNeverRests) != 0) {
    cancel_order(state, taker, CancelReason::band, teller);
  } else if ((node.flags & kOrderDark) != 0) {
    rest(state, instrument, taker, kNone);  // nobody sees it: it waits for a price inside the band
  } else {
    stand_at(state, instrument, taker, up ? edges.high : edges.low, teller);
  }
  return true;
}

bool velocity_trips(State& state, Instrument& instrument, u32 taker, i64 price, Teller& teller) {
  RareBook& rare = state.rare_of(instrument);
  if (rare.rules.velocity == 0) return false;
  const OrderNode& node = state.orders.node(taker);
  // Of an order that wants all or nothing the last trade is the one that stops the market.
  const bool all_or_nothing = node.leaves > 0 && trades_whole(state, taker);
  if (!keep_print(rare, teller.time_ns(), price) || all_or_nothing) return false;
  leave_off(state, instrument, taker, teller);
  enter_phase(state, instrument, kVolatilityCall, kCauseVelocity, teller);
  return true;
}

bool stands_at_edge(State& state, Instrument& instrument, u32 slot, Teller& teller) {
  Edges edges;
  if (state.rare_of(instrument).rules.limit_state_ns == 0 ||
      !dynamic_edges(state, instrument, teller.sequence(), edges)) {
    return false;
  }
  const i64 price = state.orders.record(slot).price;
  const bool sell = is_sell(state.orders.node(slot));
  if (sell ? price >= edges.low : price <= edges.high) return false;
  stand_at(state, instrument, slot, sell ? edges.low : edges.high, teller);
  return true;
}

void end_limit_state(State& state, Instrument& instrument, Teller& teller) {
  RareBook& rare = state.rare_of(instrument);
  if (rare.limit_side == 0) return;
  rare.limit_side = 0;
  note_deadline(state, state.slot_of(instrument));
  teller.tell<LimitStateChanged>(instrument.id, 0);
}

bool lift_limit_state(State& state, Instrument& instrument, Teller& teller) {
  const RareBook& rare = state.rare_of(instrument);
  if (rare.limit_side == 0) return false;
  const bool sell = rare.limit_side == kSell;
  if (instrument.book.stands(sell) && instrument.book.best(sell) == rare.limit_edge) return false;
  end_limit_state(state, instrument, teller);
  return true;
}

}  // namespace quantumcore
