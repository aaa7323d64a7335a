#pragma once

#include "quantumcore/refusal.hpp"
#include "quantumcore/state.hpp"

namespace quantumcore {

/// An account as a leg names it.
struct Side {
  u32 account;  // number; 0: the house
  u16 code;
  bool debit;

  bool is_house() const { return account == 0; }
  bool is_collateral() const { return code == kCollateralCode; }
  u8 place() const { return house_place(code); }
  /// What a unit of it adds to the account, in the account's own nature.
  i128 sign() const {
    const bool debit_nature = is_house() && has_debit_nature(place());
    return debit_nature == debit ? 1 : -1;
  }
};

inline Side debit_of(const Leg& leg) { return {leg.debit_account, leg.debit_code, true}; }
inline Side credit_of(const Leg& leg) { return {leg.credit_account, leg.credit_code, false}; }

inline bool is_known(const Side& side) {
  if (side.is_house()) return side.place() < kHousePlaces;
  return side.code == kOwnCode || side.is_collateral();
}

inline bool is_one(const Side& a, const Side& b) {
  if (a.account != b.account) return false;
  return a.is_house() ? a.place() == b.place() : a.code == b.code;
}

/// What a group moves, leg by leg, before any of it is done. On the stack: nothing is allocated.
class Draft {
 public:
  /// Of the group whose legs begin at `legs`.
  Draft(const State& state, bool two_persons, const Leg* legs)
      : state_(state), signed_(two_persons), legs_(legs) {}

  /// Judges one leg of the group after those before: INSUFFICIENT, or HOLD_CLOSED and
  /// HOLD_EXCEEDED, then AMOUNT_OVERFLOW.
  bool add(const Leg& leg, Refusal& why);

  /// How many balances come into being.
  u64 new_balances() const;

  /// Notes what the legs leave beside the balances themselves, which stand by now.
  void keep(State& state) const;

 private:
  /// What one account has gained, the house's in its own nature.
  struct Moved {
    u32 account;   // slot; kNone: the house
    u16 currency;  // slot, with kCollateral or without
    u8 place;      // of the house
    bool deeper;   // a leg that was signed leaves it further below its limit
    u32 row;       // of the balance, or kNone
    i128 amount;
    i128 overdrawn;
  };
  /// Of one currency: what customers have got from the house, and how much deeper they may be.
  struct Sum {
    u16 currency;
    i128 owed;
    i128 deeper;
  };

  Moved& moved_of(const Side& side, u16 currency);

  bool judge_capture(const Leg& leg, Refusal& why) const;

  Sum& sum_of(u16 currency);

  /// What is neither held nor spent after the legs so far.
  i128 spare(const Moved& m) const {
    return m.amount +
           (m.row == kNone ? i128{0} : state_.accounts.spare_of(state_.accounts.balance(m.row)));
  }

  bool judge_debit(const Side& side, u16 currency, const Moved& m, i64 amount, Refusal& why) const;

  void overdraw(Moved& m, Sum& sum) const;

  const State& state_;
  const bool signed_;
  const Leg* const legs_;
  u32 count_ = 0;
  u32 sums_count_ = 0;
  Moved moved_[2 * kMostLegs];
  Sum sums_[kMostLegs];
};

}  // namespace quantumcore
