#include <algorithm>

#include "quantumcore/phases.hpp"
#include "quantumcore/rare.hpp"

namespace quantumcore {

namespace {

/// Where two sides meet.
struct Uncrossing {
  i64 price;      // ticks
  u128 quantity;  // lots
  i128 imbalance;
};

/// Whether a dark order takes part in an auction: one with a minimum does not.
bool takes_part(const State& state, u32 slot) {
  return (state.orders.node(slot).flags & kOrderMinimum) == 0;
}

/// One side of a call, price by price from the best inwards: what is shown with its reserves, and
/// what is hidden.
class CallSide {
 public:
  CallSide(const State& state, const Instrument& instrument, bool sell)
      : state_(state),
        lit_(instrument.book.side(sell)),
        dark_(state.rare_of(instrument).dark[sell ? 1 : 0]),
        reserves_((instrument.rare & kRareIcebergs) != 0),
        sell_(sell),
        shown_(lit_.best_level()),
        hidden_(dark_.best_level()) {
    skip_idle();
  }

  bool stands() const { return shown_ != kNone || hidden_ != kNone; }
  i64 price() const { return ticks_of(sell_, key()); }
  u128 lots() const {
    u128 sum = 0;
    if (shown_ != kNone && state_.pages.key_of_level(shown_) == key()) {
      sum = static_cast<u64>(state_.pages.level(shown_).lots);
      if (reserves_) sum += reserves();
    }
    if (hidden_ != kNone && state_.pages.key_of_level(hidden_) == key()) sum += hidden_lots();
    return sum;
  }
  void next() {
    const i64 here = key();
    if (shown_ != kNone && state_.pages.key_of_level(shown_) == here) {
      shown_ = lit_.after(state_.pages, shown_);
    }
    if (hidden_ != kNone && state_.pages.key_of_level(hidden_) == here) {
      hidden_ = dark_.after(state_.pages, hidden_);
      skip_idle();
    }
  }
  /// The order that an auction fills next: by price, then shown before hidden, then time; kNone:
  /// nobody.
  u32 first() const {
    if (!stands()) return kNone;
    if (shown_ != kNone && state_.pages.key_of_level(shown_) == key()) {
      return state_.pages.level(shown_).head;
    }
    return first_hidden();
  }

 private:
  i64 key() const {
    if (hidden_ == kNone) return state_.pages.key_of_level(shown_);
    const i64 hidden = state_.pages.key_of_level(hidden_);
    return shown_ == kNone ? hidden : std::min(hidden, state_.pages.key_of_level(shown_));
  }
  u32 first_hidden() const {
    u32 slot = state_.pages.level(hidden_).head;
    while (slot != kNone && !takes_part(state_, slot)) slot = state_.orders.node(slot).next;
    return slot;
  }
  /// Leaves out dark levels where nobody takes part.
  void skip_idle() {
    while (hidden_ != kNone && first_hidden() == kNone)
      hidden_ = dark_.after(state_.pages, hidden_);
  }
  u128 reserves() const {
    u128 sum = 0;
    for (u32 slot = state_.pages.level(shown_).head; slot != kNone;
         slot = state_.orders.node(slot).next) {
      sum += static_cast<u64>(leaves_of(state_, slot) - state_.orders.node(slot).leaves);
    }
    return sum;
  }
  u128 hidden_lots() const {
    u128 sum = 0;
    for (u32 slot = state_.pages.level(hidden_).head; slot != kNone;
         slot = state_.orders.node(slot).next) {
      if (takes_part(state_, slot)) sum += static_cast<u64>(state_.orders.node(slot).leaves);
    }
    return sum;
  }

  const State& state_;
  const Ladder& lit_;
  const Ladder& dark_;
  bool reserves_;
  bool sell_;
  u32 shown_;
  u32 hidden_;
};

i64 nearest(i64 low, i64 high, i64 reference) {
  if (reference == 0) return low + (high - low) / 2;
  return std::clamp(reference, low, high);
}

/// Both sides are used up alike, up to the prices `low` and `high`; the next orders outside that
/// (of `bids` below, of `asks` above) may still lie between them.
Uncrossing balanced(u128 traded, i64 low, i64 high, CallSide& bids, CallSide& asks, i64 reference) {
  const bool bid = bids.stands() && bids.price() >= low;
  const bool ask = asks.stands() && asks.price() <= high;
  const i64 first = bid ? bids.price() + 1 : low;
  const i64 last = ask ? asks.price() - 1 : high;
  if (first <= last) return {nearest(first, last, reference), traded, 0};
  // A tick apart: at the bid more would buy, at the ask more would sell.
  const i128 buys = static_cast<i128>(bids.lots());
  const i128 sells = static_cast<i128>(asks.lots());
  const i64 at_bid = bids.price();
  const i64 at_ask = asks.price();
  if (buys < sells) return {at_bid, traded, buys};
  if (sells < buys) return {at_ask, traded, -sells};
  bids.next();
  asks.next();
  const i64 lowest = bids.stands() ? std::max(low, bids.price() + 1) : low;
  const i64 highest = asks.stands() ? std::min(high, asks.price() - 1) : high;
  const i64 price = nearest(lowest, highest, reference);
  return {price, traded, price <= at_bid ? buys : -sells};
}

/// The price of orders.md section 8; false when nothing meets. Takes the best of each side from
/// each other until they no longer meet: that is all that can trade, and the last two prices are
/// the highest and the lowest at which it does. Cost: O(levels that cross).
bool find_price(const State& state, const Instrument& instrument, Uncrossing& found) {
  CallSide bids(state, instrument, false);
  CallSide asks(state, instrument, true);
  u128 traded = 0;
  u128 bid_left = bids.stands() ? bids.lots() : 0;
  u128 ask_left = asks.stands() ? asks.lots() : 0;
  i64 high = 0;
  i64 low = 0;
  while (bids.stands() && asks.stands() && bids.price() >= asks.price()) {
    high = bids.price();
    low = asks.price();
    const u128 lots = std::min(bid_left, ask_left);
    traded += lots;
    bid_left -= lots;
    ask_left -= lots;
    const bool bid_used = bid_left == 0;
    const bool ask_used = ask_left == 0;
    if (bid_used) {
      bids.next();
      bid_left = bids.stands() ? bids.lots() : 0;
    }
    if (ask_used) {
      asks.next();
      ask_left = asks.stands() ? asks.lots() : 0;
    }
    if (bid_used && ask_used) continue;
    // One has something left: is there more on the other side to take?
    if (bid_used && bids.stands() && bids.price() >= low) continue;
    if (ask_used && asks.stands() && asks.price() <= high) continue;
    found = bid_used ? Uncrossing{low, traded, -static_cast<i128>(ask_left)}
                     : Uncrossing{high, traded, static_cast<i128>(bid_left)};
    return true;
  }
  if (traded == 0) return false;
  const i64 reference = state.rare_of(instrument).reference;
  found =
      balanced(traded, low, high, bids, asks, reference != 0 ? reference : instrument.last_price);
  return true;
}

/// Sums over many levels may pass what an event can tell; they are told as the most that it can.
i64 told(i128 lots) {
  const i128 most = kMaxI64;
  return static_cast<i64>(std::clamp(lots, -most, most));
}

void tell_uncrossed(const Instrument& instrument, const Uncrossing& found, Teller& teller) {
  AuctionUncrossed& event = teller.tell<AuctionUncrossed>(instrument.id, 0);
  event.price = found.price;
  event.quantity = told(static_cast<i128>(found.quantity));
  event.imbalance = told(found.imbalance);
  event.phase = instrument.terms.status;
}

/// Whether two orders are one party's, by the later one's mode.
bool own_orders(const State& state, u32 maker, u32 taker) {
  const OrderNode& later = state.orders.node(taker);
  return stp_of(later) != kStpNone &&
         state.same_party(state.orders.node(maker).account, later.account);
}

/// Whether an order may trade at `price`.
bool accepts(const State& state, u32 slot, i64 price) {
  const i64 own = state.orders.record(slot).price;
  return is_sell(state.orders.node(slot)) ? own <= price : own >= price;
}

/// Buys and sells that accept `price` trade at it until one side has none left.
void trade_at(State& state, Instrument& instrument, i64 price, Teller& teller) {
  while (true) {
    const u32 buy = CallSide(state, instrument, false).first();
    const u32 sell = CallSide(state, instrument, true).first();
    if (buy == kNone || sell == kNone || !accepts(state, buy, price) ||
        !accepts(state, sell, price)) {
      return;
    }
    if (!bears(state, instrument, sell, price)) [[unlikely]] {
      cancel_order(state, sell, CancelReason::out_of_bounds, teller);
      continue;
    }
    const bool buy_first = is_submitted_later(state, sell, buy);
    const u32 maker = buy_first ? buy : sell;
    const u32 taker = buy_first ? sell : buy;
    if (maker == sibling(state, taker)) {
      cancel_other(state, taker, teller);
      continue;
    }
    if (own_orders(state, maker, taker)) {
      prevent_self_trade(state, maker, taker, teller);
      continue;
    }
    trade(state, instrument, maker, taker, price, teller);
    if (leaves_of(state, taker) == 0) finish_order(state, taker, Fate::filled);
  }
}

/// Ends what was in the book for the auction only, or could not rest without it.
void dismiss(State& state, const Instrument& instrument, Teller& teller) {
  each_of_calls(state, instrument, [&](u32 slot) {
    const u8 time_in_force = state.extra_of(slot).time_in_force;
    if ((state.orders.node(slot).flags & kOrderWaits) != 0) return;  // not of this auction
    if (time_in_force == kAtOpen || time_in_force == kAtClose) {
      cancel_order(state, slot, CancelReason::auction_over, teller);
    } else if (time_in_force == kGoodForAuction) {
      let_wait(state, slot, teller);
    } else {
      cancel_order(state, slot, CancelReason::immediate_or_cancel, teller);
    }
  });
}

}  // namespace

void uncross(State& state, Instrument& instrument, Teller& teller) {
  RareBook& rare = state.rare_of(instrument);
  state.touch(instrument);
  bool told_any = false;
  const u32 fills = teller.fills();
  // Self-trade prevention and the bounds of an amount take orders away while it trades; what they
  // leave crossed is uncrossed again. Each round trades or ends an order.
  for (Uncrossing found{}; find_price(state, instrument, found);) {
    tell_uncrossed(instrument, found, teller);
    told_any = true;
    trade_at(state, instrument, found.price, teller);
  }
  if (!told_any && is_call(instrument.terms.status)) {
    tell_uncrossed(instrument, Uncrossing{0, 0, 0}, teller);
  }
  rare.traded_at = 0;  // what follows in this command measures the band from the auction
  rare.first_print = 0;
  rare.print_count = 0;
  if (teller.fills() != fills) {
    rare.prints[0] = Print{teller.time_ns(), instrument.last_price};
    rare.print_count = 1;
  }
  dismiss(state, instrument, teller);
}

void tell_indicative(State& state, Instrument& instrument, Teller& teller) {
  if (!is_call(instrument.terms.status)) return;
  Uncrossing found{};
  Indicative now{};
  if (find_price(state, instrument, found)) {
    now = Indicative{found.price, told(static_cast<i128>(found.quantity)), told(found.imbalance)};
  }
  Indicative& before = state.rare_of(instrument).indicative;
  if (now == before) return;
  before = now;
  IndicativeChanged& event = teller.tell<IndicativeChanged>(instrument.id, 0);
  event.price = now.price;
  event.quantity = now.quantity;
  event.imbalance = now.imbalance;
}

}  // namespace quantumcore
