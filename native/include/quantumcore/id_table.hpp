#pragma once

#include "quantumcore/client_ids.hpp"

namespace quantumcore {

/// What is remembered for ever under the id that somebody gave it, in order: a repeat must find its
/// answer. An `Entry` says by `owner()` in whose name space (a slot, or kNone) its `id()` stands.
template <class Entry>
class IdTable {
 public:
  explicit IdTable(u32 capacity) : entries_(capacity) {}

  /// The row of an id, or kNone.
  u32 find(u32 owner, const char (&id)[kIdBytes]) const {
    return by_id_.find(id_tag(owner, id), [&](u32 row) {
      return entries_[row].owner() == owner && std::memcmp(entries_[row].id(), id, kIdBytes) == 0;
    });
  }
  bool full() const { return count_ == entries_.capacity(); }
  /// Remembers an entry. Returns its row. Not when full().
  u32 remember(const Entry& entry) {
    QC_ASSERT(!full());
    entries_[count_] = entry;
    by_id_.insert(id_tag(entry.owner(), entry.id()), count_);
    return count_++;
  }

  const Entry& operator[](u32 row) const { return entries_[row]; }
  u32 count() const { return count_; }
  std::size_t bytes() const { return std::size_t{count_} * sizeof(Entry) + by_id_.bytes(); }
  /// Takes over the entries, not the way to find one.
  void copy_entries(const IdTable& other) {
    QC_ASSERT(entries_.capacity() == other.entries_.capacity());
    entries_.copy(other.entries_, other.count_);
    count_ = other.count_;
  }
  void fill(u32 entries) { entries_.fill(entries); }
  /// Takes the memory of so many now.
  void reserve(u32 entries) {
    fill(entries);
    by_id_.reserve(entries);
  }

 protected:
  Entry& at(u32 row) { return entries_[row]; }

 private:
  Reserved<Entry> entries_;
  u32 count_ = 0;
  HashIndex by_id_;
};

}  // namespace quantumcore
