#include "quantumcore/hold_ids.hpp"

namespace quantumcore {

namespace {

/// Orders rows by the instant at which they end, then by the command that placed them.
struct ByEnd {
  const HoldIds& holds;

  bool operator()(u32 a, u32 b) const {
    return holds[a].expires_ns != holds[b].expires_ns ? holds[a].expires_ns < holds[b].expires_ns
                                                      : holds[a].sequence < holds[b].sequence;
  }
};

}  // namespace

u32 HoldIds::find_placed(u64 sequence) const {
  const HoldIds& holds = *this;
  u32 low = 0;
  u32 high = count();
  while (low < high) {
    const u32 middle = low + (high - low) / 2;
    if (holds[middle].sequence < sequence) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const bool found = low < count() && holds[low].sequence == sequence;
  return found && holds[low].failed == 0 ? low : kNone;
}

u32 HoldIds::remember(const Hold& entry) {
  const u32 row = IdTable::remember(entry);
  if (entry.ends()) ends_.add(next_end_, row, ByEnd{*this});
  return row;
}

void HoldIds::change(u32 row, i64 placed, i64 captured, i64 released) {
  Hold& hold = at(row);
  const bool ended = hold.ends();
  hold.placed += placed;
  hold.captured += captured;
  hold.released += released;
  QC_ASSERT(hold.open() >= 0);
  if (ended && !hold.ends()) ends_.remove(next_end_, row, ByEnd{*this});
}

}  // namespace quantumcore
