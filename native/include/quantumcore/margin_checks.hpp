#pragma once

#include "quantumcore/gate.hpp"

/// What an account is worth, what it needs, and whether an order may add to that
/// (docs/reference/engine.md section 17).
namespace quantumcore {

// ---- sums (margin_sums.cpp) ---------------------------------------------------------------------

/// Lists the positions of an account in a currency (slot) as legs, those of one underlying
/// together where they are scanned; returns how many. Cost: one look at each of its positions.
u32 list_legs(const State& state, u32 account, u16 currency);
/// The same with an order and those before it in its act working; finds the order's own leg, and
/// what that was without the order.
void list_legs_with(const State& state, const Instrument& instrument, const Beside& beside,
                    const Wish& wish, MarginFinding& found);
/// Sums the legs that are listed; `own`: the one whose gross worth is told alone, or kNone.
MarginSums sum_legs(const State& state, u32 account, u16 currency, u32 count, u32 own = kNone);
/// What the legs that are listed come to of one greek, either way, minor units.
i128 sum_greek(const State& state, u16 currency, u32 count, i64 GreekTerms::* greek);

// ---- judgement (margin_checks.cpp) --------------------------------------------------------------

/// Whether an account has a profile or a day in a currency, or limits of risk apply there that ask
/// for neither.
bool has_margin(const State& state, u32 account, u16 currency);
/// STALE_REF, AMOUNT_OVERFLOW, EXPOSURE. What follows in the judgement of the same order asks for
/// what this has found.
bool judge_exposure(const State& state, const Instrument& instrument, const Beside& beside,
                    const Wish& wish, Refusal& why);
/// NO_FUNDS by margin, LOSS_LIMIT, DRAWDOWN.
bool judge_margin(const State& state, const Instrument& instrument, u32 account, Refusal& why);
/// GREEKS.
bool judge_greeks(const State& state, const Instrument& instrument, u32 account, Refusal& why);
/// STALE_REF, AMOUNT_OVERFLOW, INSUFFICIENT: what is to leave a balance, or to be held of it, is
/// margin.
bool judge_free(const State& state, u32 account, u16 currency, i64 amount, Refusal& why);
/// What an account is worth in a currency and what it needs there, as things are, with the numbers
/// of its day.
MarginSums look_at(const State& state, u32 account, u16 currency);
/// STALE_REF, AMOUNT_OVERFLOW of a look.
bool judge_looked(const State& state, u16 currency, const MarginSums& sums, Refusal& why);
/// Marks sums as too large where the numbers of a day are.
void note_day_size(const State& state, u32 account, u16 currency, MarginSums& sums);
/// Flags loss and drawdown of a day by the limits that apply.
u8 day_flags(const State& state, const AccountMargin& day, i128 result);

// ---- how an account stands (margin_assess.cpp) --------------------------------------------------

/// How an account stands in a currency, by their ids, as AssessMargin would tell it but for its
/// header, currency and count; zeros where one of them is unknown. Nothing changes. Cost: one look
/// at each of its positions.
MarginAssessed margin_of(const State& state, u64 account, u16 currency);
/// A transfer has changed a balance by so much.
void note_deposit(State& state, u32 account, u16 currency, i64 change);

}  // namespace quantumcore
