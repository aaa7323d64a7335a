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
  std::memcpy(account.owner, owner, sizeof owner);
  by_id_.insert(tag_of(id), slot);
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

}  // namespace quantumcore
