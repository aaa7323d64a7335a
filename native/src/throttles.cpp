#include "quantumcore/admission.hpp"

/// How often a session and an account may come: buckets of tokens, exact in 10^-9 tokens.
namespace quantumcore {

namespace {

constexpr u32 kMostTokens = 1'000'000'000;  // a second
constexpr u32 kLargestBurst = 1'000'000;

bool has_token(const State& state, const Bucket& bucket, const Throttle& throttle, Scope scope,
               Refusal& why) {
  const i64 out = bucket.out_at(throttle.rate, state.time_ns) + kToken;
  if (out <= throttle.burst * kToken) return true;
  return why.no(Reason::throttled, scope, 0, throttle.burst, (out + kToken - 1) / kToken);
}

void take(Bucket& bucket, const Throttle& throttle, i64 now) {
  bucket = Bucket{bucket.out_at(throttle.rate, now) + kToken, now};
}

/// The record that counts for the session of a row, or for one that is not kept; rate 0: none.
Throttle of_session(const State& state, u32 row, u32 at) {
  const Throttle own = row == kNone ? Throttle{} : state.guards.sessions[row].buckets[at].own;
  return own.rate != 0 ? own : state.guards.throttles[at];
}

Throttle of_account(const State& state, u32 account, u32 at) {
  const Throttle own = state.guards.accounts[account].buckets[at].own;
  return own.rate != 0 ? own : state.guards.throttles[at];
}

/// Whether it is as if a session had never been seen.
bool is_idle(const State& state, const Session& session) {
  if (session.mode != kSwitchOff) return false;
  for (u32 at = 0; at < kThrottleClasses; ++at) {
    const u32 rate = state.guards.throttles[at].rate;
    if (session.buckets[at].own.rate != 0) return false;
    if (rate != 0 && session.buckets[at].bucket.out_at(rate, state.time_ns) != 0) return false;
  }
  return true;
}

bool content_is_good(const SetThrottle& c) {
  const ThrottleTerms& t = c.terms;
  const bool of_account = t.scope == static_cast<u8>(Scope::account);
  const bool of_session = t.scope == static_cast<u8>(Scope::session);
  return c.header.reserved == 0 && c.header.instrument == 0 && t.reserved == 0 &&
         (of_account || of_session || t.scope == static_cast<u8>(Scope::venue)) &&
         (c.header.account != 0) == of_account && (t.session != 0) == of_session &&
         t.throttle_class >= 1 && t.throttle_class <= kThrottleClasses && t.rate <= kMostTokens &&
         t.burst <= kLargestBurst && (t.rate != 0) == (t.burst != 0);
}

}  // namespace

bool has_session_room(const State& state) {
  const Sessions& sessions = state.guards.sessions;
  if (!sessions.full()) return true;
  for (u32 row = 0; row < sessions.used(); ++row) {
    if (is_idle(state, sessions[row])) return true;
  }
  return false;
}

Session& keep_session(State& state, u32 number) {
  Sessions& sessions = state.guards.sessions;
  const u32 known = sessions.find(number);
  if (known != kNone) return sessions[known];
  if (sessions.full()) {
    for (u32 row = 0; row < sessions.used(); ++row) {
      if (is_idle(state, sessions[row])) sessions.remove(row);
    }
  }
  Session& session = sessions.add(number);
  note_guards(state);
  return session;
}

bool judge_buckets(const State& state, u32 account, u32 session, u8 of_class, Refusal& why) {
  static constexpr Bucket kUnused{};
  const u32 at = of_class - 1U;
  if (session != 0) {
    const u32 row = state.guards.sessions.find(session);
    const Throttle throttle = of_session(state, row, at);
    if (throttle.rate != 0) {
      if (row == kNone && !has_session_room(state)) return why.no(Reason::capacity, Scope::session);
      const Bucket& bucket = row == kNone ? kUnused : state.guards.sessions[row].buckets[at].bucket;
      if (!has_token(state, bucket, throttle, Scope::session, why)) return false;
    }
  }
  const Throttle throttle = of_account(state, account, at);
  return throttle.rate == 0 || has_token(state, state.guards.accounts[account].buckets[at].bucket,
                                         throttle, Scope::account, why);
}

void take_tokens(State& state, u32 account, u32 session, u8 of_class) {
  const u32 at = of_class - 1U;
  if (session != 0) {
    const Throttle throttle = of_session(state, state.guards.sessions.find(session), at);
    if (throttle.rate != 0)
      take(keep_session(state, session).buckets[at].bucket, throttle, state.time_ns);
  }
  const Throttle throttle = of_account(state, account, at);
  if (throttle.rate != 0) {
    take(state.guards.accounts[account].buckets[at].bucket, throttle, state.time_ns);
  }
}

void set_throttle(State& state, const SetThrottle& command, Teller& teller) {
  if (!content_is_good(command)) {
    tell_bad(teller, command.header);
    return;
  }
  const ThrottleTerms& terms = command.terms;
  const u32 at = terms.throttle_class - 1U;
  const Throttle throttle{terms.rate, terms.burst};
  if (terms.scope == static_cast<u8>(Scope::venue)) {
    state.guards.throttles[at] = throttle;
  } else if (terms.scope == static_cast<u8>(Scope::account)) {
    const u32 account = named_account(state, command.header, teller);
    if (account == kNone) return;
    state.guards.accounts[account].buckets[at].own = throttle;
    note_account(state, account);
  } else {
    const bool kept = state.guards.sessions.find(terms.session) != kNone;
    if (!kept && throttle.rate != 0 && !has_session_room(state)) {
      refuse(teller, command.header, Reason::capacity, Scope::venue);
      return;
    }
    if (kept || throttle.rate != 0) keep_session(state, terms.session).buckets[at].own = throttle;
  }
  note_guards(state);
  teller.tell<ThrottleChanged>(0, command.header.account).terms = terms;
}

}  // namespace quantumcore
