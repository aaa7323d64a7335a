#include "quantumcore/commands.hpp"

/// Who of a level gets what, when an order takes only part of it (docs/reference/orders.md
/// section 8).
namespace quantumcore {

namespace {

/// lots × own / whole, rounded down; own <= whole.
i64 in_proportion(i64 lots, i64 own, i64 whole) {
  const u128 product = static_cast<u128>(static_cast<u64>(lots)) * static_cast<u64>(own);
  return static_cast<i64>(product / static_cast<u64>(whole));
}

}  // namespace

u32 share_out(State& state, const Instrument& instrument, u32 taker, u32 level, i64 wanted) {
  const OrderNode& node = state.orders.node(taker);
  if ((node.flags & kOrderFillOrKill) != 0) return 0;  // which must know beforehand what it gets
  const u32 other = sibling(state, taker);
  const bool prevents = stp_of(node) != kStpNone;
  u32 count = 0;
  i64 whole = 0;
  for (u32 slot = state.pages.level(level).head; slot != kNone;
       slot = state.orders.node(slot).next) {
    const OrderNode& maker = state.orders.node(slot);
    if (slot == other || (prevents && state.same_party(maker.account, node.account))) continue;
    state.parts[count++] = Part{slot, 0, maker.leaves};
    whole += maker.leaves;
  }
  if (wanted >= whole) return 0;
  i64 lots = wanted;
  u32 first = 0;
  if (state.rare_of(instrument).rules.allocation == kTopFirst) {
    Part& top = state.parts[0];
    whole -= top.lots;
    top.lots = top.lots < lots ? top.lots : lots;
    lots -= top.lots;
    first = 1;
  }
  i64 left = lots;
  for (u32 i = first; i < count; ++i) {
    state.parts[i].lots = in_proportion(lots, state.parts[i].lots, whole);
    left -= state.parts[i].lots;
  }
  // Fewer than there are orders, and each has more than its floor: one more lot fits everywhere.
  for (u32 i = first; left > 0; ++i, --left) ++state.parts[i].lots;
  return count;
}

}  // namespace quantumcore
