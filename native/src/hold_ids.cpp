#include "quantumcore/hold_ids.hpp"

namespace quantumcore {

namespace {

/// Orders rows by the instant at which they end, then by the command that placed them.
template <class Entries>
struct ByEnd {
  const Entries& entries;

  bool operator()(u32 a, u32 b) const {
    return entries[a].expires_ns != entries[b].expires_ns
               ? entries[a].expires_ns < entries[b].expires_ns
               : entries[a].sequence < entries[b].sequence;
  }
};

}  // namespace

u32 HoldIds::find_placed(u64 sequence) const {
  u32 low = 0;
  u32 high = entries_.used();
  while (low < high) {
    const u32 middle = low + (high - low) / 2;
    if (entries_[middle].sequence < sequence) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const bool found = low < entries_.used() && entries_[low].sequence == sequence;
  return found && entries_[low].failed == 0 ? low : kNone;
}

u32 HoldIds::remember(const Hold& entry) {
  const u32 row = entries_.acquire();
  entries_[row] = entry;
  by_id_.insert(id_tag(entry.account, entry.hold_id), row);
  if (entry.ends()) ends_.add(next_end_, row, ByEnd{entries_});
  return row;
}

void HoldIds::change(u32 row, i64 placed, i64 captured, i64 released) {
  Hold& hold = entries_[row];
  const bool ended = hold.ends();
  hold.placed += placed;
  hold.captured += captured;
  hold.released += released;
  QC_ASSERT(hold.open() >= 0);
  if (ended && !hold.ends()) ends_.remove(next_end_, row, ByEnd{entries_});
}

}  // namespace quantumcore
