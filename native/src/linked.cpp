#include "quantumcore/act.hpp"
#include "quantumcore/commands.hpp"

/// Two or three orders that are tied to each other (docs/reference/orders.md section 7).
namespace quantumcore {

namespace {

/// What could not be promised for the time when the parent is done.
constexpr u16 kNotWhileWaiting = kPostOnly | kSlide | kReduceOnly;

bool is_absent(const SubmitAdvancedOrder& m) {
  static constexpr SubmitAdvancedOrder kNothing{};
  return std::memcmp(&m, &kNothing, sizeof m) == 0;
}

bool act_is_good(const SubmitLinkedOrders& c) {
  return c.header.reserved == 0 && c.link >= kOco && c.link <= kBracket && c.count >= 2 &&
         c.count <= 3 && all_zero(c.reserved) && member_is_good(c.first) &&
         member_is_good(c.second) && (c.count == 3 ? member_is_good(c.third) : is_absent(c.third));
}

/// BAD_LINK unless these orders can be tied together like that.
bool fits(const SubmitLinkedOrders& c, const Act& act) {
  if (act.count != (c.link == kBracket ? 3U : 2U)) return false;
  for (u32 i = 0; i < act.count; ++i) {
    const SubmitOrder& m = act.order(i);
    if (m.header.instrument != c.header.instrument || m.header.account != c.header.account) {
      return false;
    }
    if (act.waits(i) && ((m.flags & kNotWhileWaiting) != 0 || is_trailing(m.type))) return false;
    for (u32 k = 0; k < i; ++k) {
      if (same_id(m, act.order(k))) return false;
    }
  }
  if (c.link != kBracket) return true;
  const SubmitOrder& profit = c.second.order;
  const SubmitOrder& loss = c.third.order;
  return profit.type == kLimit && (loss.type == kStop || loss.type == kStopLimit) &&
         profit.side == loss.side && profit.side != c.first.order.side;
}

const std::byte* members_of(const SubmitLinkedOrders& c) {
  static_assert(offsetof(SubmitLinkedOrders, third) ==
                offsetof(SubmitLinkedOrders, first) + 2 * sizeof(SubmitAdvancedOrder));
  return reinterpret_cast<const std::byte*>(&c) + offsetof(SubmitLinkedOrders, first);
}

u32 third_of(const Act& act, const u32* slots) { return act.count == 3 ? slots[2] : kNone; }

}  // namespace

void tie_members(State& state, const Act& act, const u32* slots, u64 sequence) {
  const bool pair = act.is_pair();
  Link link{};
  link.sequence = sequence;
  link.kind = act.link;
  link.waits = pair ? 0 : 1;
  link.parent = pair ? kNone : slots[0];
  link.members[0] = link.eldest = pair ? slots[0] : slots[1];
  link.members[1] = pair ? slots[1] : third_of(act, slots);
  link.instrument = state.slot_of(*act.judged[0].instrument);
  tie(state, link);
}

void tell_linked(const CommandHeader& header, const Act& act, const u32* slots, Teller& teller) {
  OrdersLinked& event = teller.tell<OrdersLinked>(header.instrument, header.account);
  event.link = act.link;
  event.count = static_cast<u8>(act.count);
  event.first = slots[0];
  event.second = slots[1];
  event.third = third_of(act, slots);
}

void submit_linked(State& state, const SubmitLinkedOrders& command, Teller& teller) {
  if (!act_is_good(command)) {
    tell_bad(teller, command.header);
    return;
  }
  const std::byte* const members = members_of(command);
  if (!fits(command, Act{members, nullptr, command.count, command.link})) {
    refuse(teller, command.header, Reason::bad_link);
    return;
  }
  submit_act(state, command.header, members, command.count, command.link, teller);
}

}  // namespace quantumcore
