#include "quantumcore/admission.hpp"

/// How an account behaves over time: orders for each trade, trades in a row, the same order again
/// and again (docs/reference/engine.md section 15).
namespace quantumcore {

namespace {

constexpr i64 kDayNs = i64{24} * 3600 * 1'000'000'000;

const Patterns& patterns_of(const State& state, u32 account) {
  return state.guards.patterns[state.guards.accounts[account].patterns - 1];
}
Patterns& patterns_of(State& state, u32 account) {
  return state.guards.patterns[state.guards.accounts[account].patterns - 1];
}

i64 window_of(const Patterns& patterns, i64 now) { return now - now % patterns.terms.ratio_ns; }

/// Begins to count anew when another window has begun.
void turn(Patterns& patterns, i64 now) {
  const i64 window = window_of(patterns, now);
  if (patterns.window == window) return;
  patterns.window = window;
  patterns.orders = patterns.fills = 0;
}

void shorten(i64& mantissa, u8& scale) {
  while (scale != 0 && mantissa % 10 == 0) {
    mantissa /= 10;
    --scale;
  }
}

Sent sent_of(const SubmitOrder& c, i64 now) {
  Sent sent{now,           c.price,          c.quantity, c.header.instrument,
            c.price_scale, c.quantity_scale, c.side,     0};
  shorten(sent.price, sent.price_scale);
  shorten(sent.quantity, sent.quantity_scale);
  return sent;
}

/// REPEAT_LIMIT: it is paused, or has sent too many orders for the trades that it made.
bool judge_orders(const Patterns& patterns, i64 now, Refusal& why) {
  if (patterns.paused != 0) return why.no(Reason::repeat_limit, Scope::account);
  if (patterns.terms.ratio == 0) return true;
  const bool here = patterns.window == window_of(patterns, now);
  const i128 orders = here ? static_cast<i128>(patterns.orders) + 1 : 1;
  const i128 earned = here ? static_cast<i128>(patterns.fills) * patterns.terms.ratio : 0;
  const i128 most = earned > patterns.terms.free_orders ? earned : patterns.terms.free_orders;
  return orders <= most || why.no(Reason::repeat_limit, Scope::account, 0, most, orders);
}

/// DUPLICATE_ORDER: it has just sent the same often enough.
bool judge_duplicate(const Patterns& patterns, const SubmitOrder& c, i64 now, Refusal& why) {
  if (patterns.terms.duplicates == 0) return true;
  const Sent sent = sent_of(c, now);
  const i64 since = now - patterns.terms.duplicates_ns;
  u32 before = 0;
  for (u32 i = patterns.sent.count; i-- != 0 && patterns.sent[i].time_ns > since;) {
    if (patterns.sent[i].same(sent)) ++before;
  }
  return before < patterns.terms.duplicates ||
         why.no(Reason::duplicate_order, Scope::account, 0, patterns.terms.duplicates, before + 1);
}

/// Whether a number is on with a time, or both are off.
bool is_timed(u32 number, i64 time) {
  return number == 0 ? time == 0 : time >= 1 && time <= kDayNs;
}

bool content_is_good(const SetPatterns& c) {
  const PatternTerms& t = c.terms;
  return c.header.reserved == 0 && c.header.instrument == 0 && is_timed(t.ratio, t.ratio_ns) &&
         (t.ratio != 0 || t.free_orders == 0) && is_timed(t.executions, t.executions_ns) &&
         is_timed(t.duplicates, t.duplicates_ns) && t.executions <= kMostFills &&
         t.duplicates < kMostSent;
}

}  // namespace

bool judge_patterns(const State& state, u32 account, const SubmitOrder* sent, Refusal& why) {
  const Patterns& patterns = patterns_of(state, account);
  return judge_orders(patterns, state.time_ns, why) &&
         (sent == nullptr || judge_duplicate(patterns, *sent, state.time_ns, why));
}

void count_patterns(State& state, u32 account, const SubmitOrder* sent) {
  Patterns& patterns = patterns_of(state, account);
  if (patterns.terms.ratio != 0) {
    turn(patterns, state.time_ns);
    ++patterns.orders;
  }
  if (sent != nullptr && patterns.terms.duplicates != 0) {
    patterns.sent.push(sent_of(*sent, state.time_ns));
  }
}

void count_execution(State& state, u32 account) {
  Patterns& patterns = patterns_of(state, account);
  const i64 now = state.time_ns;
  if (patterns.terms.ratio != 0) {
    turn(patterns, now);
    ++patterns.fills;
  }
  const u32 most = patterns.terms.executions;
  if (most == 0) return;
  auto& times = patterns.fill_times;
  times.push(now);
  if (patterns.paused != 0 || times.count < most ||
      times[times.count - most] <= now - patterns.terms.executions_ns) {
    return;
  }
  patterns.paused = 1;
  trip(state, kPausedByExecutions, state.guards.patterns.index_of(patterns));
}

void forget_executions(State& state, u32 account) {
  if ((state.accounts[account].guarded & kGuardPatterns) == 0) return;
  Patterns& patterns = patterns_of(state, account);
  patterns.paused = 0;
  patterns.fill_times.first = patterns.fill_times.count = 0;
}

void set_patterns(State& state, const SetPatterns& command, Teller& teller) {
  if (!content_is_good(command)) {
    tell_bad(teller, command.header);
    return;
  }
  const u32 account = named_account(state, command.header, teller);
  if (account == kNone) return;
  auto& known = state.guards.patterns;
  if (known.full() && known.find({account}) == kNone) {
    refuse(teller, command.header, Reason::capacity, Scope::venue);
    return;
  }
  Patterns& patterns = known.make({account});
  patterns.terms = command.terms;
  state.guards.accounts[account].patterns = known.index_of(patterns) + 1;
  note_account(state, account);
  teller.tell<PatternsChanged>(0, command.header.account).terms = command.terms;
}

}  // namespace quantumcore
