#pragma once

#include "quantumcore/events.hpp"
#include "quantumcore/gate.hpp"

/// What a submission alone and submissions as one act have in common.
namespace quantumcore {

/// What judging a submission found out, so that applying needs no second look.
struct Judged {
  Instrument* instrument = nullptr;
  u32 account = kNone;
  u32 tag = 0;         // of (account, client id)
  u32 paying = kNone;  // the balance that the hold is taken from, once there is one
  Wish wish;
  OrderRecord order{};  // rates as of now, nothing filled
  bool plain;
  bool rests;        // may rest once it is active; wish.may_rest: now
  OrderTerms terms;  // in ticks, lots and minor units; only when not plain
};

/// Where an order stands among those that are submitted in one act with it.
struct Seat {
  u32 before = 0;                 // accepted before it
  bool waits = false;             // for its parent: it enters no book and holds nothing yet
  u32 windows = 0;                // new ones that those before it need
  const Wish* joining = nullptr;  // that of the order before it, unless it stands in no book
};

/// Content apart from further terms.
bool content_is_good(const SubmitOrder& c);
/// Steps 3 to 14 of engine.md section 5.
bool judge_seated(const State& state, const SubmitOrder& c, const OrderTerms* terms,
                  const Seat& seat, Judged& j, Refusal& why);
/// Remembers the submission under the tag that the search for it used.
u32 remember(State& state, const SubmitOrder& c, const OrderTerms* terms, const Judged& j, u32 slot,
             Fate fate, const Teller& teller);
void tell_rejected(const SubmitOrder& c, const Refusal& why, Teller& teller);
/// Writes the order that was judged into `slot`, with an extra row; it holds nothing yet and is not
/// told. `waits`: for its parent.
void make_order(State& state, const SubmitOrder& c, const OrderTerms* terms, const Judged& j,
                u32 slot, bool waits, const Teller& teller);
/// Tells an order's acceptance, and its terms unless it is a plain one that does not wait.
void tell_accepted(State& state, const SubmitOrder& c, bool plain, u32 slot, Teller& teller);

}  // namespace quantumcore
