#pragma once

#include "quantumcore/id_table.hpp"
#include "quantumcore/layout.hpp"

namespace quantumcore {

/// One remembered group of transfers; for ever. One that failed has no legs.
struct PostedGroup {
  GroupTerms terms;
  u64 sequence;
  u64 reversed_by;  // the sequence of the group that took it back; 0: none has
  u32 account;      // slot of whose id it is; kNone: the house's
  u32 first_leg;
  u32 reserved;
  u32 failed;

  u32 owner() const { return account; }
  const char (&id() const)[kIdBytes] { return terms.group_id; }
};
static_assert(sizeof(PostedGroup) == 256);

/// All groups that ever had an answer which must be repeated, and what they moved.
class GroupIds : public IdTable<PostedGroup> {
 public:
  GroupIds(u32 max_groups, u32 max_legs) : IdTable(max_groups), legs_(max_legs) {}

  u64 legs_left() const { return legs_.capacity() - leg_count_; }
  /// Adds a leg of the group remembered last, in their order.
  void add_leg(const Leg& leg) { legs_[leg_count_++] = leg; }
  /// Notes that the command `sequence` took a group back.
  void reverse(u32 group, u64 sequence) { at(group).reversed_by = sequence; }

  const Leg& leg(u32 at) const { return legs_[at]; }
  u32 leg_count() const { return leg_count_; }
  std::size_t bytes() const { return IdTable::bytes() + leg_count_ * sizeof(Leg); }
  void copy_entries(const GroupIds& other) {
    IdTable::copy_entries(other);
    legs_.copy(other.legs_, other.leg_count_);
    leg_count_ = other.leg_count_;
  }
  void fill(u32 groups, u32 legs) {
    IdTable::fill(groups);
    legs_.fill(legs);
  }
  void reserve(u32 groups, u32 legs) {
    IdTable::reserve(groups);
    legs_.fill(legs);
  }

 private:
  Reserved<Leg> legs_;
  u32 leg_count_ = 0;
};

}  // namespace quantumcore
