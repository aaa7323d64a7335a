#include "quantumcore/act.hpp"

#include <algorithm>

#include "quantumcore/admission.hpp"
#include "quantumcore/commands.hpp"
#include "quantumcore/phases.hpp"

/// Judging and accepting several orders as one act (docs/reference/orders.md section 7).
namespace quantumcore {

namespace {

/// Answers when any of the ids is known: a repeat of the whole, or DUPLICATE_ID.
bool answered_before(const State& state, const CommandHeader& header, Act& act, Teller& teller) {
  u32 known[kMostOfAct];
  u32 first = kNone;
  for (u32 i = 0; i < act.count; ++i) {
    const SubmitOrder& m = act.order(i);
    Judged& judged = act.judged[i];
    judged.tag = id_tag(judged.account, m.client_id);
    known[i] = state.client_ids.find_tagged(judged.tag, judged.account, m.client_id);
    if (first == kNone) first = known[i];
  }
  if (first == kNone) return false;
  const Submission& submission = state.client_ids[first];
  for (u32 i = 0; i < act.count; ++i) {
    if (known[i] == kNone || state.client_ids[known[i]].sequence != submission.sequence ||
        !state.client_ids.same_body(known[i], act.order(i), act.terms(i))) {
      Refusal why;
      why.no(Reason::duplicate_id, Scope::none);
      tell_refused(teller, header, why, {submission.sequence, submission.slot});
      return true;
    }
  }
  tell_repeat(teller, header, submission);
  return true;
}

/// Finds the instrument of each and the account; returns which one is refused, or their number.
u32 find_places(State& state, Act& act, Refusal& why) {
  for (u32 i = 0; i < act.count; ++i) {
    act.judged[i] = Judged{};
    act.judged[i].instrument = state.find_instrument(act.order(i).header.instrument);
    if (act.judged[i].instrument == nullptr) {
      why.no(Reason::unknown_symbol, Scope::instrument);
      return i;
    }
  }
  const u32 account = state.accounts.find(act.order(0).header.account);
  if (account == kNone) {
    why.no(Reason::unknown_account, Scope::account);
    return 0;
  }
  for (u32 i = 0; i < act.count; ++i) act.judged[i].account = account;
  return act.count;
}

/// Judges the members in turn; returns which one was refused, or their number.
u32 judge_members(State& state, Act& act, Refusal& why) {
  for (u32 i = 0; i < act.count; ++i) {
    const Seat seat{&act, i, act.waits(i)};
    const SubmitOrder& member = act.order(i);
    const bool good = judge_seated(state, member, act.terms(i), seat, act.judged[i], why);
    if (act.judged[i].counts) {
      count_rate(state, act.judged[i].account, member.session, kThrottleNew, &member);
    }
    if (!good) return i;
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
    const SubmitOrder& m = act.order(i);
    if (remembered) {
      remember(state, m, act.terms(i), act.judged[i], kNone, Fate::rejected, teller);
    }
    tell_rejected(m, i == refused ? why : linked, teller);
  }
}

/// Whether an order comes to a level, or may come to one, with such an event.
bool is_move(EventKind kind) {
  return kind == EventKind::order_refilled || kind == EventKind::order_entered ||
         kind == EventKind::order_replaced || kind == EventKind::instrument_status_changed;
}

/// Whether an order would stand in the book if it had its turn now and traded nothing.
bool would_rest(const State& state, u32 slot) {
  const OrderNode& node = state.orders.node(slot);
  const u32 extra = state.orders.record(slot).extra;
  return (node.flags & kOrderPeg) == 0 &&
         (extra == kNone || !is_triggered(state.extras[extra].type)) &&
         may_rest_in(state.instruments[node.instrument].terms.status, time_in_force_of(state, slot),
                     (node.flags & kOrderNeverRests) == 0);
}

void accept(State& state, const CommandHeader& header, const Act& act, Teller& teller) {
  u32 slots[kMostOfAct];
  bool waiting[kMostOfAct];
  for (u32 i = 0; i < act.count; ++i) slots[i] = state.orders.acquire();
  std::sort(slots, slots + act.count);  // so that names ascend as the members do
  for (u32 i = 0; i < act.count; ++i) {
    make_order(state, act.order(i), act.terms(i), act.judged[i], slots[i], act.waits(i), teller);
  }
  if (act.link != 0) tie_members(state, act, slots, teller.sequence());
  for (u32 i = 0; i < act.count; ++i) {
    if (state.accounting()) set_hold(state, slots[i], hold_now(state, slots[i]));
    tell_accepted(state, act.order(i), act.judged[i], slots[i], teller);
    waiting[i] =
        waits_in(act.judged[i].instrument->terms.status, time_in_force_of(state, slots[i]));
  }
  if (act.link != 0) tell_linked(header, act, slots, teller);
  std::size_t seen = teller.place();
  bool moved = false;
  for (u32 i = 0; i < act.count; ++i) {
    const bool active = state.orders.is(slots[i], teller.sequence()) &&
                        (state.orders.node(slots[i]).flags & kOrderWaits) == 0;
    if (!active) continue;
    moved = moved || teller.told_since(seen, is_move);
    seen = teller.place();
    // One before it may have set off the call for which it was told to wait.
    if (waiting[i] && enter_own_call(state, slots[i], teller)) continue;
    // It comes to its level only now, maybe behind others that have come since it was accepted.
    const bool comes_late = moved && would_rest(state, slots[i]);
    i64 need = 0;
    if (comes_late && !judge_active(state, slots[i], true, need)) {
      cancel_order(state, slots[i], CancelReason::out_of_bounds, teller);
      continue;
    }
    if (comes_late && (state.orders.node(slots[i]).flags & kOrderDark) == 0) {
      tell_replaced(state, slots[i], ReplaceReason::has_its_turn, false, teller);
    }
    begin(state, slots[i], teller);
  }
}

// ---- an order beside those before it ------------------------------------------------------------

std::span<const Judged> those_before(const Seat& seat) { return {seat.act->judged, seat.before}; }

bool stands_at_once(const Seat& seat, u32 i) {
  return seat.act->judged[i].stands() && !seat.act->waits(i);
}

/// Whether two would stand on the same side of the same book.
bool same_side(const Judged& a, const Judged& b) {
  return a.instrument == b.instrument && a.wish.sell == b.wish.sell &&
         a.is(kOrderDark) == b.is(kOrderDark);
}

bool same_window(const Judged& a, const Judged& b) {
  return same_side(a, b) && a.wish.price >> kWindowBits == b.wish.price >> kWindowBits;
}

/// The best price of those before that the order would meet; 0: none. A sell finds the dearest.
i64 best_beside(const Seat& seat, const Judged& j, bool shown_only) {
  i64 best = 0;
  for (u32 i = 0; i < seat.before; ++i) {
    const Judged& other = seat.act->judged[i];
    if (other.instrument != j.instrument || other.wish.sell == j.wish.sell ||
        !stands_at_once(seat, i) || (shown_only && other.is(kOrderDark))) {
      continue;
    }
    const i64 price = other.wish.price;
    const bool meets = j.wish.sell ? price >= j.wish.price : price <= j.wish.price;
    const bool better = best == 0 || (j.wish.sell ? price > best : price < best);
    if (meets && better) best = price;
  }
  return best;
}

}  // namespace

bool member_is_good(const SubmitAdvancedOrder& m) {
  const CommandHeader& header = m.order.header;
  return header.size == sizeof m &&
         header.kind == static_cast<u8>(CommandKind::submit_advanced_order) &&
         content_is_good(m.order) && terms_are_good(m.terms);
}

bool same_id(const SubmitOrder& a, const SubmitOrder& b) {
  return std::memcmp(a.client_id, b.client_id, kIdBytes) == 0;
}

i128 reducing_beside(const Seat& seat, const Judged& j) {
  if (seat.act->is_pair()) return 0;
  i128 lots = 0;
  for (u32 i = 0; i < seat.before; ++i) {
    const Judged& other = seat.act->judged[i];
    const bool alike = other.instrument == j.instrument && other.wish.sell == j.wish.sell;
    if (alike && (seat.act->order(i).flags & kReduceOnly) != 0) lots += other.wish.lots;
  }
  return lots;
}

namespace {

/// The exits of a bracket have nothing to close yet.
bool counts_for_nothing(const Seat& seat) { return seat.act->link == kBracket && seat.waits; }

bool same_side_of_instrument(const Judged& a, const Judged& b) {
  return a.instrument == b.instrument && a.wish.sell == b.wish.sell;
}

/// Gross notional of an order that nothing has filled, minor units of the quote.
i128 worth_of(const Judged& j) {
  const u128 product = ticks_times_lots(j.wish.price, j.wish.lots);
  return static_cast<i128>(units(product, j.instrument->unit).ceil());
}

}  // namespace

i128 lots_before(const Seat& seat, const Judged& j) {
  if (seat.act->is_pair() || counts_for_nothing(seat)) return 0;
  i128 lots = 0;
  for (const Judged& other : those_before(seat)) {
    if (same_side_of_instrument(other, j)) lots += other.wish.lots;
  }
  return lots;
}

i128 lots_of_members(const Act& act, u32 count, const Instrument& instrument, bool sell) {
  i128 lots = 0;
  for (u32 i = 0; i < count; ++i) {
    const Judged& member = act.judged[i];
    const bool idle = act.link == kBracket && act.waits(i);  // it has nothing to close yet
    if (idle || member.instrument != &instrument || member.wish.sell != sell) continue;
    lots = act.is_pair() ? std::max<i128>(lots, member.wish.lots) : lots + member.wish.lots;
  }
  return lots;
}

i128 closing_beside(const Seat& seat, const Judged& j) {
  if (seat.act->is_pair()) return 0;
  i128 lots = 0;
  for (const Judged& other : those_before(seat)) {
    if (same_side_of_instrument(other, j)) lots += other.wish.lots;
  }
  return lots;
}

i128 lots_with_those_before(const Seat& seat, const Judged& j) {
  if (counts_for_nothing(seat)) return 0;
  i128 lots = j.wish.lots;
  for (const Judged& other : those_before(seat)) {
    if (!same_side_of_instrument(other, j)) continue;
    lots = seat.act->is_pair() ? std::max<i128>(lots, other.wish.lots) : lots + other.wish.lots;
  }
  return lots;
}

i128 worth_with_those_before(const Seat& seat, const Judged& j, bool here, i64 own) {
  const bool paired = seat.act->is_pair() || (seat.act->link != 0 && seat.before == 2);
  i128 worth = own;
  for (u32 i = 0; i < seat.before; ++i) {
    const Judged& other = seat.act->judged[i];
    if (here ? other.instrument != j.instrument : other.instrument->quote != j.instrument->quote) {
      continue;
    }
    const bool is_pair = paired && i + 1 == seat.before && other.wish.sell == j.wish.sell;
    worth = is_pair ? worth - own + std::max<i128>(worth_of(other), own) : worth + worth_of(other);
  }
  return worth;
}

u32 open_before(const Seat& seat, const Judged& j) {
  u32 count = 0;
  for (const Judged& other : those_before(seat)) count += other.instrument == j.instrument ? 1 : 0;
  return count;
}

i64 held_beside(const Seat& seat, u16 currency) {
  if (seat.act->is_pair() || seat.waits) return 0;
  i64 held = 0;
  for (const Judged& other : those_before(seat)) {
    const Instrument& instrument = *other.instrument;
    if ((other.wish.sell ? instrument.base : instrument.quote) == currency) held += other.wish.hold;
  }
  return held;
}

bool judge_product_beside(const State& state, const Seat& seat, const Judged& j, Refusal& why) {
  if (!j.wish.sell) return true;
  const i64 dearest = best_beside(seat, j, false);
  return judge_product(state, *j.instrument, ticks_times_lots(dearest, j.wish.lots), why);
}

bool judge_post_only_beside(const Seat& seat, const Judged& j, Refusal& why) {
  if (!j.wish.post_only) return true;
  const Book& book = j.instrument->book;
  i64 best = best_beside(seat, j, true);
  if (book.crosses(!j.wish.sell, j.wish.price)) {
    const i64 there = book.best(!j.wish.sell);
    if (best == 0 || (j.wish.sell ? there > best : there < best)) best = there;
  }
  return best == 0 || refuse_post_only(*j.instrument, j.wish, best, why);
}

bool judge_room_beside(const State& state, const Seat& seat, Judged& j, bool& room, Refusal& why) {
  u32 opened = 0;
  u32 opened_here = 0;
  bool is_open = false;
  i128 joining = 0;
  for (u32 i = 0; i < seat.before; ++i) {
    const Judged& other = seat.act->judged[i];
    if (!stands_at_once(seat, i)) continue;
    opened += other.opens ? 1 : 0;
    opened_here += other.opens && same_side(other, j) ? 1 : 0;
    is_open = is_open || (other.opens && same_window(other, j));
    if (same_side(other, j) && other.wish.price == j.wish.price) joining += other.shown();
  }
  const Standing at = standing_at(state, *j.instrument, j.is(kOrderDark), j.wish.sell, j.wish.price,
                                  opened_here, opened);
  j.opens = at.opens && !is_open;
  room = room && (at.room || is_open);
  return judge_joined_level(*j.instrument, at.there, joining, j.shown(), why);
}

u64 balances_of_act(const Seat& seat, const Judged& j) {
  u64 others = 0;
  const std::span<const Judged> before = those_before(seat);
  for (u32 i = 0; i < seat.before; ++i) {
    const auto same = [&](const Judged& one) { return one.instrument == before[i].instrument; };
    const bool counted = same(j) || std::any_of(before.begin(), before.begin() + i, same);
    others += counted ? 0 : 1;
  }
  return 2 * (others + 1);
}

void submit_act(State& state, const CommandHeader& header, const std::byte* members, u32 count,
                u8 link, Teller& teller) {
  Act act{members, reinterpret_cast<Judged*>(state.judged.data()), count, link};
  Refusal why;
  u32 refused = find_places(state, act, why);
  if (refused == act.count) {
    if (state.accounting() && answered_before(state, header, act, teller)) return;
    refused = judge_members(state, act, why);
  }
  if (refused < act.count) {
    refuse_all(state, act, refused, why, teller);
    return;
  }
  accept(state, header, act, teller);
}

}  // namespace quantumcore
