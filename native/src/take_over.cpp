#include <cstdlib>

#include "quantumcore/commands.hpp"
#include "quantumcore/margin_checks.hpp"

/// A position of who is worth less than nothing goes to another account
/// (docs/reference/engine.md section 17).
namespace quantumcore {

namespace {

constexpr i64 kLeastI64 = -kMaxI64 - 1;

/// What one account gives another, minor units; 0: nothing.
struct Flow {
  u32 from;
  u32 to;
  u16 currency;  // slot
  i128 amount;
};

Flow flow_of(u32 from, u32 to, u16 currency, i128 amount) {
  return amount < 0 ? Flow{to, from, currency, -amount} : Flow{from, to, currency, amount};
}

/// What is asked for, by slots.
struct Taking {
  const Instrument& instrument;
  u32 slot;  // of the instrument
  u32 giver;
  u32 taker;
  i64 lots;
  Flow asset;
  Flow money;
};

bool content_is_good(const TakeOver& c) {
  return c.header.reserved == 0 && c.lots != 0 && c.lots != kLeastI64 && c.money != kLeastI64 &&
         c.taker != c.header.account;
}

i128 lots_of(const State& state, u32 account, u32 instrument) {
  const u32 row = state.positions.find(account, instrument);
  return row == kNone ? i128{0} : state.positions[row].lots;
}

/// REDUCE_ONLY: who gives would come to stand on the other side, or further out.
bool judge_nearer(const State& state, const Taking& t, Refusal& why) {
  const i128 held = lots_of(state, t.giver, t.slot);
  const bool alike = (held < 0) == (t.lots < 0);
  return judge_reduce_only(t.instrument, alike ? magnitude(held) : i128{0}, std::abs(t.lots), why);
}

/// NOT_LIQUIDATED: who gives is not on margin, or not worth less than nothing; STALE_REF,
/// AMOUNT_OVERFLOW: nobody knows.
bool judge_liquidated(const State& state, u32 giver, u16 currency, Refusal& why) {
  const AccountMargin* const margin = state.margin.find(giver, currency);
  if (margin == nullptr || margin->profile == kNoMargin) {
    return why.no(Reason::not_liquidated, Scope::account);
  }
  const MarginSums sums = look_at(state, giver, currency);
  if (!judge_looked(state, currency, sums, why)) return false;
  return sums.equity < 0 || why.no(Reason::not_liquidated, Scope::account,
                                   state.currencies[currency].scale, 0, sums.equity);
}

bool judge_there(const State& state, const Flow& flow, Refusal& why) {
  return flow.amount == 0 || judge_available(state, flow.from, flow.currency, flow.amount, why);
}

/// AMOUNT_OVERFLOW: the position of who takes would be more than is kept.
bool judge_taken(const State& state, const Taking& t, Refusal& why) {
  const i128 lots = magnitude(lots_of(state, t.taker, t.slot) + t.lots);
  const Grid grid = t.instrument.lot_grid();
  return lots <= kMaxI64 || why.no(Reason::amount_overflow, Scope::account, grid.scale,
                                   told_lots(kMaxI64, grid), told_lots(lots, grid));
}

/// CAPACITY: of balances, for what is got, or of positions.
bool judge_rows(const State& state, const Taking& t, Refusal& why) {
  u64 missing = 0;
  for (const Flow& flow : {t.asset, t.money}) {
    const bool there = state.accounts.find_balance(flow.to, flow.currency) != kNone;
    if (flow.amount != 0 && !there) ++missing;
  }
  const bool full = state.positions.count() >= state.config.max_balances &&
                    state.positions.find(t.taker, t.slot) == kNone;
  return (missing <= state.accounts.balances_left() && !full) ||
         why.no(Reason::capacity, Scope::venue);
}

bool judge(const State& state, const Taking& t, Refusal& why) {
  return judge_nearer(state, t, why) && judge_liquidated(state, t.giver, t.instrument.quote, why) &&
         judge_credit(state.accounts[t.giver], why) && judge_credit(state.accounts[t.taker], why) &&
         judge_there(state, t.asset, why) && judge_there(state, t.money, why) &&
         judge_taken(state, t, why) && judge_rows(state, t, why);
}

void move(State& state, const Flow& flow) {
  if (flow.amount == 0) return;
  const i64 amount = static_cast<i64>(flow.amount);
  const u32 from = state.accounts.make_balance(flow.from, flow.currency);
  const u32 to = state.accounts.make_balance(flow.to, flow.currency);
  const bool under = __builtin_sub_overflow(state.accounts.balance(from).total, amount,
                                            &state.accounts.balance(from).total);
  const bool over = __builtin_add_overflow(state.accounts.balance(to).total, amount,
                                           &state.accounts.balance(to).total);
  QC_ASSERT(!under && !over);
}

void apply(State& state, const Taking& t, const TakeOver& command, Teller& teller) {
  move(state, t.asset);
  move(state, t.money);
  const u32 given = move_position(state, t.giver, t.slot, -i128{t.lots});
  const u32 taken = move_position(state, t.taker, t.slot, t.lots);
  PositionTaken& event = teller.tell<PositionTaken>(t.instrument.id, command.header.account);
  event.taker = command.taker;
  event.lots = command.lots;
  event.money = command.money;
  event.asset = command.lots * t.instrument.asset_per_lot;
  event.position = static_cast<i64>(state.positions[given].lots);
  event.taker_position = static_cast<i64>(state.positions[taken].lots);
  event.base = t.instrument.terms.base;
  event.quote = t.instrument.terms.quote;
  trim(state, given, teller);
  trim(state, taken, teller);
}

}  // namespace

void take_over(State& state, const TakeOver& command, Teller& teller) {
  if (!state.accounting() || !content_is_good(command)) {
    tell_bad(teller, command.header);
    return;
  }
  const Instrument* const instrument = named_instrument(state, command.header, teller);
  if (instrument == nullptr) return;
  const u32 giver = named_account(state, command.header, teller);
  if (giver == kNone) return;
  const u32 taker = state.accounts.find(command.taker);
  if (taker == kNone) {
    refuse(teller, command.header, Reason::unknown_account, Scope::account);
    return;
  }
  const i128 asset = static_cast<i128>(command.lots) * instrument->asset_per_lot;
  const Taking taking{*instrument,
                      state.slot_of(*instrument),
                      giver,
                      taker,
                      command.lots,
                      flow_of(giver, taker, instrument->base, asset),
                      flow_of(taker, giver, instrument->quote, command.money)};
  Refusal why;
  if (!judge(state, taking, why)) {
    tell_refused(teller, command.header, why);
    return;
  }
  apply(state, taking, command, teller);
}

}  // namespace quantumcore
