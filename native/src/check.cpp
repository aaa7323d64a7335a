#include "quantumcore/check.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "quantumcore/commands.hpp"
#include "quantumcore/engine.hpp"
#include "quantumcore/phases.hpp"
#include "quantumcore/rare.hpp"

namespace quantumcore {

namespace {

/// Walks the books and what waits beside them, and compares what the engine maintains twice.
class Walk {
 public:
  explicit Walk(const State& state)
      : state_(state),
        seen_(state.orders.slots().used(), 0),
        held_(state.accounts.balance_count(), 0) {}

  void run() {
    for (u32 i = 0; i < state_.instrument_count; ++i) {
      const Instrument& instrument = state_.instruments[i];
      book_side(i, instrument, false);
      book_side(i, instrument, true);
      const Book& book = instrument.book;
      QC_ASSERT(!(book.stands(false) && book.stands(true)) || book.best(false) < book.best(true) ||
                instrument.terms.status != kContinuous);
      calls(i, instrument);
      regime(i, instrument);
      rare_book(i, instrument);
    }
    waiting();
    slots();
    pages();
    check_ties(state_);
    check_limits(state_);
    check_guards(state_);
    check_margin(state_);
    check_money(state_, held_);
  }

 private:
  /// What is dark and what waits; and that the aftermath has left nothing to do.
  void rare_book(u32 slot, const Instrument& instrument) {
    const RareBook& rare = state_.rare_books[slot];
    QC_ASSERT(!rare.touched);
    side_of(slot, instrument, rare.dark[0], false);
    side_of(slot, instrument, rare.dark[1], true);
    u32 previous = kNone;
    for (u32 peg = rare.first_peg; peg != kNone; peg = state_.extra_of(peg).next_peg) {
      const OrderNode& node = state_.orders.node(peg);
      QC_ASSERT((node.flags & kOrderPeg) != 0 && node.instrument == slot);
      QC_ASSERT(state_.extra_of(peg).prev_peg == previous);
      const bool waits = (node.flags & kOrderWaits) != 0;
      QC_ASSERT(waits == (node.level == kNone));
      if (waits) {
        QC_ASSERT(state_.orders.record(peg).price == state_.extra_of(peg).cap);
      } else if (instrument.terms.status == kContinuous) {
        QC_ASSERT(peg_target(state_, instrument, peg) == state_.orders.record(peg).price);
      }
      previous = peg;
    }
    QC_ASSERT(rare.last_peg == previous);
    QC_ASSERT((rare.first_peg != kNone) == ((instrument.rare & kRarePegs) != 0));
    QC_ASSERT((rare.dark_orders != 0) == ((instrument.rare & kRareDark) != 0));
    QC_ASSERT((rare.icebergs != 0) == ((instrument.rare & kRareIcebergs) != 0));
    QC_ASSERT(rare.dark_orders == dark_ && rare.icebergs == icebergs_);
    dark_ = icebergs_ = 0;
    // A dynamic band moves with the command after a trade; dark orders are looked at when something
    // changes.
    if (instrument.terms.status == kContinuous && rare.rules.dynamic_band == 0) {
      QC_ASSERT(ready_in_the_dark(state_, instrument) == kNone);
    }
  }

  void book_side(u32 slot, const Instrument& instrument, bool sell) {
    side_of(slot, instrument, instrument.book.side(sell), sell);
  }

  void side_of(u32 slot, const Instrument& instrument, const Ladder& ladder, bool sell) {
    const bool dark = &ladder != &instrument.book.side(sell);
    i64 last = 0;
    bool first = true;
    for (u32 id = ladder.best_level(); id != kNone; id = ladder.after(state_.pages, id)) {
      const i64 key = state_.pages.key_of_level(id);
      QC_ASSERT(first ? key == ladder.best_key() : key > last);
      QC_ASSERT(ladder.place(state_.pages, key).level == id);
      level(slot, instrument, sell, dark, id, ticks_of(sell, key));
      last = key;
      first = false;
      ++levels_;
    }
    bitmaps(ladder);
  }

  /// What is true of a live order wherever it is.
  void order_of_book(u32 slot, u32 instrument, const Instrument& definition) {
    QC_ASSERT(slot < seen_.size() && seen_[slot] == 0);
    seen_[slot] = 1;
    const OrderNode& node = state_.orders.node(slot);
    const OrderRecord& order = state_.orders.record(slot);
    QC_ASSERT((node.flags & kOrderLive) != 0 && (node.flags & kOrderListed) != 0);
    QC_ASSERT(node.instrument == instrument);
    QC_ASSERT(node.leaves > 0 && leaves_of(state_, slot) <= order.quantity);
    QC_ASSERT((order.extra != kNone) == ((node.flags & kOrderRare) != 0));
    if (order.extra != kNone) {
      QC_ASSERT(state_.extras[order.extra].reserve >= 0 && state_.extras[order.extra].slot == slot);
      ++rare_;
    }
    if (!state_.accounting()) return;
    QC_ASSERT(order.hold == hold_now(state_, slot));
    balance_of(order, node, definition);
    if ((node.flags & kOrderBudget) != 0) {
      const OrderSums& sums = state_.orders.sums(slot);
      QC_ASSERT(sums.moved + sums.charged + order.hold <= state_.extra_of(slot).terms.budget);
    }
  }

  void level(u32 instrument, const Instrument& definition, bool sell, bool dark, u32 id,
             i64 price) {
    const Level& level = state_.pages.level(id);
    QC_ASSERT(level.head != kNone && level.lots > 0);
    i128 lots = 0;
    u32 previous = kNone;
    for (u32 slot = level.head; slot != kNone; slot = state_.orders.node(slot).next) {
      order_of_book(slot, instrument, definition);
      const OrderNode& node = state_.orders.node(slot);
      QC_ASSERT(node.level == id && node.prev == previous && is_sell(node) == sell);
      QC_ASSERT(state_.orders.record(slot).price == price && (node.flags & kOrderWaits) == 0);
      QC_ASSERT(definition.terms.status != kContinuous || (node.flags & kOrderNeverRests) == 0);
      QC_ASSERT(((node.flags & kOrderDark) != 0) == dark);
      if (dark) ++dark_;
      if ((node.flags & kOrderIceberg) != 0) ++icebergs_;
      lots += node.leaves;
      previous = slot;
    }
    QC_ASSERT(level.tail == previous && lots == level.lots);
  }

  /// The auction orders of an instrument, and those of them that wait.
  void calls(u32 i, const Instrument& instrument) {
    const RareBook& rare = state_.rare_books[i];
    const u8 status = instrument.terms.status;
    u32 previous = kNone;
    u32 crossing = 0;
    for (u32 slot = rare.first_call; slot != kNone; slot = extra(slot).next_call) {
      const OrderNode& node = state_.orders.node(slot);
      const OrderRecord& order = state_.orders.record(slot);
      QC_ASSERT(node.instrument == i && (node.flags & kOrderRare) != 0);
      QC_ASSERT(extra(slot).prev_call == previous);
      QC_ASSERT(previous == kNone || state_.orders.record(previous).sequence <= order.sequence);
      QC_ASSERT(((node.flags & kOrderWaits) != 0) == (node.level == kNone));
      if (extra(slot).crossed_at != 0) ++crossing;
      const bool asleep = status != kContinuous && !gathers(status);  // nobody is seated then
      QC_ASSERT(node.level != kNone || asleep || waits_in(status, extra(slot).time_in_force));
      previous = slot;
    }
    QC_ASSERT(rare.last_call == previous);
    for (const u32 side : {0U, 1U}) {
      previous = kNone;
      for (u32 slot = rare.first_cross[side]; slot != kNone; slot = extra(slot).next_cross) {
        QC_ASSERT(extra(slot).crossed_at != 0 && extra(slot).prev_cross == previous);
        QC_ASSERT(is_sell(state_.orders.node(slot)) == (side == 1) && status == kClosingCross);
        previous = slot;
        --crossing;
      }
      QC_ASSERT(rare.last_cross[side] == previous);
    }
    QC_ASSERT(crossing == 0);
  }

  /// Phase, limit state and what ends by time.
  void regime(u32 i, const Instrument& instrument) const {
    const RareBook& rare = state_.rare_books[i];
    const u8 status = instrument.terms.status;
    QC_ASSERT(((instrument.rare & kRarePhase) != 0) == (status != kContinuous));
    QC_ASSERT((is_call(status) || rare.indicative == Indicative{}));
    QC_ASSERT(!rare.ends_by_time || status == kVolatilityCall);
    QC_ASSERT((rare.due_place_plus_1 != 0) == (rare.limit_side != 0 || rare.ends_by_time));
    QC_ASSERT(rare.due_place_plus_1 == 0 || state_.due[rare.due_place_plus_1 - 1] == i);
    if (rare.limit_side == 0) return;
    const bool sell = rare.limit_side == kSell;
    QC_ASSERT(status == kContinuous && instrument.book.stands(sell));
    QC_ASSERT(instrument.book.best(sell) == rare.limit_edge);
  }

  const Extra& extra(u32 slot) const { return state_.extras[state_.orders.record(slot).extra]; }

  /// Whether an order is among the pegs of its instrument.
  bool in_pegs(u32 slot) const {
    const RareBook& rare = state_.rare_books[state_.orders.node(slot).instrument];
    return rare.first_peg == slot || state_.extra_of(slot).prev_peg != kNone;
  }

  /// What is in no book waits for its parent, its auction, its reference, or for a price: then it
  /// is in its heap or in the queue, and no trigger that is met waits.
  void waiting() {
    std::vector<u32> fired(state_.instrument_count, 0);
    std::vector<u32> unfired(state_.instrument_count, 0);
    u32 trailing = 0;
    for (u32 slot = 0; slot < seen_.size(); ++slot) {
      const OrderNode& node = state_.orders.node(slot);
      if ((node.flags & kOrderWaits) == 0) {
        QC_ASSERT((node.flags & kOrderForPrice) == 0);
        continue;
      }
      order_of_book(slot, node.instrument, state_.instruments[node.instrument]);
      QC_ASSERT(node.level == kNone && (node.flags & kOrderRare) != 0);
      const bool for_reference = in_pegs(slot);
      const bool for_auction = state_.extra_of(slot).in_calls != 0;
      const bool for_price = (node.flags & kOrderForPrice) != 0;
      QC_ASSERT(u32{for_reference} + u32{for_auction} + u32{for_price} +
                    u32{waits_for_parent(state_, slot)} ==
                1);
      if (!for_price) continue;
      const Extra& extra = state_.extra_of(slot);
      ++(extra.fired_at != 0 ? fired : unfired)[node.instrument];
      if (extra.fired_at == 0 && is_trailing(extra.type)) ++trailing;
    }
    for (u32 i = 0; i < state_.instrument_count; ++i) {
      const Instrument& instrument = state_.instruments[i];
      const RareBook& rare = state_.rare_books[i];
      QC_ASSERT(rare.waiting_count == unfired[i]);
      QC_ASSERT(((instrument.rare & kRareTriggers) != 0) == (fired[i] + unfired[i] != 0));
      QC_ASSERT(!rare.printed || rare.waiting_count != 0);
      for (u32 row = rare.fired_first; row != kNone; row = state_.extras[row].next_fired) {
        QC_ASSERT(fired[i]-- != 0);
      }
      QC_ASSERT(fired[i] == 0);
      QC_ASSERT(rare.fired_first == kNone || instrument.terms.status != kContinuous);
      heaps(instrument, rare, unfired[i], trailing);
    }
    QC_ASSERT(trailing == 0);
  }

  void heaps(const Instrument& instrument, const RareBook& rare, u32 unfired, u32& trailing) {
    for (u8 source = 0; source < kTriggerSources; ++source) {
      for (const bool sell : {false, true}) {
        const Waiting& w = rare.waiting[source][sell ? 1 : 0];
        const i64 now = watched(state_, instrument, sell, source);
        const i64 price = instrument.terms.status == kContinuous ? now : 0;
        for (const auto& [top, above] :
             {std::pair{w.stops, !sell}, {w.touched, sell}, {w.trailing, !sell}}) {
          unfired -= visit_heap(state_.stop_heaps, top, [&](u32 row, u32 up) {
            const i64 key = key_of(above, state_.extras[row].terms.stop_price);
            QC_ASSERT(up == kNone || key_of(above, state_.extras[up].terms.stop_price) <= key);
            QC_ASSERT(price == 0 || key > key_of(above, price));
          });
        }
        trailing -= visit_heap(state_.extreme_heaps, w.extremes, [&](u32 row, u32 up) {
          const i64 key = key_of(sell, state_.extras[row].extreme);
          QC_ASSERT(up == kNone || key_of(sell, state_.extras[up].extreme) <= key);
          QC_ASSERT(price == 0 || key >= key_of(sell, price));
        });
      }
    }
    QC_ASSERT(unfired == 0);
  }

  void balance_of(const OrderRecord& order, const OrderNode& node, const Instrument& instrument) {
    const Position& position = state_.positions[order.position];
    const Balance& base = state_.accounts.balance(position.base_balance);
    const Balance& quote = state_.accounts.balance(position.quote_balance);
    QC_ASSERT(order.held_balance ==
              (is_sell(node) ? position.base_balance : position.quote_balance));
    QC_ASSERT(base.account == node.account && quote.account == node.account);
    QC_ASSERT(base.currency == instrument.base && quote.currency == instrument.quote);
    held_[order.held_balance] += order.hold;
  }

  void bitmaps(const Ladder& ladder) {
    for (u32 w = 0; w < ladder.window_count(); ++w) {
      const DirectoryEntry& entry = ladder.entry(state_.pages, w);
      const Window& window = state_.pages.windows[entry.window];
      QC_ASSERT(window.number == entry.number && window.top != 0);
      QC_ASSERT(w == 0 || ladder.entry(state_.pages, w - 1).number < entry.number);
      for (u32 m = 0; m < 64; ++m) {
        QC_ASSERT((window.middle[m] != 0) == ((window.top >> m & 1) != 0));
        for (u32 b = 0; b < 64; ++b) {
          const u32 leaf = window.leaf_plus_1[m * 64 + b];
          QC_ASSERT((leaf != 0) == ((window.middle[m] >> b & 1) != 0));
          if (leaf == 0) continue;
          const Leaf& page = state_.pages.leaves[leaf - 1];
          QC_ASSERT(page.bits != 0 && page.window == entry.window && page.position == m * 64 + b);
          bits_ += static_cast<u64>(std::popcount(page.bits));
          ++leaves_;
        }
      }
      ++windows_;
    }
  }

  void slots() {
    u32 live = 0;
    for (u32 slot = 0; slot < seen_.size(); ++slot) {
      const bool taken = (state_.orders.node(slot).flags & kOrderLive) != 0;
      QC_ASSERT(taken == (seen_[slot] == 1));
      if (taken) ++live;
    }
    QC_ASSERT(live == state_.orders.slots().live());
    u32 free = 0;
    for (u32 slot = state_.orders.slots().first_free(); slot != kNone;
         slot = state_.orders.slots().next_free(slot)) {
      QC_ASSERT(seen_[slot] == 0);
      seen_[slot] = 2;
      ++free;
    }
    QC_ASSERT(free == state_.orders.slots().free_count());
  }

  void pages() {
    QC_ASSERT(leaves_ == state_.pages.leaves.live() && windows_ == state_.pages.windows.live());
    QC_ASSERT(bits_ == levels_);
    QC_ASSERT(rare_ == state_.extras.live());
  }

  const State& state_;
  std::vector<u8> seen_;    // 1 queued, 2 free
  std::vector<i128> held_;  // what orders hold, by balance row
  u32 dark_ = 0;            // of the instrument at hand
  u32 icebergs_ = 0;
  u64 levels_ = 0;
  u64 bits_ = 0;
  u32 leaves_ = 0;
  u32 windows_ = 0;
  u32 rare_ = 0;
};

}  // namespace

void Engine::check() const { Walk(*state_).run(); }

}  // namespace quantumcore
