#include "quantumcore/act.hpp"
#include "quantumcore/commands.hpp"

/// A batch of orders of one account, of any instruments, as one act (docs/reference/orders.md
/// section 7).
namespace quantumcore {

namespace {

static_assert(sizeof(SubmitOrderBatch) + kMostOfAct * sizeof(SubmitAdvancedOrder) <=
              kMaxCommandSize);

bool batch_is_good(const SubmitOrderBatch& c, const Act& act) {
  const std::size_t size = sizeof c + std::size_t{c.count} * sizeof(SubmitAdvancedOrder);
  if (c.header.reserved != 0 || c.header.instrument != 0 || !all_zero(c.reserved)) return false;
  if (c.count == 0 || c.count > kMostOfAct || c.header.size != size) return false;
  for (u32 i = 0; i < c.count; ++i) {
    if (!member_is_good(act.member(i)) || act.order(i).header.account != c.header.account) {
      return false;
    }
    for (u32 k = 0; k < i; ++k) {
      if (same_id(act.order(i), act.order(k))) return false;
    }
  }
  return true;
}

}  // namespace

void submit_batch(State& state, const SubmitOrderBatch& command, Teller& teller) {
  const auto* const members = reinterpret_cast<const std::byte*>(&command) + sizeof command;
  if (!batch_is_good(command, Act{members, nullptr, command.count, 0})) {
    tell_bad(teller, command.header);
    return;
  }
  submit_act(state, command.header, members, command.count, 0, teller);
}

}  // namespace quantumcore
