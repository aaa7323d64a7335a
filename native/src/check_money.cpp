#include <algorithm>
#include <utility>

#include "quantumcore/check.hpp"

namespace quantumcore {

namespace {

class MoneyWalk {
 public:
  MoneyWalk(const State& state, std::vector<i128> held) : state_(state), held_(std::move(held)) {}

  void run() {
    open_holds();
    balances();
    groups();
    holds();
  }

 private:
  /// How many balances the accounts have.
  u32 rows() const {
    u32 rows = 0;
    for (u32 a = 0; a < state_.accounts.count(); ++a) {
      for (u32 row = state_.accounts[a].first_balance; row != kNone;
           row = state_.accounts.balance(row).next) {
        QC_ASSERT(state_.accounts.balance(row).account == a);
        ++rows;
      }
    }
    return rows;
  }

  void balances() {
    QC_ASSERT(rows() == state_.accounts.balance_count());
    std::vector<i128> customers(state_.currency_count, 0);
    for (u32 row = 0; row < state_.accounts.balance_count(); ++row) {
      const Balance& balance = state_.accounts.balance(row);
      QC_ASSERT(balance.held == held_[row]);  // held = sum of holds
      QC_ASSERT(balance.held >= 0 && (balance.held <= balance.total || balance.credit != 0));
      QC_ASSERT(state_.accounts.find_balance(balance.account, balance.currency) == row);
      const bool closed = state_.accounts[balance.account].barred == kBarClosed;
      QC_ASSERT(!closed || (balance.total == 0 && balance.held == 0));
      customers[balance.currency & ~kCollateral] += balance.total;
    }
    std::vector<i128> floors(state_.currency_count, 0);
    for (u32 at = 0; at < state_.accounts.credit_count(); ++at) {
      const Credit& credit = state_.accounts.credit(at);
      const Balance& balance = state_.accounts.balance(credit.balance);
      QC_ASSERT(balance.credit == at + 1 && (balance.currency & kCollateral) == 0);
      QC_ASSERT(credit.limit >= 0 && credit.overdrawn >= 0);
      QC_ASSERT(state_.accounts.spare_of(balance) >= -i128{credit.overdrawn});
      floors[balance.currency] += credit.floor();
    }
    for (u32 i = 0; i < state_.currency_count; ++i) {
      const Currency& house = state_.currencies[i];
      QC_ASSERT(house.fees >= house.rebates && house.rebates >= 0 && house.rounding >= 0);
      QC_ASSERT(customers[i] + house.fees - house.rebates + house.rounding == house.owed);
      house_accounts(static_cast<u16>(i), customers[i], floors[i]);
    }
  }

  /// Debits are credits, and no customer can come to have more than is kept.
  void house_accounts(u16 currency, i128 customers, i128 floors) const {
    i128 debits = 0;
    i128 credits = customers;
    for (u8 place = 0; place < kHousePlaces; ++place) {
      (has_debit_nature(place) ? debits : credits) += state_.house_balance(currency, place);
    }
    QC_ASSERT(debits == credits);
    QC_ASSERT(state_.house_balance(currency, kRounding) >= 0);
    QC_ASSERT(floors == state_.houses[currency].floors);
    QC_ASSERT(floors + std::max<i64>(state_.currencies[currency].owed, 0) <= kMaxI64);
  }

  /// Groups are found by their ids, and their legs lie one after the other.
  void groups() const {
    u32 legs = 0;
    for (u32 at = 0; at < state_.group_ids.count(); ++at) {
      const PostedGroup& group = state_.group_ids[at];
      QC_ASSERT(state_.group_ids.find(group.account, group.terms.group_id) == at);
      QC_ASSERT(group.first_leg == legs && group.sequence <= state_.sequence);
      QC_ASSERT(group.failed == 0 || group.reversed_by == 0);
      if (group.failed == 0) legs += group.terms.count;
    }
    QC_ASSERT(legs == state_.group_ids.leg_count());
  }

  /// What clients hold, and that each has its parts.
  void open_holds() {
    for (u32 row = 0; row < state_.hold_ids.count(); ++row) {
      const Hold& hold = state_.hold_ids[row];
      QC_ASSERT(hold.placed >= 0 && hold.captured >= 0 && hold.released >= 0 && hold.open() >= 0);
      QC_ASSERT(hold.failed == 0 || hold.placed == 0);
      if (hold.open() == 0) continue;
      held_[state_.accounts.find_balance(hold.account, hold.currency)] += hold.open();
    }
  }

  /// Holds are found by their ids and by the commands that placed them; open ones that end by the
  /// clock are where the clock looks.
  void holds() {
    const HoldIds& ids = state_.hold_ids;
    u32 ending = 0;
    for (u32 row = 0; row < ids.count(); ++row) {
      QC_ASSERT(ids.find(ids[row].account, ids[row].hold_id) == row);
      QC_ASSERT(ids.find_placed(ids[row].sequence) == (ids[row].failed != 0 ? kNone : row));
      QC_ASSERT(ids[row].sequence <= state_.sequence);
      if (ids[row].ends()) ++ending;
    }
    ending -= visit_heap(ids.ends(), ids.next_end(), [&](u32 row, u32 up) {
      QC_ASSERT(ids[row].ends() && (up == kNone || ids[up].expires_ns <= ids[row].expires_ns));
    });
    QC_ASSERT(ending == 0);
  }

  const State& state_;
  std::vector<i128> held_;  // by balance row
};

}  // namespace

void check_money(const State& state, std::vector<i128> held) {
  MoneyWalk(state, std::move(held)).run();
}

}  // namespace quantumcore
