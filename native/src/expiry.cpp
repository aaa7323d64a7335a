#include "quantumcore/expiry.hpp"

#include <algorithm>

#include "quantumcore/commands.hpp"

namespace quantumcore {

namespace {

/// Orders rows by the instant at which they end, then by submission.
struct ByInstant {
  const State& state;

  bool operator()(u32 a, u32 b) const {
    const Extra& left = state.extras[a];
    const Extra& right = state.extras[b];
    if (left.terms.expires_ns != right.terms.expires_ns) {
      return left.terms.expires_ns < right.terms.expires_ns;
    }
    const u64 first = state.orders.record(left.slot).sequence;
    const u64 second = state.orders.record(right.slot).sequence;
    return first != second ? first < second : left.slot < right.slot;
  }
};

struct ByDeadline {
  const Accounts& accounts;

  bool operator()(u32 a, u32 b) const {
    const Account& left = accounts[a];
    const Account& right = accounts[b];
    return left.deadline_ns != right.deadline_ns ? left.deadline_ns < right.deadline_ns
                                                 : left.id < right.id;
  }
};

}  // namespace

void note_end(State& state, u32 row) {
  const Extra& extra = state.extras[row];
  if (extra.terms.expires_ns != 0) state.expiry_heap.add(state.expiring, row, ByInstant{state});
  if (extra.time_in_force != kDay) return;
  u32& first = state.rare_books[state.orders.node(extra.slot).instrument].day_first;
  state.day_links[row] = AccountLinks{first, kNone};
  if (first != kNone) state.day_links[first].prev = row;
  first = row;
}

void forget_end(State& state, u32 row) {
  const Extra& extra = state.extras[row];
  if (extra.terms.expires_ns != 0) state.expiry_heap.remove(state.expiring, row, ByInstant{state});
  if (extra.time_in_force != kDay) return;
  const AccountLinks links = state.day_links[row];
  u32& first = state.rare_books[state.orders.node(extra.slot).instrument].day_first;
  (links.prev == kNone ? first : state.day_links[links.prev].next) = links.next;
  if (links.next != kNone) state.day_links[links.next].prev = links.prev;
}

void end_what_is_due(State& state, Teller& teller) {
  const i64 now = teller.time_ns();
  while (state.expiring != kNone && state.extras[state.expiring].terms.expires_ns <= now) {
    cancel_order(state, state.extras[state.expiring].slot, CancelReason::expired, teller);
  }
  while (state.timers != kNone && state.accounts[state.timers].deadline_ns <= now) {
    const u32 account = state.timers;
    set_deadline(state, account, 0);
    cancel_each(state, account, CancelReason::cancel_all_after, teller, [](u32) { return true; });
  }
}

void end_day(State& state, const Instrument& instrument, Teller& teller) {
  const u8 status = instrument.terms.status;
  if (status != kClosed && status != kPostClose) return;
  u32 count = 0;
  for (u32 row = state.rare_of(instrument).day_first; row != kNone;
       row = state.day_links[row].next) {
    state.ending[count++] = state.extras[row].slot;
  }
  u32* const slots = state.ending.data();
  std::sort(slots, slots + count, [&](u32 a, u32 b) {
    const u64 first = state.orders.record(a).sequence;
    const u64 second = state.orders.record(b).sequence;
    return first != second ? first < second : a < b;
  });
  cancel_listed(state, count, CancelReason::expired, teller);
}

void set_deadline(State& state, u32 account, i64 deadline_ns) {
  const ByDeadline by_deadline{state.accounts};
  i64& deadline = state.accounts[account].deadline_ns;
  if (deadline != 0) state.timer_heap.remove(state.timers, account, by_deadline);
  deadline = deadline_ns;
  if (deadline != 0) state.timer_heap.add(state.timers, account, by_deadline);
}

void cancel_all_after(State& state, const CancelAllAfter& command, Teller& teller) {
  static constexpr i64 kSecond = 1'000'000'000;
  const i64 timeout = command.timeout_ns;
  if (command.header.reserved != 0 || command.header.instrument != 0 ||
      (timeout != 0 && (timeout < kSecond || timeout > 300 * kSecond))) {
    tell_bad(teller, command.header);
    return;
  }
  const u32 account = named_account(state, command.header, teller);
  if (account == kNone) return;
  i64 deadline = 0;
  if (timeout != 0 && __builtin_add_overflow(teller.time_ns(), timeout, &deadline)) {
    deadline = kMaxI64;
  }
  set_deadline(state, account, deadline);
  teller.tell<CancelTimerSet>(0, command.header.account).deadline_ns = deadline;
}

void end_session(State& state, const EndSession& command, Teller& teller) {
  if (command.header.reserved != 0 || command.header.instrument != 0 || command.session == 0 ||
      command.reserved != 0) {
    tell_bad(teller, command.header);
    return;
  }
  const u32 account = named_account(state, command.header, teller);
  if (account == kNone) return;
  const auto goes = [&](u32 slot) {
    const u32 row = state.orders.record(slot).extra;
    if (row == kNone) return false;
    const Extra& extra = state.extras[row];
    return extra.session == command.session && (extra.flags & kCancelOnDisconnect) != 0 &&
           extra.time_in_force != kGoodTillCancel;
  };
  const u32 count = cancel_each(state, account, CancelReason::disconnected, teller, goes);
  tell_done(teller, command.header).count = count;
}

}  // namespace quantumcore
