#include "quantumcore/group_draft.hpp"

#include <algorithm>

#include "quantumcore/gate.hpp"
#include "quantumcore/holds.hpp"

/// What a group of transfers would move (docs/reference/engine.md section 11).
namespace quantumcore {

bool Draft::add(const Leg& leg, Refusal& why) {
  const u16 currency = static_cast<u16>(state_.find_currency(leg.currency));
  Sum& sum = sum_of(currency);
  const Side sides[2] = {debit_of(leg), credit_of(leg)};
  Moved* moved[2] = {&moved_of(sides[0], currency), &moved_of(sides[1], currency)};
  if (leg.hold != 0) {
    if (!judge_capture(leg, why)) return false;
  } else if (leg.amount != 0 && !judge_debit(sides[0], currency, *moved[0], leg.amount, why)) {
    return false;
  }
  for (u32 i = 0; i < 2; ++i) {
    // What is captured was held: what is available stays.
    if (i != 0 || leg.hold == 0) moved[i]->amount += sides[i].sign() * leg.amount;
    if (!sides[i].is_house()) sum.owed += sides[i].debit ? -i128{leg.amount} : leg.amount;
  }
  if (leg.amount != 0 && !sides[0].is_house() && !sides[0].is_collateral()) {
    overdraw(*moved[0], sum);
  }
  return judge_bound(state_, currency, sum.owed, sum.deeper, why);
}

u64 Draft::new_balances() const {
  return static_cast<u64>(std::count_if(moved_, moved_ + count_, [](const Moved& m) {
    return m.account != kNone && m.row == kNone;
  }));
}

void Draft::keep(State& state) const {
  for (u32 i = 0; i < sums_count_; ++i) {
    state.houses[sums_[i].currency].floors += static_cast<i64>(sums_[i].deeper);
  }
  for (u32 i = 0; i < count_; ++i) {
    const Moved& m = moved_[i];
    if (!m.deeper) continue;
    const u32 row = state.accounts.find_balance(m.account, m.currency);
    state.accounts.credit_of(row).overdrawn = static_cast<i64>(m.overdrawn);
  }
}

Draft::Moved& Draft::moved_of(const Side& side, u16 currency) {
  const u32 account = side.is_house() ? kNone : state_.accounts.find(side.account);
  const u16 kept = static_cast<u16>(
      side.is_collateral() && !side.is_house() ? currency | kCollateral : currency);
  const u8 place = side.is_house() ? side.place() : kHousePlaces;
  for (u32 i = 0; i < count_; ++i) {
    if (moved_[i].account == account && moved_[i].currency == kept && moved_[i].place == place) {
      return moved_[i];
    }
  }
  const u32 row = side.is_house() ? kNone : state_.accounts.find_balance(account, kept);
  i128 overdrawn = 0;
  if (row != kNone && state_.accounts.balance(row).credit != 0) {
    overdrawn = state_.accounts.credit(state_.accounts.balance(row).credit - 1).overdrawn;
  }
  moved_[count_] = Moved{account, kept, place, false, row, 0, overdrawn};
  return moved_[count_++];
}

bool Draft::judge_capture(const Leg& leg, Refusal& why) const {
  i128 already = 0;
  for (const Leg* other = legs_; other != &leg; ++other) {
    if (other->hold == leg.hold) already += other->amount;
  }
  return judge_taken(state_, state_.hold_ids.find_placed(leg.hold), already, leg.amount, why);
}

Draft::Sum& Draft::sum_of(u16 currency) {
  for (u32 i = 0; i < sums_count_; ++i) {
    if (sums_[i].currency == currency) return sums_[i];
  }
  sums_[sums_count_] = Sum{currency, 0, 0};
  return sums_[sums_count_++];
}

bool Draft::judge_debit(const Side& side, u16 currency, const Moved& m, i64 amount,
                        Refusal& why) const {
  const u8 scale = state_.currencies[currency].scale;
  if (!side.is_house()) {
    const i128 there = std::min<i128>(spare(m), kMaxI64);
    if (amount <= there || (signed_ && !side.is_collateral())) return true;
    return why.no(Reason::insufficient, Scope::account, scale, there, amount);
  }
  if (m.place != kRounding) return true;
  // What later fills may give back is less than a unit for each order that works.
  const i128 there = state_.house_balance(currency, kRounding) + m.amount -
                     static_cast<i128>(state_.orders.slots().live());
  return amount <= there || why.no(Reason::insufficient, Scope::venue, scale, there, amount);
}

void Draft::overdraw(Moved& m, Sum& sum) const {
  const i128 below = -spare(m);
  if (below <= m.overdrawn) return;
  sum.deeper += below - m.overdrawn;
  m.overdrawn = below;
  m.deeper = true;
}

}  // namespace quantumcore
