#include "quantumcore/commands.hpp"
#include "quantumcore/phases.hpp"
#include "quantumcore/rare.hpp"

namespace quantumcore {

namespace {

/// Whether anything of the other side, seen or not, is within the price of an order.
bool crosses_anything(const State& state, const Instrument& instrument, bool sell, i64 price) {
  if (instrument.book.crosses(!sell, price)) return true;
  const Ladder& dark = state.rare_of(instrument).dark[sell ? 0 : 1];
  return !dark.empty() && dark.best_key() <= key_of(!sell, price);
}

/// It was judged by what stood there when it came; a bid may be far above a sell by now.
bool amounts_fit(const State& state, const Instrument& instrument, u32 slot) {
  const OrderNode& node = state.orders.node(slot);
  if (!state.accounting() || !is_sell(node)) return true;
  const i64 price = dearest_price(state, instrument, true, state.orders.record(slot).price);
  return bears(state, instrument, slot, price);
}

bool can_take(const State& state, const Instrument& instrument, u32 slot) {
  if (!amounts_fit(state, instrument, slot)) return false;
  if ((state.orders.node(slot).flags & kOrderMinimum) == 0) return meets_anybody(state, slot);
  const i64 minimum = minimum_of(state, slot);
  return could_have(state, slot, minimum, kMostMet).lots >= minimum;
}

}  // namespace

u32 ready_in_the_dark(const State& state, const Instrument& instrument) {
  for (const bool sell : {false, true}) {
    const Ladder& ladder = state.rare_of(instrument).dark[sell ? 1 : 0];
    u32 looked_at = 0;
    for (DarkWalk walk(state, ladder); walk.slot != kNone && looked_at < kMostRetries;
         walk = walk.next(state, ladder), ++looked_at) {
      const i64 price = ticks_of(sell, state.pages.key_of_level(walk.level));
      if (!crosses_anything(state, instrument, sell, price)) break;
      if (can_take(state, instrument, walk.slot)) return walk.slot;
    }
  }
  return kNone;
}

bool retry_dark(State& state, Instrument& instrument, Teller& teller) {
  const u32 slot = ready_in_the_dark(state, instrument);
  if (slot == kNone) return false;
  leave_book(state, slot);
  work_rare(state, slot, kNone, teller);
  return true;
}

}  // namespace quantumcore
