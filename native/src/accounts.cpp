#include "quantumcore/accounts.hpp"

#include <cstring>

namespace quantumcore {

u32 Accounts::open(u32 id, const u8 (&owner)[16]) {
  const u32 slot = accounts_.acquire();
  Account& account = accounts_[slot];
  account = Account{};
  account.id = id;
  account.first_order = account.last_order = kNone;
  account.first_balance = account.last_balance = kNone;
  account.first_position = kNone;
  std::memcpy(account.owner, owner, sizeof owner);
  if (SmallIds::holds(id)) {
    by_small_id_.insert(id, slot);
  } else {
    by_id_.insert(tag_of(id), slot);
  }
  return slot;
}

u32 Accounts::make_balance(u32 account_slot, u16 currency) {
  const u32 found = find_balance(account_slot, currency);
  if (found != kNone) return found;
  const u32 row = balances_.acquire();
  balances_[row] = Balance{0, 0, account_slot, kNone, 0, currency, 0};
  Account& account = accounts_[account_slot];
  if (account.last_balance == kNone) {
    account.first_balance = row;
  } else {
    balances_[account.last_balance].next = row;
  }
  account.last_balance = row;
  by_currency_.insert(balance_tag(account_slot, currency), row);
  return row;
}

Credit& Accounts::credit_of(u32 row) {
  Balance& balance = balances_[row];
  if (balance.credit == 0) {
    credits_[credit_count_++] = Credit{0, 0, row, 0};
    balance.credit = credit_count_;
  }
  return credits_[balance.credit - 1];
}

}  // namespace quantumcore
