#pragma once

#include "quantumcore/commands.hpp"
#include "quantumcore/events.hpp"
#include "quantumcore/gate.hpp"

/// Who may send a command, and how often (docs/reference/engine.md section 15). Judging changes
/// nothing; what passed is counted afterwards, whatever was said of it.
namespace quantumcore {

// What is due of an order once its lots and price are known.
inline constexpr u8 kDueReducing = 1;    // it may only reduce
inline constexpr u8 kDueProtection = 2;  // its account may be frozen

/// Whether anything of this may stop a command of the account, but for what hangs on an instrument.
[[gnu::always_inline]] inline bool is_guarded(const State& state, const Account& account) {
  return (state.guarded | account.killed | account.barred | account.guarded) != 0;
}

/// Whether an instrument has a switch, a list or the rules of short sales.
[[gnu::always_inline]] inline bool is_guarded(const Instrument& instrument) {
  return (instrument.rare & kRareGuarded) != 0;
}

/// Who sends what.
struct Sender {
  u32 account;  // slot
  u32 session;
  const Instrument& instrument;
};

/// Whether nothing but buckets can stop a command, which is as venues run.
inline bool is_only_throttled(const State& state, const Sender& sender) {
  const Account& account = state.accounts[sender.account];
  return ((state.guarded & ~kGuardThrottles & ~kGuardSessions) | account.killed | account.barred |
          (account.guarded & ~kGuardOwnThrottles)) == 0 &&
         !is_guarded(sender.instrument) && state.guards.sessions_on == 0;
}

/// NOT_ENTITLED, KILLED, ACCOUNT_FROZEN, ACCOUNT_CLOSED; finds what is due later.
bool judge_sender(const State& state, const Sender& sender, u8& due, Refusal& why);
/// THROTTLED, REPEAT_LIMIT and, of a submission, DUPLICATE_ORDER.
bool judge_rate(const State& state, const Sender& sender, u8 of_class, const SubmitOrder* sent,
                Refusal& why);
/// Takes the tokens and counts what passed that.
void count_rate(State& state, u32 account, u32 session, u8 of_class, const SubmitOrder* sent);
/// THROTTLED of a cancel or mass cancel; one that passes is counted.
bool admit_cancel(State& state, u32 account, u32 session, u8 of_class, Refusal& why);

/// KILLED, HALTED of what does not reduce. `besides` count as if they did not work, `before` lots
/// are for others of its act.
bool judge_reducing(const State& state, const Sender& sender, bool sell, i64 lots,
                    const Besides& besides, i128 before, Refusal& why);
/// What judging a replacement has found of that.
struct Admission {
  bool counts;  // it got past the checks of who sends it, and how often
  u8 due;       // kDue*
};
/// All that is judged of a replacement before what it asks, where anything of that may stop it.
[[gnu::noinline]] bool admits_replacement(const State& state, u32 slot, u32 session,
                                          Admission& found, Refusal& why);
/// KILLED, HALTED and RESTRICTED of an order that would become as wished.
[[gnu::noinline]] bool judge_guards_of(const State& state, u32 slot, u32 session, const Wish& wish,
                                       u8 due, Refusal& why);

/// Cancels what does not reduce of an account in the instruments of a currency (slot), as a switch
/// in mode reduce_only does; returns how many ended.
u32 cancel_not_reducing(State& state, u32 account, u16 currency, CancelReason reason,
                        Teller& teller);

/// RESTRICTED by a list.
bool judge_restriction(const State& state, const Sender& sender, Refusal& why);

/// What lots need of the base, as far as 63 bits go.
inline i64 base_need(const Instrument& instrument, i64 lots) {
  i64 need = kMaxI64;
  return __builtin_mul_overflow(lots, instrument.asset_per_lot, &need) ? kMaxI64 : need;
}

/// A sell as the rules of short sales see it.
struct ShortSale {
  u8 type;
  u16 flags;
  i64 price;
  i128 need;    // what its hold would add, minor units of the base
  i128 before;  // what others of its act hold of it
};
/// RESTRICTED: without locate, or below the best bid while the price test is in force.
bool judge_short(const State& state, u32 account, const Instrument& instrument,
                 const ShortSale& sale, Refusal& why);
/// MMP: the account is frozen in the underlying.
bool judge_protection(const State& state, const Sender& sender, Refusal& why);

// ---- parts of that ------------------------------------------------------------------------------

/// The session by which an order came; 0: none.
u32 session_of(const State& state, u32 slot);
/// Whether one more session can be kept, and its row, made if need be: idle ones are forgotten.
bool has_session_room(const State& state);
Session& keep_session(State& state, u32 number);
bool judge_buckets(const State& state, u32 account, u32 session, u8 of_class, Refusal& why);
void take_tokens(State& state, u32 account, u32 session, u8 of_class);
bool judge_patterns(const State& state, u32 account, const SubmitOrder* sent, Refusal& why);
void count_patterns(State& state, u32 account, const SubmitOrder* sent);
/// KILLED by a switch that stops everything.
bool judge_levels(const State& state, const Sender& sender, Refusal& why);
/// Whether a switch, or the account's state, asks that an order reduces.
bool may_only_reduce(const State& state, const Sender& sender);

// ---- fills, and what follows from them ----------------------------------------------------------

void count_execution(State& state, u32 account);
void forget_executions(State& state, u32 account);
/// Somebody is to be told that he is paused.
void trip(State& state, u32 cause, u32 row);
/// Freezes an account in an underlying that is not frozen.
void freeze(State& state, Protection& protection, i64 until_ns);
/// Counts a fill of an account that is watched.
void note_fill(State& state, u32 account, const Instrument& instrument, bool sell, i64 lots);
/// Counts a fill, or (times -1) forgets it.
void add(Protection& protection, const CountedFill& fill, int times);
/// Does what follows for those that tripped, in the order in which they did.
void end_tripped(State& state, Teller& teller);
/// Tells of the freezes whose time is over.
void end_freezes(State& state, Teller& teller);

/// Says again which parts of it are in use.
void note_guards(State& state);
void note_account(State& state, u32 account);
void note_class(State& state, Instrument& instrument);

}  // namespace quantumcore
