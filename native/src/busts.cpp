#include "quantumcore/commands.hpp"
#include "quantumcore/gate.hpp"

/// An operator's correction of a print (docs/reference/orders.md section 9).
namespace quantumcore {

namespace {

constexpr u8 kUndone = 1;
constexpr u8 kRepriced = 2;

/// What one balance gains, minor units.
struct Gain {
  u32 account;   // slot
  u16 currency;  // slot
  i128 amount;
};

/// What a correction moves: buyer's quote and base, seller's quote and base.
struct Moves {
  Gain gains[4];
  i128 fees;  // given back by the house
  i128 rest;  // what the two sides leave over, borne by the house's equity
};

u32 trade_tag(u64 sequence, u32 fill) { return tag_of(mum(sequence ^ kHash1, fill ^ kHash2)); }

bool content_is_good(const BustTrade& c) {
  const BustedTrade& t = c.trade;
  return c.header.reserved == 0 && c.header.account == 0 && t.trade_sequence > 0 &&
         (t.action == kUndone || t.action == kRepriced) && all_zero(t.reserved);
}

bool measure(const State& state, const Instrument& instrument, const BustedTrade& t, u32 buyer,
             u32 seller, Moves& moves, Refusal& why) {
  const bool undone = t.action == kUndone;
  if (undone && (t.quantity <= 0 || t.paid_back < 0 || t.received_back < 0)) {
    return why.no(Reason::bad_amount, Scope::none);
  }
  const i128 asset = undone ? static_cast<i128>(t.quantity) * instrument.asset_per_lot : i128{0};
  if (asset > kMaxI64) {
    return why.no(Reason::amount_overflow, Scope::none, state.base_of(instrument).scale, kMaxI64,
                  asset);
  }
  moves.gains[0] = {buyer, instrument.quote, static_cast<i128>(t.paid_back) + t.buyer_fee_back};
  moves.gains[1] = {buyer, instrument.base, -asset};
  moves.gains[2] = {seller, instrument.quote,
                    static_cast<i128>(t.seller_fee_back) - t.received_back};
  moves.gains[3] = {seller, instrument.base, asset};
  if (buyer == seller) {  // one account, two balances
    moves.gains[0].amount += moves.gains[2].amount;
    moves.gains[1].amount = 0;
    moves.gains[2].amount = moves.gains[3].amount = 0;
  }
  moves.fees = static_cast<i128>(t.buyer_fee_back) + t.seller_fee_back;
  moves.rest = static_cast<i128>(t.paid_back) - t.received_back;
  return true;
}

/// INSUFFICIENT: a balance would fall below what is held of it, or the house's fees less its
/// rebates below nothing; AMOUNT_OVERFLOW; CAPACITY.
bool judge(const State& state, const Instrument& instrument, const Moves& moves, Refusal& why) {
  u64 missing = 0;
  for (u32 i = 0; i < 4; ++i) {
    const Gain& gain = moves.gains[i];
    const Account& owner = state.accounts[gain.account];
    if (!(gain.amount < 0 ? judge_debit(owner, why) : judge_credit(owner, why))) return false;
    if (gain.amount < 0 &&
        !judge_available(state, gain.account, gain.currency, -gain.amount, why)) {
      return false;
    }
    const bool again = i >= 2 && gain.account == moves.gains[i - 2].account;
    if (!again && state.accounts.find_balance(gain.account, gain.currency) == kNone) ++missing;
  }
  const Currency& house = state.quote_of(instrument);
  const i128 earned = house.fees - house.rebates - state.houses[instrument.quote].fees_back;
  if (earned < moves.fees) {
    return why.no(Reason::insufficient, Scope::venue, house.scale, earned, moves.fees);
  }
  if (!judge_bound(state, instrument.quote, moves.fees + moves.rest, 0, why)) return false;
  if (state.bust_count >= kMaxBusts || state.accounts.balances_left() < missing ||
      u64{state.positions.count()} + 2 > state.config.max_balances) {
    return why.no(Reason::capacity, Scope::venue);
  }
  return true;
}

void apply(State& state, Instrument& instrument, const BustedTrade& t, const Moves& moves) {
  for (const Gain& gain : moves.gains) {
    const u32 row = state.accounts.make_balance(gain.account, gain.currency);
    state.accounts.balance(row).total += static_cast<i64>(gain.amount);
  }
  House& house = state.houses[instrument.quote];
  house.fees_back += moves.fees;
  house.moved[kEquity] -= moves.rest;
  state.owe(instrument.quote, static_cast<i64>(moves.fees + moves.rest));
  remember_bust(state, Bust{t.trade_sequence, state.sequence, t.fill, 0});
}

void bust(State& state, Instrument& instrument, const BustTrade& command, Teller& teller) {
  const BustedTrade& t = command.trade;
  const u32 buyer = state.accounts.find(t.buyer);
  const u32 seller = state.accounts.find(t.seller);
  if (buyer == kNone || seller == kNone) {
    refuse(teller, command.header, Reason::unknown_account, Scope::account);
    return;
  }
  const u32 known = state.busts_by_trade.find(trade_tag(t.trade_sequence, t.fill), [&](u32 row) {
    return state.busts[row].trade_sequence == t.trade_sequence && state.busts[row].fill == t.fill;
  });
  if (known != kNone) {
    tell_done(teller, command.header, kRepeat).order_sequence = state.busts[known].sequence;
    return;
  }
  Moves moves{};
  Refusal why;
  if (!measure(state, instrument, t, buyer, seller, moves, why) ||
      !judge(state, instrument, moves, why)) {
    tell_refused(teller, command.header, why);
    return;
  }
  apply(state, instrument, t, moves);
  TradeBusted& event = teller.tell<TradeBusted>(instrument.id, 0);
  event.trade = t;
  event.quote = instrument.terms.quote;
  event.base = instrument.terms.base;
  const i128 lots = t.action == kUndone ? t.quantity : 0;
  const u32 slot = state.slot_of(instrument);
  if (lots == 0) return;
  const u32 bought = move_position(state, buyer, slot, -lots);
  const u32 sold = move_position(state, seller, slot, lots);
  trim(state, bought, teller);
  trim(state, sold, teller);
}

}  // namespace

void remember_bust(State& state, const Bust& bust) {
  const u32 row = state.bust_count++;
  state.busts[row] = bust;
  state.busts_by_trade.insert(trade_tag(bust.trade_sequence, bust.fill), row);
}

void bust_trade(State& state, const BustTrade& command, Teller& teller) {
  if (!state.accounting() || !content_is_good(command)) {
    tell_bad(teller, command.header);
    return;
  }
  Instrument* const instrument = named_instrument(state, command.header, teller);
  if (instrument == nullptr) return;
  bust(state, *instrument, command, teller);
}

}  // namespace quantumcore
