#pragma once

#include "quantumcore/advanced.hpp"
#include "quantumcore/commands.hpp"
#include "quantumcore/state.hpp"

/// The life of orders that are not plain, and of plain ones that meet them
/// (docs/reference/orders.md sections 4 and 5). Nothing here is on the way of a plain order in a
/// plain book.
namespace quantumcore {

// ---- being (rare.cpp) ---------------------------------------------------------------------------

/// Lots that are left of an order, its reserve included.
inline i64 leaves_of(const State& state, u32 slot) {
  const OrderNode& node = state.orders.node(slot);
  if ((node.flags & kOrderIceberg) == 0) [[likely]] {
    return node.leaves;
  }
  return node.leaves + state.extra_of(slot).reserve;
}
/// Whether an order was submitted after another: of one command, the one with the higher slot.
inline bool is_submitted_later(const State& state, u32 a, u32 b) {
  const u64 first = state.orders.record(a).sequence;
  const u64 second = state.orders.record(b).sequence;
  return first != second ? first > second : a > b;
}
/// The worst price at which an order may ever trade, ticks.
inline i64 limit_of(const State& state, u32 slot) {
  const bool peg = (state.orders.node(slot).flags & kOrderPeg) != 0;
  return peg ? state.extra_of(slot).cap : state.orders.record(slot).price;
}
/// How many of `leaves` lots an order shows when it comes to a level.
inline i64 first_shown(const Extra& extra, i64 leaves) {
  return extra.terms.display == 0 ? leaves : std::min(extra.terms.display, leaves);
}
/// What it holds as it stands, by its formula, its budget and its reserve.
i64 rare_hold_now(const State& state, u32 slot);

/// Gives an accepted order its row, and lists it among its account's and where time and positions
/// look for it.
void add_extra(State& state, u32 slot, const Beyond& beyond);
/// Gives an order that a snapshot tells its row; its place is the caller's.
void restore_extra(State& state, u32 slot, const Extra& extra);
/// Puts an order that a snapshot tells into its book again, as it stood.
void restore_place(State& state, u32 slot);
/// Lets an accepted order that has a row take and rest, or wait for what it waits for.
void begin(State& state, u32 slot, Teller& teller);
/// Takes a live order out of wherever it is; all that is left of it are its leaves again.
void leave_book(State& state, u32 slot);
/// Takes back the row of an order that is final and in no book, and the order out of everything
/// that knows it by its row: links, pegs, calls, clocks, positions.
void drop_extra(State& state, u32 slot);
/// Tells the further terms of an order as they stand, and whether it is in a book.
void tell_terms(const State& state, u32 slot, bool waits, Teller& teller);
/// Queues an order at the end of its level: a dark one among the dark, an iceberg with what it
/// shows.
void rest_in_book(State& state, u32 slot);

/// Trades the live order up to its price, shown before dark at each. Returns false when self-trade
/// prevention has ended it.
bool match_rarely(State& state, u32 slot, Teller& teller);

/// What `replace` does to an order that is not plain, and by a command that is not: `more` is that
/// command, or null.
void replace_rarely(State& state, u32 slot, const ReplaceOrder& c, const ReplaceAdvancedOrder* more,
                    const Named& named, Teller& teller);

// ---- icebergs (icebergs.cpp) --------------------------------------------------------------------

/// One taker sets off at most so many refills of an order.
inline constexpr i64 kMostRefills = 1'000;

/// Puts an order at the end of the shown level of its price.
void rest_shown(State& state, u32 slot);
/// Takes `lots`, fewer than are left, from an order: the reserve gives first.
void shrink(State& state, u32 slot, i64 lots);
/// Shows lots again of a resting order that shows none, at the end of its level.
void refill(State& state, u32 slot, Teller& teller);

// ---- what could be had (reach.cpp) --------------------------------------------------------------

/// The least that an order trades at a time, lots.
i64 minimum_of(const State& state, u32 slot);
/// The most of `lots` that the order, after `sums`, can pay for at `price`; all without a budget.
i64 affordable(const State& state, u32 slot, const OrderSums& sums, i64 price, i64 lots);
/// What a buyer may spend, fees included, and what they are.
struct Purse {
  i64 budget;       // minor units of the quote
  i64 rate;         // of a taker, 10^-8
  i64 minimum_fee;  // minor units
  Unit unit;
};
/// Whether it pays for `lots` at `price`, after `sums`.
bool pays_for(const Purse& purse, const OrderSums& sums, i64 price, i64 lots);
/// The most of `lots` that it can pay for at `price`, after `sums`.
i64 most_within(const Purse& purse, const OrderSums& sums, i64 price, i64 lots);
/// Adds a fill that a taker would pay to his sums.
void add_fill(OrderSums& sums, i64 rate, i64 price, i64 lots);
/// Whether a maker still trades when all that was counted before in the walk of State::walks has
/// traded: a fill of an account may trim its reduce-only orders and cancel the other of a pair. If
/// so, it is counted.
bool is_certain(const State& state, u32 maker);

/// Walks the dark orders of one side in priority.
struct DarkWalk {
  u32 level;
  u32 slot;  // kNone: no more

  DarkWalk(const State& state, const Ladder& ladder);
  /// The one behind; to be asked before this one leaves.
  DarkWalk next(const State& state, const Ladder& ladder) const;

 private:
  DarkWalk(u32 l, u32 s) : level(l), slot(s) {}
};

/// What an order would trade at once: `lots` of at most `enough`; spent: its budget would not buy
/// one more where it ends.
struct Reach {
  i64 lots;
  bool spent;
};
/// The same walk as matching, own orders treated as its mode treats them, without a trade, over at
/// most `most` offers. Cost: O(orders met).
Reach could_have(const State& state, u32 taker, i64 enough, u64 most = ~u64{0});
/// So many dark orders one taker passes over; beyond them it meets no more of the dark.
inline constexpr u32 kMostPassed = 256;
/// Whether fill-or-kill would trade whole, or for all of its budget.
bool could_fill(const State& state, u32 taker);
/// Whether it meets anybody.
bool meets_anybody(const State& state, u32 taker);

// ---- the aftermath (dark.cpp, pegs.cpp) ---------------------------------------------------------

/// A book full of what nobody can meet must not slow every command: of one side so many dark orders
/// are looked at, each by so many offers.
inline constexpr u32 kMostRetries = 16;
inline constexpr u64 kMostMet = 256;

/// The first dark order that would trade at once, or kNone: buys, then sells, best price first.
u32 ready_in_the_dark(const State& state, const Instrument& instrument);
/// Lets that order take. Returns whether there was one.
bool retry_dark(State& state, Instrument& instrument, Teller& teller);

/// Keeps a new peg among those of its instrument, in order of submission.
void link_peg(State& state, u32 slot);
void unlink_peg(State& state, u32 slot);
/// Lets a peg wait for the aftermath; meanwhile its price is its cap.
void await_reference(State& state, u32 slot);
/// Where a peg belongs now, ticks; 0: it must wait.
i64 peg_target(const State& state, const Instrument& instrument, u32 slot);
/// Brings each peg to where it belongs. Returns whether any moved. Cost: O(1) when what they follow
/// stands, but for pegs that stand before it; else O(pegs).
bool move_pegs(State& state, Instrument& instrument, Teller& teller);

}  // namespace quantumcore
