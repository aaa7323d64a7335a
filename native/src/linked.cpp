#include <algorithm>

#include "quantumcore/commands.hpp"
#include "quantumcore/submission.hpp"

/// Two or three orders as one act: all of them are accepted, or none is (docs/reference/orders.md
/// section 7).
namespace quantumcore {

namespace {

/// What could not be promised for the time when the parent is done.
constexpr u16 kNotWhileWaiting = kPostOnly | kSlide | kReduceOnly;

/// The members, and what judging them found.
struct Act {
  const SubmitAdvancedOrder* members[3];
  const OrderTerms* terms[3];  // null: none
  Judged judged[3];
  u32 count;
  bool waits(u8 link, u32 i) const { return link != kOco && i > 0; }
};

bool member_is_good(const SubmitAdvancedOrder& m) {
  const CommandHeader& header = m.order.header;
  return header.size == sizeof m &&
         header.kind == static_cast<u8>(CommandKind::submit_advanced_order) &&
         content_is_good(m.order) && terms_are_good(m.terms);
}

bool is_absent(const SubmitAdvancedOrder& m) {
  static constexpr SubmitAdvancedOrder kNothing{};
  return std::memcmp(&m, &kNothing, sizeof m) == 0;
}

bool act_is_good(const SubmitLinkedOrders& c) {
  return c.header.reserved == 0 && c.link >= kOco && c.link <= kBracket && c.count >= 2 &&
         c.count <= 3 && all_zero(c.reserved) && member_is_good(c.first) &&
         member_is_good(c.second) && (c.count == 3 ? member_is_good(c.third) : is_absent(c.third));
}

bool same_id(const SubmitAdvancedOrder& a, const SubmitAdvancedOrder& b) {
  return std::memcmp(a.order.client_id, b.order.client_id, kIdBytes) == 0;
}

/// BAD_LINK unless these orders can be tied together like that.
bool fits(const SubmitLinkedOrders& c, const Act& act) {
  if (act.count != (c.link == kBracket ? 3U : 2U)) return false;
  for (u32 i = 0; i < act.count; ++i) {
    const SubmitOrder& m = act.members[i]->order;
    if (m.header.instrument != c.header.instrument || m.header.account != c.header.account) {
      return false;
    }
    if (act.waits(c.link, i) && ((m.flags & kNotWhileWaiting) != 0 || is_trailing(m.type))) {
      return false;
    }
    for (u32 k = 0; k < i; ++k) {
      if (same_id(*act.members[i], *act.members[k])) return false;
    }
  }
  if (c.link != kBracket) return true;
  const SubmitOrder& profit = c.second.order;
  const SubmitOrder& loss = c.third.order;
  return profit.type == kLimit && (loss.type == kStop || loss.type == kStopLimit) &&
         profit.side == loss.side && profit.side != c.first.order.side;
}

/// Answers when any of the ids is known: a repeat of the whole, or DUPLICATE_ID.
bool answered_before(const State& state, const SubmitLinkedOrders& c, Act& act, u32 account,
                     Teller& teller) {
  u32 known[3];
  u32 first = kNone;
  for (u32 i = 0; i < act.count; ++i) {
    const SubmitOrder& m = act.members[i]->order;
    act.judged[i].tag = id_tag(account, m.client_id);
    known[i] = state.client_ids.find_tagged(act.judged[i].tag, account, m.client_id);
    if (first == kNone) first = known[i];
  }
  if (first == kNone) return false;
  const Submission& submission = state.client_ids[first];
  for (u32 i = 0; i < act.count; ++i) {
    if (known[i] == kNone || state.client_ids[known[i]].sequence != submission.sequence ||
        !state.client_ids.same_body(known[i], act.members[i]->order, act.terms[i])) {
      Refusal why;
      why.no(Reason::duplicate_id, Scope::none);
      tell_refused(teller, c.header, why, {submission.sequence, submission.slot});
      return true;
    }
  }
  CommandDone& done = tell_done(teller, c.header, kRepeat);
  done.order_sequence = submission.sequence;
  done.order_slot = submission.slot;
  return true;
}

/// Judges the members in turn; returns which one was refused, or their number.
u32 judge_members(const State& state, u8 link, Act& act, Refusal& why) {
  Seat seat;
  for (u32 i = 0; i < act.count; ++i) {
    seat.before = i;
    seat.waits = act.waits(link, i);
    if (!judge_seated(state, act.members[i]->order, act.terms[i], seat, act.judged[i], why)) {
      return i;
    }
    const Judged& judged = act.judged[i];
    if (seat.waits || !judged.stands()) continue;
    const Standing at = standing_at(state, *judged.instrument, judged.is(kOrderDark),
                                    judged.wish.sell, judged.wish.price);
    if (at.opens) ++seat.windows;
    seat.joining = &judged;
  }
  return act.count;
}

void refuse_all(State& state, const Act& act, u32 refused, const Refusal& why, Teller& teller) {
  const bool known = why.reason != Reason::unknown_symbol &&
                     why.reason != Reason::unknown_account && why.reason != Reason::capacity;
  const bool remembered = known && state.accounting() && state.client_ids.left() >= act.count;
  Refusal linked;
  linked.no(Reason::linked, Scope::none);
  for (u32 i = 0; i < act.count; ++i) {
    const SubmitOrder& m = act.members[i]->order;
    if (remembered) {
      remember(state, m, act.terms[i], act.judged[i], kNone, Fate::rejected, teller);
    }
    tell_rejected(m, i == refused ? why : linked, teller);
  }
}

Link link_of(u8 kind, const u32 (&slots)[3], u64 sequence, u32 instrument) {
  Link link{};
  link.sequence = sequence;
  link.kind = kind;
  link.waits = kind == kOco ? 0 : 1;
  link.parent = kind == kOco ? kNone : slots[0];
  link.members[0] = link.eldest = kind == kOco ? slots[0] : slots[1];
  link.members[1] = kind == kOco ? slots[1] : slots[2];
  link.instrument = instrument;
  return link;
}

void accept(State& state, const SubmitLinkedOrders& c, const Act& act, Teller& teller) {
  u32 slots[3] = {kNone, kNone, kNone};
  for (u32 i = 0; i < act.count; ++i) slots[i] = state.orders.acquire();
  std::sort(slots, slots + act.count);  // so that names ascend as the members do
  for (u32 i = 0; i < act.count; ++i) {
    make_order(state, act.members[i]->order, act.terms[i], act.judged[i], slots[i],
               act.waits(c.link, i), teller);
  }
  tie(state, link_of(c.link, slots, teller.sequence(), state.slot_of(*act.judged[0].instrument)));
  for (u32 i = 0; i < act.count; ++i) {
    if (state.accounting()) set_hold(state, slots[i], hold_now(state, slots[i]));
    tell_accepted(state, act.members[i]->order, act.judged[i], slots[i], teller);
  }
  OrdersLinked& event = teller.tell<OrdersLinked>(c.header.instrument, c.header.account);
  event.link = c.link;
  event.count = c.count;
  event.first = slots[0];
  event.second = slots[1];
  event.third = slots[2];
  for (u32 i = 0; i < act.count; ++i) {
    const bool active = state.orders.is(slots[i], teller.sequence()) &&
                        (state.orders.node(slots[i]).flags & kOrderWaits) == 0;
    if (active) begin(state, slots[i], teller);
  }
}

}  // namespace

void submit_linked(State& state, const SubmitLinkedOrders& command, Teller& teller) {
  static constexpr OrderTerms kNoTerms{};
  if (!act_is_good(command)) {
    tell_bad(teller, command.header);
    return;
  }
  Act act{};
  act.count = command.count;
  act.members[0] = &command.first;
  act.members[1] = &command.second;
  act.members[2] = &command.third;
  for (u32 i = 0; i < act.count; ++i) {
    const OrderTerms& terms = act.members[i]->terms;
    act.terms[i] = std::memcmp(&terms, &kNoTerms, sizeof terms) == 0 ? nullptr : &terms;
  }
  if (!fits(command, act)) {
    refuse(teller, command.header, Reason::bad_link);
    return;
  }
  Refusal why;
  Instrument* const instrument = state.find_instrument(command.header.instrument);
  const u32 account = state.accounts.find(command.header.account);
  if (instrument == nullptr || account == kNone) {
    if (instrument == nullptr) {
      why.no(Reason::unknown_symbol, Scope::instrument);
    } else {
      why.no(Reason::unknown_account, Scope::account);
    }
    refuse_all(state, act, 0, why, teller);
    return;
  }
  if (state.accounting() && answered_before(state, command, act, account, teller)) return;
  for (Judged& judged : act.judged) {
    judged.instrument = instrument;
    judged.account = account;
  }
  const u32 refused = judge_members(state, command.link, act, why);
  if (refused < act.count) {
    refuse_all(state, act, refused, why, teller);
    return;
  }
  accept(state, command, act, teller);
}

}  // namespace quantumcore
