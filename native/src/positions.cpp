#include <algorithm>

#include "quantumcore/commands.hpp"
#include "quantumcore/rare.hpp"

/// Positions, and orders that may only bring one nearer to zero (docs/reference/orders.md
/// section 6).
namespace quantumcore {

namespace {

/// Lots of a side that bring a position to zero.
i128 most_of(const Position& position, bool sell) {
  return std::max<i128>(0, sell ? position.lots : -position.lots);
}

/// Visits the working orders of a position and side that count, oldest first, with what each keeps
/// of `most`; returns what is left of `most`. The two of a pair keep the same lots: only one of
/// them can trade. They were accepted one after the other, so they follow each other here too.
template <class Counts, class Visit>
i128 share_out_counted(const State& state, const Position& position, bool sell, i128 most,
                       Counts&& counts, Visit&& visit) {
  u32 before = kNone;
  i128 kept_before = 0;
  for (u32 slot = state.accounts[position.account].first_order; slot != kNone;
       slot = state.orders.links(slot).next) {
    const OrderNode& node = state.orders.node(slot);
    if (!counts(slot) || node.instrument != position.instrument || is_sell(node) != sell ||
        leaves_of(state, slot) == 0) {
      continue;
    }
    const bool paired = before != kNone && sibling(state, slot) == before;
    const i128 common = paired ? kept_before : 0;
    const i128 keeps = std::min<i128>(leaves_of(state, slot), most + common);
    most -= std::max<i128>(0, keeps - common);
    visit(slot, static_cast<i64>(keeps));
    before = slot;
    kept_before = keeps;
  }
  return most;
}

/// The same of the reduce-only orders.
template <class Visit>
i128 share_out_room(const State& state, const Position& position, bool sell, i128 most,
                    Visit&& visit) {
  const auto reduces = [&](u32 slot) {
    return (state.orders.node(slot).flags & kOrderReduceOnly) != 0;
  };
  return share_out_counted(state, position, sell, most, reduces, visit);
}

void trim_side(State& state, const Position& position, bool sell, Teller& teller) {
  u32 count = 0;
  share_out_room(state, position, sell, most_of(position, sell),
                 [&](u32 slot, i64 keeps) { state.kept[count++] = Kept{slot, 0, keeps}; });
  while (count-- != 0) {
    const Kept kept = state.kept[count];
    const OrderNode& node = state.orders.node(kept.slot);
    if ((node.flags & kOrderLive) == 0) continue;  // it ended with the other of its pair
    if (kept.lots == 0) {
      cancel_order(state, kept.slot, CancelReason::reduce_only, teller);
    } else if (kept.lots < leaves_of(state, kept.slot)) {
      lower(state, kept.slot, leaves_of(state, kept.slot) - kept.lots);
      if (state.accounting()) set_hold(state, kept.slot, hold_now(state, kept.slot));
      state.touch(state.instruments[node.instrument]);
      tell_replaced(state, kept.slot, ReplaceReason::trimmed, true, teller);
    }
  }
}

}  // namespace

i128 reducing_room(const State& state, u32 account, u32 instrument, bool sell, u32 besides) {
  const u32 row = state.positions.find(account, instrument);
  if (row == kNone) return 0;
  const Position& position = state.positions[row];
  const i128 most = most_of(position, sell);
  if (position.reducing == 0) return most;
  // The two of a pair follow each other, so leaving both out gives back the larger.
  const u32 other = besides == kNone ? kNone : sibling(state, besides);
  i64 given_back = 0;
  const i128 left = share_out_room(state, position, sell, most, [&](u32 slot, i64 keeps) {
    if (slot == besides || (slot == other && other != kNone)) {
      given_back = std::max(given_back, keeps);
    }
  });
  return left + given_back;
}

i128 closing_room(const State& state, u32 account, u32 instrument, bool sell,
                  const Besides& besides) {
  const u32 row = state.positions.find(account, instrument);
  if (row == kNone) return 0;
  const Position& position = state.positions[row];
  const auto counts = [&](u32 slot) { return slot != besides.first && slot != besides.second; };
  return share_out_counted(state, position, sell, most_of(position, sell), counts, [](u32, i64) {});
}

i128 reducing_over(const State& state, u32 row, bool sell) {
  const Position& position = state.positions[row];
  constexpr i128 kPlenty = i128{1} << 120;
  const i128 left = share_out_room(state, position, sell, kPlenty, [](u32, i64) {});
  return kPlenty - left - most_of(position, sell);
}

bool judge_reduce_only(const Instrument& instrument, i128 room, i64 lots, Refusal& why) {
  if (lots <= room) return true;
  const Grid grid = instrument.lot_grid();
  return why.no(Reason::reduce_only, Scope::account, grid.scale, room * grid.step,
                static_cast<i128>(lots) * grid.step);
}

void trim(State& state, u32 row, Teller& teller) {
  const Position& position = state.positions[row];
  if (position.reducing == 0) [[likely]] {
    return;
  }
  trim_side(state, position, false, teller);
  trim_side(state, position, true, teller);
}

void count_reducing(State& state, u32 account, u32 instrument, i32 change) {
  const u32 row = state.positions.find(account, instrument);
  QC_ASSERT(row != kNone);
  RareBook& book = state.rare_books[instrument];
  state.positions[row].reducing += static_cast<u32>(change);
  book.reducing += static_cast<u32>(change);
  u32& rare = state.instruments[instrument].rare;
  rare = book.reducing != 0 ? rare | kRareReducing : rare & ~kRareReducing;
}

}  // namespace quantumcore
