#include "quantumcore/group_ids.hpp"

namespace quantumcore {

void GroupIds::remember(const PostedGroup& entry) {
  const u32 slot = entries_.acquire();
  entries_[slot] = entry;
  by_id_.insert(id_tag(entry.account, entry.terms.group_id), slot);
}

}  // namespace quantumcore
