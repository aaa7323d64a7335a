#include "quantumcore/client_ids.hpp"

namespace quantumcore {

u32 id_tag(u32 account, const char (&id)[kIdBytes]) {
  const IdWords w = words_of(id);
  const u64 a = mum(w.a ^ kHash1, w.b ^ kHash2);
  const u64 b = mum(w.c ^ kHash3, w.d ^ kHash0);
  const u64 h = mum(a ^ b ^ kHash1, (w.e | (static_cast<u64>(account) << 32)) ^ kHash2);
  return static_cast<u32>(h ^ (h >> 32));
}

u32 ClientIds::remember(u32 tag, u32 account, u64 sequence, const char (&id)[kIdBytes], Fate fate) {
  const u32 slot = entries_.acquire();
  Submission& entry = entries_[slot];
  entry.sequence = sequence;
  entry.account = account;
  entry.tag = tag;
  std::memcpy(entry.client_id, id, kIdBytes);
  endings_[slot] = Ending{static_cast<u32>(sequence), fate, {}};
  by_id_.insert(tag, slot);
  by_sequence_.insert(sequence_tag(sequence), slot);
  link_youngest(slot);
  return slot;
}

void ClientIds::forget(i64 now_ns, i64 age_ns) {
  while (oldest_ != kNone) {
    const u32 slot = oldest_;
    Submission& entry = entries_[slot];
    if (now_ns - entry.time_ns <= age_ns) return;
    unlink(slot);
    if (fate(slot) == Fate::working) {
      entry.time_ns = now_ns;
      link_youngest(slot);
      continue;
    }
    by_id_.erase(entry.tag, slot);
    by_sequence_.erase(sequence_tag(entry.sequence), slot);
    if (entry.terms != kNone) terms_.release(entry.terms);
    entries_.release(slot);
  }
}

void ClientIds::link_youngest(u32 slot) {
  entries_[slot].older = youngest_;
  entries_[slot].younger = kNone;
  if (youngest_ == kNone) {
    oldest_ = slot;
  } else {
    entries_[youngest_].younger = slot;
  }
  youngest_ = slot;
}

void ClientIds::unlink(u32 slot) {
  const u32 older = entries_[slot].older;
  const u32 younger = entries_[slot].younger;
  if (older == kNone) {
    oldest_ = younger;
  } else {
    entries_[older].younger = younger;
  }
  if (younger == kNone) {
    youngest_ = older;
  } else {
    entries_[younger].older = older;
  }
}

}  // namespace quantumcore
