#pragma once

#include "quantumcore/arena.hpp"
#include "quantumcore/client_ids.hpp"
#include "quantumcore/hash_index.hpp"
#include "quantumcore/layout.hpp"

namespace quantumcore {

/// One remembered group of transfers; for ever. One that failed has no legs.
struct PostedGroup {
  GroupTerms terms;
  u64 sequence;
  u64 reversed_by;  // the sequence of the group that took it back; 0: none has
  u32 account;      // slot of whose id it is; kNone: the house's
  u32 first_leg;
  u32 next_free;
  u32 failed;
};
static_assert(sizeof(PostedGroup) == 256);

/// All groups that ever had an answer which must be repeated, and what they moved.
class GroupIds {
 public:
  GroupIds(u32 max_groups, u32 max_legs) : entries_(max_groups), legs_(max_legs) {}

  u32 find(u32 account, const char (&id)[kIdBytes]) const {
    return by_id_.find(id_tag(account, id), [&](u32 s) {
      return entries_[s].account == account &&
             std::memcmp(entries_[s].terms.group_id, id, kIdBytes) == 0;
    });
  }
  bool full() const { return entries_.left() == 0; }
  u64 legs_left() const { return legs_.capacity() - leg_count_; }
  /// Remembers a group; its legs, if it has any, are added in their order.
  void remember(const PostedGroup& entry);
  void add_leg(const Leg& leg) { legs_[leg_count_++] = leg; }

  PostedGroup& operator[](u32 entry) { return entries_[entry]; }
  const PostedGroup& operator[](u32 entry) const { return entries_[entry]; }
  const Leg& leg(u32 at) const { return legs_[at]; }
  u32 count() const { return entries_.used(); }
  u32 leg_count() const { return leg_count_; }
  std::size_t bytes() const { return entries_.bytes() + leg_count_ * sizeof(Leg) + by_id_.bytes(); }
  /// Takes over the groups, not the way to find one.
  void copy_entries(const GroupIds& other) {
    entries_.copy(other.entries_);
    legs_.copy(other.legs_, other.leg_count_);
    leg_count_ = other.leg_count_;
  }
  void fill(u32 groups, u32 legs) {
    entries_.fill(groups);
    legs_.fill(legs);
  }
  /// Takes the memory of so many now.
  void reserve(u32 groups, u32 legs) {
    fill(groups, legs);
    by_id_.reserve(groups);
  }

 private:
  Arena<PostedGroup, &PostedGroup::next_free> entries_;
  Reserved<Leg> legs_;
  u32 leg_count_ = 0;
  HashIndex by_id_;
};

}  // namespace quantumcore
