#include "quantumcore/commands.hpp"
#include "quantumcore/phases.hpp"
#include "quantumcore/rare.hpp"

namespace quantumcore {

namespace {

/// The best shown price of orders that are no pegs, ticks; 0: none.
i64 unpegged_best(const State& state, const Instrument& instrument, bool sell) {
  const Ladder& ladder = instrument.book.side(sell);
  for (u32 level = ladder.best_level(); level != kNone; level = ladder.after(state.pages, level)) {
    for (u32 slot = state.pages.level(level).head; slot != kNone;
         slot = state.orders.node(slot).next) {
      if ((state.orders.node(slot).flags & kOrderPeg) == 0) {
        return ticks_of(sell, state.pages.key_of_level(level));
      }
    }
  }
  return 0;
}

i64 best_or_none(const Instrument& instrument, bool sell) {
  return instrument.book.stands(sell) ? instrument.book.best(sell) : 0;
}

PegView view_of(const State& state, const Instrument& instrument) {
  return {unpegged_best(state, instrument, false),
          unpegged_best(state, instrument, true),
          best_or_none(instrument, false),
          best_or_none(instrument, true),
          instrument.terms.min_price,
          instrument.terms.max_price};
}

/// What a peg follows, ticks; 0: it is not there.
i64 reference_of(const PegView& view, u8 peg, bool sell) {
  if (peg == kPegPrimary) return sell ? view.ask : view.bid;
  if (peg == kPegMarket) return sell ? view.bid : view.ask;
  if (view.bid == 0 || view.ask == 0) return 0;
  const u64 sum = static_cast<u64>(view.bid) + static_cast<u64>(view.ask);
  return static_cast<i64>(sum / 2 + (sell ? sum % 2 : 0));  // away from the other side
}

/// Where a peg would go if there is room: reference and offset, inside bounds and cap, a tick
/// before the other side; 0: nowhere.
i64 wish_of(const Instrument& instrument, const PegView& view, const Extra& extra, bool sell) {
  const i64 reference = reference_of(view, extra.terms.peg, sell);
  if (reference == 0) return 0;
  const InstrumentTerms& terms = instrument.terms;
  i128 price = static_cast<i128>(reference) + extra.terms.offset;
  price = std::min<i128>(std::max<i128>(price, terms.min_price), terms.max_price);
  const i64 facing = best_or_none(instrument, !sell);
  if (sell) {
    price = std::max<i128>(price, extra.cap);
    if (facing != 0) price = std::max<i128>(price, static_cast<i128>(facing) + 1);
    return price <= terms.max_price ? static_cast<i64>(price) : 0;
  }
  price = std::min<i128>(price, extra.cap);
  if (facing != 0) price = std::min<i128>(price, facing - 1);
  return price >= terms.min_price ? static_cast<i64>(price) : 0;
}

/// Amounts, level and window have bounds, and a move cannot be refused.
bool may_stand(const State& state, const Instrument& instrument, u32 slot, i64 price) {
  const bool sell = is_sell(state.orders.node(slot));
  if (sell && !bears(state, instrument, slot, price)) return false;
  const i64 shown = first_shown(state.extra_of(slot), leaves_of(state, slot));
  return has_room(state, instrument, sell, price, shown);
}

/// As peg_target; `crowded` is set when only room is missing.
i64 target_of(const State& state, const Instrument& instrument, const PegView& view, u32 slot,
              bool& crowded) {
  const OrderNode& node = state.orders.node(slot);
  const i64 price = wish_of(instrument, view, state.extra_of(slot), is_sell(node));
  if (price == 0) return 0;
  const bool there = (node.flags & kOrderWaits) == 0 && price == state.orders.record(slot).price;
  if (there || may_stand(state, instrument, slot, price)) return price;
  crowded = true;
  return 0;
}

/// Takes a peg to `price`, or out of the book when it is 0.
void go(State& state, const Instrument& instrument, u32 slot, i64 price, Teller& teller) {
  OrderNode& node = state.orders.node(slot);
  OrderRecord& order = state.orders.record(slot);
  const u64 account = state.accounts[node.account].id;
  const bool waited = (node.flags & kOrderWaits) != 0;
  leave_book(state, slot);
  if (price == 0) {
    await_reference(state, slot);
    tell_waits(state, slot, kNoReference, teller);
    return;
  }
  order.price = price;
  rest_shown(state, slot);
  if (!waited) {
    tell_replaced(state, slot, ReplaceReason::followed, false, teller);
    return;
  }
  OrderEntered& event = teller.tell<OrderEntered>(instrument.id, account);
  event.order_sequence = order.sequence;
  event.price = price;
  event.leaves = leaves_of(state, slot);
  event.shown = node.leaves;
  event.order_slot = slot;
}

}  // namespace

void link_peg(State& state, u32 slot) {
  Instrument& instrument = state.instruments[state.orders.node(slot).instrument];
  RareBook& rare = state.rare_of(instrument);
  u32 before = rare.last_peg;  // new orders come last; those that waited for their parent walk
  while (before != kNone && is_submitted_later(state, before, slot)) {
    before = state.extra_of(before).prev_peg;
  }
  Extra& extra = state.extra_of(slot);
  extra.prev_peg = before;
  extra.next_peg = before == kNone ? rare.first_peg : state.extra_of(before).next_peg;
  (before == kNone ? rare.first_peg : state.extra_of(before).next_peg) = slot;
  (extra.next_peg == kNone ? rare.last_peg : state.extra_of(extra.next_peg).prev_peg) = slot;
  instrument.rare |= kRarePegs;
  rare.pegs_at_home = false;
}

void unlink_peg(State& state, u32 slot) {
  Instrument& instrument = state.instruments[state.orders.node(slot).instrument];
  RareBook& rare = state.rare_of(instrument);
  const Extra& extra = state.extra_of(slot);
  if (extra.prev_peg == kNone && rare.first_peg != slot) return;  // it still waits for its parent
  (extra.prev_peg == kNone ? rare.first_peg : state.extra_of(extra.prev_peg).next_peg) =
      extra.next_peg;
  (extra.next_peg == kNone ? rare.last_peg : state.extra_of(extra.next_peg).prev_peg) =
      extra.prev_peg;
  if (rare.first_peg == kNone) instrument.rare &= ~kRarePegs;
}

void await_reference(State& state, u32 slot) {
  OrderNode& node = state.orders.node(slot);
  node.flags |= kOrderWaits;
  state.orders.record(slot).price = state.extra_of(slot).cap;
  state.rare_of(state.instruments[node.instrument]).pegs_at_home = false;
}

i64 peg_target(const State& state, const Instrument& instrument, u32 slot) {
  bool crowded = false;
  return target_of(state, instrument, view_of(state, instrument), slot, crowded);
}

bool move_pegs(State& state, Instrument& instrument, Teller& teller) {
  RareBook& rare = state.rare_of(instrument);
  const PegView view = view_of(state, instrument);
  if (rare.pegs_at_home && rare.pegs_saw == view) return false;
  bool moved = false;
  bool crowded = false;
  for (u32 slot = rare.first_peg; slot != kNone; slot = state.extra_of(slot).next_peg) {
    const i64 price = target_of(state, instrument, view, slot, crowded);
    const bool waits = (state.orders.node(slot).flags & kOrderWaits) != 0;
    if (price == (waits ? 0 : state.orders.record(slot).price)) continue;
    go(state, instrument, slot, price, teller);
    moved = true;
  }
  rare.pegs_at_home = !moved && !crowded;
  rare.pegs_saw = view;
  return moved;
}

}  // namespace quantumcore
