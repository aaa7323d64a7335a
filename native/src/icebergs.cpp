#include "quantumcore/hash.hpp"
#include "quantumcore/rare.hpp"

namespace quantumcore {

namespace {

/// What a refill wants to show: the display less a number that only who knows the seed foresees.
i64 next_display(const OrderRecord& order, const Extra& extra, u32 slot) {
  const OrderTerms& terms = extra.terms;
  const u64 drawn = mum(terms.seed ^ kHash1 ^ order.sequence,
                        kHash2 ^ (slot + (static_cast<u64>(extra.refills) << 32)));
  return terms.display - static_cast<i64>(drawn % (static_cast<u64>(terms.display_range) + 1));
}

}  // namespace

void rest_shown(State& state, u32 slot) {
  OrderNode& node = state.orders.node(slot);
  Instrument& instrument = state.instruments[node.instrument];
  if ((node.flags & kOrderIceberg) != 0) {
    Extra& extra = state.extra_of(slot);
    const i64 shown = first_shown(extra, node.leaves);
    extra.reserve = node.leaves - shown;
    node.leaves = shown;
    instrument.rare |= kRareIcebergs;
    ++state.rare_of(instrument).icebergs;
  }
  instrument.book.append(state.pages, state.orders, slot, is_sell(node),
                         state.orders.record(slot).price);
}

void shrink(State& state, u32 slot, i64 lots) {
  OrderNode& node = state.orders.node(slot);
  if ((node.flags & kOrderIceberg) != 0) {
    Extra& extra = state.extra_of(slot);
    const i64 given = std::min(extra.reserve, lots);
    extra.reserve -= given;
    lots -= given;
    if (lots == 0) return;
  }
  if (node.level != kNone) {
    Book::reduce(state.pages, node, lots);
  } else {
    node.leaves -= lots;
  }
}

void refill(State& state, u32 slot, Teller& teller) {
  OrderNode& node = state.orders.node(slot);
  const OrderRecord& order = state.orders.record(slot);
  Extra& extra = state.extra_of(slot);
  Instrument& instrument = state.instruments[node.instrument];
  const bool sell = is_sell(node);
  instrument.book.remove(state.pages, state.orders, slot);
  ++extra.refills;
  const Ladder::Place place =
      instrument.book.side(sell).place(state.pages, key_of(sell, order.price));
  const i64 there = place.level == kNone ? 0 : state.pages.level(place.level).lots;
  // A level never counts more than it can: there is room for what has just left it.
  node.leaves = std::min({next_display(order, extra, slot), extra.reserve, kMaxI64 - there});
  extra.reserve -= node.leaves;
  instrument.book.append(state.pages, state.orders, slot, sell, order.price, place.level);
  OrderRefilled& event = teller.tell<OrderRefilled>(instrument.id, state.accounts[node.account].id);
  event.order_sequence = order.sequence;
  event.shown = node.leaves;
  event.leaves = leaves_of(state, slot);
  event.order_slot = slot;
  event.refills = extra.refills;
}

}  // namespace quantumcore
