#include "quantumcore/admission.hpp"

/// Market makers' protection, and what follows from a fill that was one too many
/// (docs/reference/engine.md section 15). A fill only counts and trips: what follows is done
/// between the acts of a command, so that nobody takes away what a taker was promised.
namespace quantumcore {

namespace {

constexpr i64 kDayNs = i64{24} * 3600 * 1'000'000'000;

struct BySoonest {
  const State& state;

  bool operator()(u32 a, u32 b) const {
    const Protection& left = state.guards.protections[a];
    const Protection& right = state.guards.protections[b];
    if (left.until_ns != right.until_ns) return left.until_ns < right.until_ns;
    const u32 first = state.accounts[left.key.first].id;
    const u32 second = state.accounts[right.key.first].id;
    return first != second ? first < second : left.key.second < right.key.second;
  }
};

/// Whether it ends by time and nobody was told of that yet.
bool ends(const Protection& protection) {
  return protection.until_ns != 0 && protection.until_ns != kMaxI64;
}

void forget_fills(Protection& protection) {
  protection.counted.first = protection.counted.count = 0;
  protection.lots = protection.delta = protection.vega = 0;
}

/// Lets a freeze be over.
void thaw(State& state, Protection& protection) {
  Guards& guards = state.guards;
  if (ends(protection)) {
    guards.freeze_heap.remove(guards.freezing, guards.protections.index_of(protection),
                              BySoonest{state});
  }
  protection.until_ns = 0;
}

bool is_over(i64 most, i128 sum) { return most != 0 && magnitude(sum) > most; }

void count(State& state, Protection& protection, const CountedFill& fill) {
  const ProtectionTerms& terms = protection.terms;
  const i64 now = state.time_ns;
  if (terms.window_ns == 0 || now < protection.until_ns) return;
  auto& counted = protection.counted;
  while (counted.count != 0 && counted[0].time_ns <= now - terms.window_ns) {
    add(protection, counted[0], -1);
    counted.drop();
  }
  const u32 most = terms.fills == 0 ? kMostFills : terms.fills;
  add(protection, fill, 1);
  if (counted.count < most && !is_over(terms.quantity, protection.lots) &&
      !is_over(terms.delta, protection.delta) && !is_over(terms.vega, protection.vega)) {
    counted.push(fill);
    return;
  }
  i64 until = kMaxI64;
  if (terms.frozen_ns != 0 && __builtin_add_overflow(now, terms.frozen_ns, &until)) until = kMaxI64;
  thaw(state, protection);  // one that is over and was not told yet
  forget_fills(protection);
  freeze(state, protection, until);
  trip(state, kPausedByProtection, state.guards.protections.index_of(protection));
}

void tell_paused(u8 cause, u64 account, u32 underlying, i64 until, u32 count, Teller& teller) {
  PauseChanged& event = teller.tell<PauseChanged>(0, account);
  event.cause = cause;
  event.paused = until != 0 ? 1 : 0;
  event.underlying = underlying;
  event.until_ns = until;
  event.count = count;
}

bool content_is_good(const SetProtection& c) {
  const ProtectionTerms& t = c.terms;
  const bool off = t.window_ns == 0;
  return c.header.reserved == 0 && c.header.instrument == 0 && t.underlying != 0 &&
         t.fills <= kMostFills && t.quantity >= 0 && t.window_ns >= 0 && t.window_ns <= kDayNs &&
         t.frozen_ns >= 0 && t.frozen_ns <= kDayNs && t.delta >= 0 && t.vega >= 0 &&
         (!off || (t.fills | t.quantity | t.frozen_ns | t.delta | t.vega) == 0);
}

}  // namespace

void freeze(State& state, Protection& protection, i64 until_ns) {
  protection.until_ns = until_ns;
  if (!ends(protection)) return;
  Guards& guards = state.guards;
  guards.freeze_heap.add(guards.freezing, guards.protections.index_of(protection),
                         BySoonest{state});
}

void trip(State& state, u32 cause, u32 row) {
  state.guards.tripped[state.tripped_count++] = Tripped{cause, row};
}

void add(Protection& protection, const CountedFill& fill, int times) {
  protection.lots += times * i128{fill.lots};
  protection.delta += times * fill.delta;
  protection.vega += times * fill.vega;
}

void note_fill(State& state, u32 account, const Instrument& instrument, bool sell, i64 lots) {
  const u8 guarded = state.accounts[account].guarded;
  if ((guarded & kGuardPatterns) != 0) count_execution(state, account);
  if ((guarded & kGuardProtected) == 0) return;
  const u32 row =
      state.guards.protections.find({account, state.rare_of(instrument).class_terms.underlying});
  if (row == kNone) return;
  const GreekTerms& greeks = state.margin.instruments[state.slot_of(instrument)].greeks;
  const i128 bought = sell ? -i128{lots} : i128{lots};
  count(state, state.guards.protections[row],
        {state.time_ns, lots, bought * greeks.delta, bought * greeks.vega});
}

bool judge_protection(const State& state, const Sender& sender, Refusal& why) {
  const u32 row = state.guards.protections.find(
      {sender.account, state.rare_of(sender.instrument).class_terms.underlying});
  if (row == kNone || state.time_ns >= state.guards.protections[row].until_ns) return true;
  return why.no(Reason::mmp, Scope::account, 9, state.guards.protections[row].until_ns,
                state.time_ns);
}

void end_tripped(State& state, Teller& teller) {
  if (state.tripped_count == 0) [[likely]] {
    return;
  }
  for (u32 i = 0; i < state.tripped_count; ++i) {
    const Tripped tripped = state.guards.tripped[i];
    if (tripped.cause == kPausedByExecutions) {
      const u32 account = state.guards.patterns[tripped.row].key.account;
      tell_paused(kPausedByExecutions, state.accounts[account].id, 0, kMaxI64, 0, teller);
      continue;
    }
    const Protection& protection = state.guards.protections[tripped.row];
    const auto [account, underlying] = protection.key;
    const auto goes = [&, underlying = underlying](u32 slot) {
      const u32 instrument = state.orders.node(slot).instrument;
      return state.rare_books[instrument].class_terms.underlying == underlying;
    };
    const u32 count = cancel_each(state, account, CancelReason::protection, teller, goes);
    tell_paused(kPausedByProtection, state.accounts[account].id, underlying, protection.until_ns,
                count, teller);
  }
  state.tripped_count = 0;
}

void end_freezes(State& state, Teller& teller) {
  Guards& guards = state.guards;
  while (guards.freezing != kNone &&
         guards.protections[guards.freezing].until_ns <= teller.time_ns()) {
    Protection& protection = guards.protections[guards.freezing];
    thaw(state, protection);
    tell_paused(kPausedByProtection, state.accounts[protection.key.first].id, protection.key.second,
                0, 0, teller);
  }
}

void set_protection(State& state, const SetProtection& command, Teller& teller) {
  if (!content_is_good(command)) {
    tell_bad(teller, command.header);
    return;
  }
  const u32 account = named_account(state, command.header, teller);
  if (account == kNone) return;
  auto& known = state.guards.protections;
  const Protection::Key key{account, command.terms.underlying};
  if (known.full() && known.find(key) == kNone) {
    refuse(teller, command.header, Reason::capacity, Scope::venue);
    return;
  }
  Protection& protection = known.make(key);
  protection.terms = command.terms;
  if (command.terms.window_ns == 0) forget_fills(protection);
  state.accounts[account].guarded |= kGuardProtected;
  teller.tell<ProtectionChanged>(0, command.header.account).terms = command.terms;
}

void resume(State& state, const Resume& command, Teller& teller) {
  const bool of_protection = command.cause == kPausedByProtection;
  if (command.header.reserved != 0 || command.header.instrument != 0 ||
      (command.cause != kPausedByExecutions && !of_protection) || !all_zero(command.reserved) ||
      (command.underlying != 0) != of_protection) {
    tell_bad(teller, command.header);
    return;
  }
  const u32 account = named_account(state, command.header, teller);
  if (account == kNone) return;
  if (of_protection) {
    const u32 row = state.guards.protections.find({account, command.underlying});
    if (row != kNone) {
      thaw(state, state.guards.protections[row]);
      forget_fills(state.guards.protections[row]);
    }
  } else {
    forget_executions(state, account);
  }
  tell_paused(command.cause, command.header.account, command.underlying, 0, 0, teller);
}

}  // namespace quantumcore
