#include <algorithm>

#include "quantumcore/actions.hpp"

/// What an action brings one account. Nothing is rounded but here: lots toward zero, money against
/// whoever it is, once for an account.
namespace quantumcore {

namespace {

i64 total_of(const State& state, u32 account, u16 currency) {
  const u32 row = state.accounts.find_balance(account, currency);
  return row == kNone ? 0 : state.accounts.balance(row).total;
}

i128 held_in(const State& state, u32 account, const Instrument& instrument) {
  const u32 row = state.positions.find(account, state.slot_of(instrument));
  return row == kNone ? i128{0} : state.positions[row].lots;
}

/// Refuses what no account may have.
class Judge {
 public:
  Judge(u32 account, ActionFault& fault) : account_(account), fault_(fault) {}

  bool small(i128 value) {
    if (value >= -kMostHeld && value <= kMostHeld) return true;
    fault_.account = account_;
    const i128 size = value < 0 ? -value : value;
    return fault_.why.no(Reason::amount_overflow, Scope::account, 0, kMostHeld,
                         std::min<i128>(size, static_cast<i128>(kHuge)));
  }

 private:
  const u32 account_;  // its number
  ActionFault& fault_;
};

/// n / d, cut toward zero, as C++ divides.
struct Cut {
  i128 whole;
  i128 rest;
};
Cut cut(i128 n, u128 d) {
  const i128 by = static_cast<i128>(d);
  return {n / by, n % by};
}

/// Whole lots for what is held; what is less than a lot is counted, to be paid. What is set aside
/// stays so, as far as it is whole.
bool by_ratio(const ActionMeaning& m, i128 own, i128 aside, Judge& judge, Share& s) {
  const i128 each = m.got.asset_per_lot;
  const i128 num = static_cast<i128>(m.lots_num);
  const Cut all = cut((own + aside) * num, m.fraction);
  if (!judge.small(all.whole) || !judge.small(all.whole * each)) return false;
  const Cut kept = cut(aside * num, m.fraction);
  if (!judge.small(kept.whole) || !judge.small(kept.whole * each)) return false;
  const i128 made = cut(s.before * num, m.lots_den).whole;
  const i128 total = all.whole * each;
  const i128 set_aside = kept.whole * each;
  s.counted = all.rest;
  if (m.kind() == kSpinOff) {
    s.target_asset = total;
    s.target_quantity += made;
  } else if (m.moves_target()) {
    s.asset = -own;
    s.collateral = -aside;
    s.quantity = 0;
    s.target_asset = total - set_aside;
    s.target_collateral = set_aside;
    s.target_quantity += made;
  } else {
    s.asset = total - set_aside - own;
    s.collateral = set_aside - aside;
    s.quantity = made;
  }
  return true;
}

/// The option goes for nothing, and its target changes hands at the strike.
bool exercised_at_strike(const ActionMeaning& m, i128 own, i128 aside, i64 exercised, Judge& judge,
                         Share& s) {
  const i128 each = m.instrument.asset_per_lot;
  i128 closed = exercised;
  if (m.for_all()) {
    closed = (own + aside) / each;
    s.quantity = 0;
    s.asset = -own;
    s.collateral = -aside;
  } else {
    s.quantity -= closed;
    s.asset = -closed * each;
  }
  i128 bought = closed * static_cast<i128>(m.lots_num);
  if (!judge.small(bought)) return false;
  if (m.terms().right != kCall) bought = -bought;
  s.target_quantity += bought;
  if (!judge.small(bought * m.got.asset_per_lot)) return false;
  s.target_asset = bought * m.got.asset_per_lot;
  s.counted = -bought;
  return true;
}

bool judge_all(const ActionMeaning& m, Judge& judge, const Share& s) {
  const i128 each = m.instrument.asset_per_lot;
  const i128 got = m.got.asset_per_lot;
  return judge.small(s.before) && judge.small(s.before * each) && judge.small(s.quantity) &&
         judge.small(s.quantity * each) && judge.small(s.target_before) &&
         judge.small(s.target_before * got) && judge.small(s.target_quantity) &&
         judge.small(s.target_quantity * got) && judge.small(s.asset) &&
         judge.small(s.collateral) && judge.small(s.target_asset) &&
         judge.small(s.target_collateral);
}

}  // namespace

i64 short_lots(const State& state, const ActionMeaning& m, u32 account) {
  const i64 total = total_of(state, account, m.instrument.base);
  return total >= 0 ? 0 : static_cast<i64>(-static_cast<i128>(total) / m.instrument.asset_per_lot);
}

Touched measure_share(const State& state, const ActionMeaning& m, u32 account, i64 exercised,
                      Share& share, ActionFault& fault) {
  const i128 own = total_of(state, account, m.instrument.base);
  const i128 aside = total_of(state, account, static_cast<u16>(m.instrument.base | kCollateral));
  const i128 before = held_in(state, account, m.instrument);
  const bool moves_lots = m.changes_base() || m.kind() == kSpinOff;
  const bool holds = own != 0 || aside != 0 || (before != 0 && moves_lots);
  if (!(m.for_all() ? holds : exercised != 0)) return Touched::no;
  Judge judge(state.accounts[account].id, fault);
  Share& s = share;
  s = Share{};
  s.before = s.quantity = before;
  if (m.moves_target()) s.target_before = s.target_quantity = held_in(state, account, m.got);
  if (!judge.small(s.before) || !judge.small(s.target_before)) return Touched::refused;
  bool fits = true;
  if (m.by_ratio()) {
    fits = by_ratio(m, own, aside, judge, s);
  } else if (m.kind() == kExercise) {
    fits = exercised_at_strike(m, own, aside, exercised, judge, s);
  } else if (m.kind() == kFunding) {
    s.counted = m.terms().rate > 0 ? -(own + aside) : own + aside;
  } else if (m.kind() == kBorrowFee) {
    s.counted = std::min<i128>(own + aside, 0);
  } else {
    s.counted = own + aside;
  }
  if (m.kind() == kSettlement) {
    s.quantity = 0;
    s.asset = -own;
    s.collateral = -aside;
  }
  if (!fits || !judge_all(m, judge, s)) return Touched::refused;
  s.money = m.worth.floor(s.counted);
  fits = judge.small(s.money);
  if (fits && m.kind() == kSettlement) {  // a position may be more than is held, and is settled too
    fits = judge.small(m.worth.floor(s.before * m.instrument.asset_per_lot));
  }
  return fits ? Touched::yes : Touched::refused;
}

}  // namespace quantumcore
