#include "quantumcore/fees.hpp"
#include "quantumcore/phases.hpp"
#include "quantumcore/rare.hpp"

namespace quantumcore {

void add_fill(OrderSums& sums, i64 rate, i64 price, i64 lots) {
  const u128 ticks_lots = ticks_times_lots(price, lots);
  sums.notional += ticks_lots;
  sums.fee_sum += static_cast<u64>(rate) * ticks_lots;
}

namespace {

i64 taker_rate(const State& state, u32 slot) {
  const Instrument& instrument = state.instruments[state.orders.node(slot).instrument];
  return std::min<i64>(instrument.terms.taker_fee, state.orders.record(slot).rates.taker);
}

/// The walk of could_have: what is met, and what is had so far.
class Walk {
 public:
  Walk(const State& state, u32 taker, i64 enough, u64 most)
      : state_(state),
        taker_(taker),
        node_(state.orders.node(taker)),
        enough_(enough),
        most_(most),
        budgeted_((node_.flags & kOrderBudget) != 0),
        revocable_((state.instruments[node_.instrument].rare & (kRareLinked | kRareReducing)) != 0),
        other_(sibling(state, taker)) {
    if (revocable_) ++state.walks;
    if (budgeted_) {
      sums_ = state.orders.sums(taker);
      rate_ = taker_rate(state, taker);
    }
  }

  Reach reach() const { return reach_; }

  /// All that a shown level offers: what is shown in turn, then the reserves, which refill behind
  /// it. Returns whether the walk goes on.
  bool shown_level(const Level& level, i64 price) {
    for (u32 slot = level.head; slot != kNone; slot = state_.orders.node(slot).next) {
      if (!offered(slot, state_.orders.node(slot).leaves, price)) return false;
    }
    for (u32 slot = level.head; slot != kNone; slot = state_.orders.node(slot).next) {
      if ((state_.orders.node(slot).flags & kOrderIceberg) == 0) continue;
      const i64 reserve = state_.extra_of(slot).reserve;
      if (reserve > 0 && !offered(slot, reserve, price)) return false;
    }
    return true;
  }

  /// Whether so many were passed over that no more of the dark are met.
  bool is_through_with_the_dark() const { return passed_ == kMostPassed; }

  bool dark_level(const Level& level, i64 price) {
    for (u32 slot = level.head; slot != kNone && !is_through_with_the_dark();
         slot = state_.orders.node(slot).next) {
      if (!offered(slot, state_.orders.node(slot).leaves, price)) return false;
    }
    return true;
  }

 private:
  bool offered(u32 maker, i64 lots, i64 price) {
    if (met_ == most_) return false;
    ++met_;
    const OrderNode& resting = state_.orders.node(maker);
    i64 wanted = node_.leaves - reach_.lots;
    if (budgeted_) {
      wanted = affordable(state_, taker_, sums_, price, wanted);
      if (wanted == 0) {
        reach_.spent = true;
        return false;
      }
    }
    if (maker == other_) return true;
    if ((resting.flags & kOrderMinimum) != 0 &&
        std::min(wanted, resting.leaves) < minimum_of(state_, maker)) {
      ++passed_;
      return true;
    }
    const u8 mode = stp_of(node_);
    if (mode != kStpNone && state_.same_party(resting.account, node_.account)) {
      return mode == kStpCancelOldest;
    }
    if (revocable_ && !is_certain(state_, maker)) return true;
    const i64 had = std::min(wanted, lots);
    reach_.lots += had;
    if (budgeted_) add_fill(sums_, rate_, price, had);
    if (had == wanted) {  // all that it wants, or can pay for: prices only get worse
      reach_.spent = reach_.lots < node_.leaves;
      return false;
    }
    return reach_.lots < enough_;
  }

  const State& state_;
  u32 taker_;
  const OrderNode& node_;
  i64 enough_;
  u64 most_;
  u64 met_ = 0;
  u32 passed_ = 0;
  bool budgeted_;
  bool revocable_;
  u32 other_;  // of its pair: goes before the first trade
  OrderSums sums_{};
  i64 rate_ = 0;
  Reach reach_{0, false};
};

}  // namespace

i64 minimum_of(const State& state, u32 slot) {
  const OrderNode& node = state.orders.node(slot);
  if ((node.flags & kOrderMinimum) == 0) return 1;
  const Extra& extra = state.extra_of(slot);
  if ((extra.flags & kAllOrNone) != 0) return node.leaves;
  return std::min(extra.terms.min_quantity, node.leaves);
}

bool is_certain(const State& state, u32 maker) {
  if (state.counted[maker] == state.walks) return true;  // a reserve goes with what is shown
  const OrderNode& node = state.orders.node(maker);
  u64& mark = state.walk_marks[node.account];  // walk, and 1: only reduce-only orders so far
  const bool fresh = mark >> 1 != state.walks;
  const bool only_reducing = fresh || (mark & 1) != 0;
  const bool paired = sibling(state, maker) != kNone;
  const bool reducing = (node.flags & kOrderReduceOnly) != 0;
  if (paired ? !fresh : reducing && !only_reducing) return false;
  mark = state.walks << 1 | (reducing && !paired && only_reducing ? 1 : 0);
  state.counted[maker] = state.walks;
  return true;
}

i64 affordable(const State& state, u32 slot, const OrderSums& sums, i64 price, i64 lots) {
  const OrderNode& node = state.orders.node(slot);
  if ((node.flags & kOrderBudget) == 0) return lots;
  const Purse purse{state.extra_of(slot).terms.budget, taker_rate(state, slot),
                    state.orders.record(slot).rates.minimum_fee,
                    state.instruments[node.instrument].unit};
  return most_within(purse, sums, price, lots);
}

bool pays_for(const Purse& purse, const OrderSums& sums, i64 price, i64 lots) {
  OrderSums after = sums;
  add_fill(after, purse.rate, price, lots);
  const u128 fee = std::max(rated_units(after.fee_sum, purse.unit).ceil(),
                            static_cast<u128>(static_cast<u64>(purse.minimum_fee)));
  return units(after.notional, purse.unit).ceil() + fee <= static_cast<u64>(purse.budget);
}

i64 most_within(const Purse& purse, const OrderSums& sums, i64 price, i64 lots) {
  i64 least = 0;
  i64 most = lots;
  while (least <
         most) {  // what is spent never falls with the lots: halving finds the last that fits
    const i64 middle = most - (most - least) / 2;
    if (pays_for(purse, sums, price, middle)) {
      least = middle;
    } else {
      most = middle - 1;
    }
  }
  return least;
}

DarkWalk::DarkWalk(const State& state, const Ladder& ladder)
    : level(ladder.best_level()), slot(level == kNone ? kNone : state.pages.level(level).head) {}

DarkWalk DarkWalk::next(const State& state, const Ladder& ladder) const {
  const u32 behind = state.orders.node(slot).next;
  if (behind != kNone) return {level, behind};
  const u32 after = ladder.after(state.pages, level);
  return {after, after == kNone ? kNone : state.pages.level(after).head};
}

Reach could_have(const State& state, u32 taker, i64 enough, u64 most) {
  const OrderNode& node = state.orders.node(taker);
  const Instrument& instrument = state.instruments[node.instrument];
  const bool makers_sell = !is_sell(node);
  const i64 limit = key_of(makers_sell, state.orders.record(taker).price);
  const Ladder& shown = instrument.book.side(makers_sell);
  const Ladder& dark = state.rare_of(instrument).dark[makers_sell ? 1 : 0];
  const bool banded = (instrument.rare & kRareBands) != 0;
  Walk walk(state, taker, enough, most);
  u32 lit = shown.best_level();
  u32 unlit = dark.best_level();
  while (lit != kNone || unlit != kNone) {
    const i64 lit_key = lit == kNone ? kMaxI64 : state.pages.key_of_level(lit);
    const i64 unlit_key = unlit == kNone ? kMaxI64 : state.pages.key_of_level(unlit);
    const bool lit_first = lit != kNone && (unlit == kNone || lit_key <= unlit_key);
    const i64 key = lit_first ? lit_key : unlit_key;
    if (key > limit) break;
    const i64 price = ticks_of(makers_sell, key);
    if (banded && !band_allows(state, instrument, price, state.sequence)) break;
    const bool goes_on = lit_first ? walk.shown_level(state.pages.level(lit), price)
                                   : walk.dark_level(state.pages.level(unlit), price);
    if (!goes_on) break;
    if (lit_first) {
      lit = shown.after(state.pages, lit);
    } else {
      unlit = walk.is_through_with_the_dark() ? kNone : dark.after(state.pages, unlit);
    }
  }
  return walk.reach();
}

bool could_fill(const State& state, u32 taker) {
  const i64 leaves = state.orders.node(taker).leaves;
  const Reach had = could_have(state, taker, leaves);
  return had.lots >= leaves || (had.spent && had.lots > 0);
}

bool meets_anybody(const State& state, u32 taker) {
  const OrderNode& node = state.orders.node(taker);
  const Instrument& instrument = state.instruments[node.instrument];
  const bool makers_sell = !is_sell(node);
  const i64 limit = key_of(makers_sell, state.orders.record(taker).price);
  const auto allowed = [&](i64 key) {
    return (instrument.rare & kRareBands) == 0 ||
           band_allows(state, instrument, ticks_of(makers_sell, key), state.sequence);
  };
  const Ladder& shown = instrument.book.side(makers_sell);
  const Ladder& dark = state.rare_of(instrument).dark[makers_sell ? 1 : 0];
  u32 passed = 0;
  for (DarkWalk walk(state, dark); walk.slot != kNone && passed < kMostPassed;
       walk = walk.next(state, dark), ++passed) {
    const i64 key = state.pages.key_of_level(walk.level);
    if (key > limit || (!shown.empty() && shown.best_key() <= key)) break;
    const i64 lots = std::min(node.leaves, state.orders.node(walk.slot).leaves);
    if (lots >= minimum_of(state, walk.slot)) return allowed(key);
  }
  return !shown.empty() && shown.best_key() <= limit && allowed(shown.best_key());
}

}  // namespace quantumcore
