#pragma once

#include <cstring>

#include "quantumcore/arena.hpp"
#include "quantumcore/hash.hpp"
#include "quantumcore/hash_index.hpp"
#include "quantumcore/layout.hpp"

namespace quantumcore {

/// What became of a submission.
enum class Fate : u8 { working = 1, filled = 2, cancelled = 3, rejected = 4 };

/// One remembered submission: who, under which id, with which body, and its fate.
struct Submission {
  u64 sequence;
  i64 time_ns;  // of the submission; moved on while the order works
  i64 price;
  i64 quantity;
  u32 account;     // slot
  u32 instrument;  // id
  u32 slot;        // of the order; kNone when it was rejected
  u32 older;
  u32 younger;  // or the arena's free list
  u32 tag;
  u16 flags;
  u8 price_scale;
  u8 quantity_scale;
  u8 side;
  u8 type;
  u8 time_in_force;
  u8 self_trade_prevention;
  char client_id[kIdBytes];
  u32 session;
  u32 terms;  // in ClientIds::terms; kNone: plain. In a snapshot 1 or 0: whether they follow
  Fate fate;  // only in a snapshot; else ClientIds::fate
  u8 reserved[3];

  bool same_plain_body(const SubmitOrder& o) const {
    return instrument == o.header.instrument && price == o.price && quantity == o.quantity &&
           price_scale == o.price_scale && quantity_scale == o.quantity_scale && side == o.side &&
           type == o.type && time_in_force == o.time_in_force &&
           self_trade_prevention == o.self_trade_prevention && flags == o.flags;
  }
};
static_assert(sizeof(Submission) == 112);

/// How a submission ended, apart from the rest of it: so small that those of thousands of working
/// orders stay in a cache, where ending one would otherwise wait for memory.
struct Ending {
  u32 sequence_low;
  Fate fate;
  u8 reserved[3];
};
static_assert(sizeof(Ending) == 8);

/// The further terms of a submission, as sent.
struct SentTerms {
  OrderTerms terms;
  u32 next_free;
  u32 reserved;
};

/// An id as numbers, loaded one by one: what is copied to the stack first and read back in other
/// widths than it was written stalls.
struct IdWords {
  u64 a, b, c, d;
  u32 e;
};

inline IdWords words_of(const char (&id)[kIdBytes]) {
  const std::byte* const bytes = reinterpret_cast<const std::byte*>(id);
  u32 last;
  std::memcpy(&last, bytes + 32, sizeof last);
  return {load_u64(bytes), load_u64(bytes + 8), load_u64(bytes + 16), load_u64(bytes + 24), last};
}

/// A tag of (account, id). The whole key is compared on a match: ids with equal hash stay apart.
u32 id_tag(u32 account, const char (&id)[kIdBytes]);

/// The submissions of the last two days, by (account, client id) and by sequence, and oldest first.
class ClientIds {
 public:
  explicit ClientIds(u32 capacity) : entries_(capacity), endings_(capacity), terms_(capacity) {}

  /// Whether a command would be the same submission again; `terms` null: a plain one.
  bool same_body(u32 entry, const SubmitOrder& o, const OrderTerms* terms) const {
    const Submission& s = entries_[entry];
    if (!s.same_plain_body(o)) return false;
    if (terms == nullptr || s.terms == kNone) return terms == nullptr && s.terms == kNone;
    return std::memcmp(&terms_[s.terms].terms, terms, sizeof *terms) == 0;
  }
  /// Keeps the further terms of a submission; returns the row for Submission::terms.
  u32 keep_terms(const OrderTerms& terms) {
    const u32 row = terms_.acquire();
    terms_[row].terms = terms;
    return row;
  }
  const OrderTerms& terms(u32 row) const { return terms_[row].terms; }
  u32 terms_used() const { return terms_.used(); }
  void fill_terms(u32 count) { terms_.fill(count); }

  u32 find(u32 account, const char (&id)[kIdBytes]) const {
    return find_tagged(id_tag(account, id), account, id);
  }
  u32 find_tagged(u32 tag, u32 account, const char (&id)[kIdBytes]) const {
    return by_id_.find(tag, [&](u32 s) {
      return entries_[s].account == account &&
             std::memcmp(entries_[s].client_id, id, kIdBytes) == 0;
    });
  }
  /// The submission whose order is named (sequence, slot): one act may have submitted several.
  u32 find_order(u64 sequence, u32 slot) const {
    return by_sequence_.find(sequence_tag(sequence), [&](u32 s) {
      return entries_[s].sequence == sequence && entries_[s].slot == slot;
    });
  }
  bool full() const { return entries_.left() == 0; }
  u64 left() const { return entries_.left(); }
  /// Loads where a submission of that tag and sequence will be looked for and remembered.
  void prefetch(u32 tag, u64 sequence) const {
    by_id_.prefetch(tag);
    by_sequence_.prefetch(sequence_tag(sequence));
  }

  /// Loads what remembering the submission of `sequence` will write, beside the search for its id,
  /// and the entry of one soon after it: entries are taken one after the other.
  void prefetch_next(u64 sequence) const {
    by_sequence_.prefetch(sequence_tag(sequence));
    const u32 soon = entries_.used() + kAhead;
    const Submission* const next = &entries_[soon < entries_.capacity() ? soon : 0];
    __builtin_prefetch(next, 1);
    __builtin_prefetch(reinterpret_cast<const std::byte*>(next) + 64, 1);
  }

  /// Loads where the fate of an entry will be written; any number will do.
  void prefetch_entry(u32 entry) const {
    if (entry < entries_.used()) __builtin_prefetch(&endings_[entry], 1);
  }

  /// Makes the youngest entry of (account, client id), whose tag the caller has, and returns it;
  /// the rest of its fields is the caller's to write. Not when full().
  u32 remember(u32 tag, u32 account, u64 sequence, const char (&id)[kIdBytes], Fate fate);
  /// Forgets, oldest first, what is final and older than `age_ns`; a working one met there goes to
  /// the young end with the time of now. Cost: O(forgotten + moved).
  void forget(i64 now_ns, i64 age_ns);

  /// Takes over the submissions and their order of age, not the ways to find one.
  void copy_entries(const ClientIds& other) {
    entries_.copy(other.entries_);
    endings_.copy(other.endings_, other.entries_.used());
    terms_.copy(other.terms_);
    oldest_ = other.oldest_;
    youngest_ = other.youngest_;
  }
  void fill(u32 count) {
    entries_.fill(count);
    endings_.fill(count);
  }
  u32 used() const { return entries_.used(); }
  /// Takes the memory of `count` submissions now.
  void reserve(u32 count) {
    fill(count);
    by_id_.reserve(count);
    by_sequence_.reserve(count);
  }

  Fate fate(u32 entry) const { return endings_[entry].fate; }
  /// Writes the fate of an entry, which must be that of `sequence`.
  void set_fate(u32 entry, u64 sequence, Fate fate) {
    QC_ASSERT(endings_[entry].sequence_low == static_cast<u32>(sequence));
    endings_[entry].fate = fate;
  }

  Submission& operator[](u32 entry) { return entries_[entry]; }
  const Submission& operator[](u32 entry) const { return entries_[entry]; }
  u32 oldest() const { return oldest_; }
  u32 count() const { return entries_.live(); }
  u32 capacity() const { return entries_.capacity(); }
  std::size_t bytes() const {
    return entries_.bytes() + entries_.used() * sizeof(Ending) + by_id_.bytes() +
           by_sequence_.bytes();
  }

 private:
  static constexpr u32 kAhead = 8;  // submissions, about as long as memory takes
  /// Blocks of 8 sequences share a cache line: submissions come in sequence.
  static u32 sequence_tag(u64 sequence) {
    return (tag_of(sequence >> 3) << 3) | static_cast<u32>(sequence & 7);
  }
  void link_youngest(u32 entry);
  void unlink(u32 entry);

  Arena<Submission, &Submission::younger> entries_;
  Reserved<Ending> endings_;  // by entry
  Arena<SentTerms, &SentTerms::next_free> terms_;
  HashIndex by_id_;
  HashIndex by_sequence_;
  u32 oldest_ = kNone;
  u32 youngest_ = kNone;
};

}  // namespace quantumcore
