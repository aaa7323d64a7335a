// Groups of transfers of a random market, and what takes one back.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "holds.hpp"
#include "names.hpp"
#include "quantumcore/layout.hpp"
#include "random.hpp"

namespace quantumcore::stress {

/// Groups between customers and the house; now and then one that takes the last of them back.
class Groups {
 public:
  /// Of `accounts` accounts, which are numbered from 1.
  explicit Groups(u32 accounts) : accounts_(accounts) {}

  /// The next group; its legs are legs().
  PostGroup next(Random& random, u64 number, const Holds& holds) {
    PostGroup group{};
    if (!last_.empty() && random.below(4) == 0) {
      legs_ = last_;
      std::reverse(legs_.begin(), legs_.end());
      for (Leg& leg : legs_) {
        std::swap(leg.debit_account, leg.credit_account);
        std::swap(leg.debit_code, leg.credit_code);
      }
      name(group.terms.reverses, 'g', last_number_);
    } else {
      legs_.assign(random.below(40) == 0 ? kMostLegs : 1 + random.below(5), Leg{});
      for (Leg& leg : legs_) leg = some_leg(random, holds);
      last_ = legs_;
      last_number_ = number;
    }
    group.terms.code = 1;
    group.terms.count = static_cast<u8>(legs_.size());
    group.terms.flags = random.below(5) == 0 ? kSigned : u8{0};
    name(group.terms.group_id, 'g', number);
    return group;
  }
  const std::vector<Leg>& legs() const { return legs_; }

 private:
  u32 account(Random& random) const { return 1 + static_cast<u32>(random.below(accounts_)); }

  Leg some_leg(Random& random, const Holds& holds) const {
    static constexpr u16 kCodes[6] = {100, 230, 300, 310, 410, 900};
    Leg leg{};
    leg.currency = static_cast<u16>(random.between(1, 3));
    leg.amount = random.between(random.below(20) == 0 ? -1 : 0, 1'000'000'000);
    const u64 ways = random.below(3);
    if (ways != 0) leg.debit_account = account(random);
    if (ways != 1) leg.credit_account = account(random);
    (ways == 0 ? leg.debit_code : leg.credit_code) = ways == 2 ? u16{0} : kCodes[random.below(6)];
    if (random.below(5) == 0) {
      (ways == 0 ? leg.credit_code : leg.debit_code) = kCollateralCode;
    }
    if (ways != 0 && random.below(6) == 0) holds.capture(random, leg);
    return leg;
  }

  const u32 accounts_;
  std::vector<Leg> legs_;
  std::vector<Leg> last_;  // of the last group that was no reversal
  u64 last_number_ = 0;
};

}  // namespace quantumcore::stress
