#pragma once

#include "quantumcore/advanced.hpp"
#include "quantumcore/events.hpp"
#include "quantumcore/gate.hpp"
#include "quantumcore/rare.hpp"

/// What a submission alone and submissions as one act have in common.
namespace quantumcore {

struct Act;

/// What judging a submission found out, so that applying needs no second look.
struct Judged {
  Instrument* instrument;
  u32 account;
  u32 tag;       // of (account, client id)
  u32 paying;    // the balance that the hold is taken from, kNone until there is one
  u32 position;  // row of the account in the instrument, kNone until there is one
  Wish wish;
  Rates rates;  // as of now
  bool plain;
  bool rests;     // may rest once it is active; wish.may_rest: now
  bool has_row;   // it is not plain, or stands in a call without being able to rest after it
  bool opens;     // of an act: it needs a window that nothing has opened, nor anyone before it
  Beyond beyond;  // only when not plain

  bool is(u32 flag) const { return !plain && (beyond.flags & flag) != 0; }
  /// What it would show where it rests, lots.
  i64 shown() const { return plain ? wish.lots : first_shown(beyond.extra, wish.lots); }
  /// Whether it would stand in a level at once, unless it trades or waits for its parent.
  bool stands() const { return wish.may_rest && !is(kOrderPeg); }
};

/// Where an order stands among those that are submitted in one act with it.
struct Seat {
  const Act* act = nullptr;  // null: it comes alone
  u32 before = 0;            // so many of the act are judged before it
  bool waits = false;        // for its parent: it enters no book and holds nothing yet
};

/// Content apart from further terms.
bool content_is_good(const SubmitOrder& c);
/// Steps 3 to 14 of engine.md section 5.
bool judge_seated(State& state, const SubmitOrder& c, const OrderTerms* terms, const Seat& seat,
                  Judged& j, Refusal& why);
/// The same has come before: the first answer stands.
void tell_repeat(Teller& teller, const CommandHeader& header, const Submission& first);
/// Remembers the submission under the tag that the search for it used.
u32 remember(State& state, const SubmitOrder& c, const OrderTerms* terms, const Judged& j, u32 slot,
             Fate fate, const Teller& teller);
void tell_rejected(const SubmitOrder& c, const Refusal& why, Teller& teller);
/// Writes the order that was judged into `slot`, with a row of its own: it works, holds nothing yet
/// and is in no book.
void make_order(State& state, const SubmitOrder& c, const OrderTerms* terms, const Judged& j,
                u32 slot, bool waits, Teller& teller);
/// Tells the acceptance of such an order, and its terms unless it is a plain one.
void tell_accepted(const State& state, const SubmitOrder& c, const Judged& j, u32 slot,
                   Teller& teller);

}  // namespace quantumcore
