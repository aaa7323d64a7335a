#pragma once

#include "quantumcore/submission.hpp"

/// Several orders as one act: all of them are accepted, or none is.
namespace quantumcore {

inline constexpr u32 kMostOfAct = 100;

/// The members, and what judging them has found.
struct Act {
  const std::byte* members;  // whole SubmitAdvancedOrder, one after the other
  Judged* judged;            // one of each
  u32 count;
  u8 link;  // how they are tied to each other; 0: not at all

  const SubmitAdvancedOrder& member(u32 i) const {
    return reinterpret_cast<const SubmitAdvancedOrder*>(members)[i];
  }
  const SubmitOrder& order(u32 i) const { return member(i).order; }
  /// Null: it has none.
  const OrderTerms* terms(u32 i) const {
    const OrderTerms& terms = member(i).terms;
    return is_empty(terms) ? nullptr : &terms;
  }
  /// Whether the member waits for its parent.
  bool waits(u32 i) const { return link > kOco && i > 0; }
  /// Only one of them can trade, so what they need and reduce counts once.
  bool is_pair() const { return link == kOco; }
};

/// Whether these bytes are a good SubmitAdvancedOrder.
bool member_is_good(const SubmitAdvancedOrder& m);
bool same_id(const SubmitOrder& a, const SubmitOrder& b);
/// Accepts all members of an act whose content is good, and lets those that wait for nothing take
/// and rest in turn; or tells why none is accepted.
void submit_act(State& state, const CommandHeader& header, const std::byte* members, u32 count,
                u8 link, Teller& teller);

// ---- what a link adds (linked.cpp) --------------------------------------------------------------

/// Ties the orders of an act that are made and not yet told.
void tie_members(State& state, const Act& act, const u32* slots, u64 sequence);
void tell_linked(const CommandHeader& header, const Act& act, const u32* slots, Teller& teller);

// ---- an order beside those before it in its act -------------------------------------------------

/// Lots by which those before may bring the position nearer to zero.
i128 reducing_beside(const Seat& seat, const Judged& j);
/// Lots of those before that work on its side whatever becomes of it.
i128 lots_before(const Seat& seat, const Judged& j);
/// Lots that it and those before bring to its side; a pair counts once.
i128 lots_with_those_before(const Seat& seat, const Judged& j);
/// The same in money, `own` of it: all in its currency, or only in its instrument.
i128 worth_with_those_before(const Seat& seat, const Judged& j, bool here, i64 own);
/// How many of those before are of its instrument.
u32 open_before(const Seat& seat, const Judged& j);
/// What the first `count` of an act would work on a side of an instrument.
i128 lots_of_members(const Act& act, u32 count, const Instrument& instrument, bool sell);
/// Lots of those before on its side in its instrument.
i128 closing_beside(const Seat& seat, const Judged& j);
/// What those before hold of a currency, by its slot.
i64 held_beside(const Seat& seat, u16 currency);
/// AMOUNT_OVERFLOW: what a sell could bring of those before.
bool judge_product_beside(const State& state, const Seat& seat, const Judged& j, Refusal& why);
/// POST_ONLY: it would trade, with the book or with one before.
bool judge_post_only_beside(const Seat& seat, const Judged& j, Refusal& why);
/// QTY_OVERFLOW, and whether a window is left; finds whether it opens one.
bool judge_room_beside(const State& state, const Seat& seat, Judged& j, bool& room, Refusal& why);
/// How many new balances it and those before may need.
u64 balances_of_act(const Seat& seat, const Judged& j);

}  // namespace quantumcore
