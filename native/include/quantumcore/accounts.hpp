#pragma once

#include "quantumcore/arena.hpp"
#include "quantumcore/hash_index.hpp"

namespace quantumcore {

struct alignas(64) Account {
  u32 id;
  u32 max_open_orders;  // only when has_limits
  u32 open_orders;
  u32 first_order;  // working orders, in order of acceptance
  u32 last_order;
  u32 first_balance;
  u32 last_balance;
  u32 first_position;  // also the arena's link: accounts are never freed
  u8 owner[16];
  u8 killed;
  u8 barred;  // kNotBarred, kBarFrozen, kBarClosed
  u8 has_limits;
  u8 reserved;
  u32 group;        // accounts of one group do not trade with each other; 0: of none
  i64 deadline_ns;  // its orders go at it (CancelAllAfter); 0: never
  // Seldom looked at.
  u32 firm;  // its clearing member; 0: of none
};
static_assert(sizeof(Account) == 128);

inline constexpr u8 kNotBarred = 0;
inline constexpr u8 kBarFrozen = 1;  // no debits, no new holds
inline constexpr u8 kBarClosed = 2;  // no credits either

/// Set in the currency of a balance that is collateral: orders look for another, so never find it.
inline constexpr u16 kCollateral = 0x8000;

/// What an account has in a currency, in minor units. Without credit 0 <= held <= total.
struct Balance {
  i64 total;
  i64 held;
  u32 account;   // slot
  u32 next;      // of the same account, or the arena's free list
  u32 credit;    // row plus 1; 0: it has never had any
  u16 currency;  // slot, with kCollateral or without
  u16 reserved;
};
static_assert(sizeof(Balance) == 32);

/// How far a balance may go below zero, minor units.
struct Credit {
  i64 limit;
  i64 overdrawn;  // how far below the limit its last change, or what two persons signed, left it
  u32 balance;    // row
  u32 reserved;

  i128 floor() const { return static_cast<i128>(limit) + overdrawn; }
};

/// Accounts, their balances and credits. None is ever removed.
class Accounts {
 public:
  Accounts(u32 max_accounts, u32 max_balances)
      : accounts_(max_accounts), balances_(max_balances), credits_(max_balances) {}

  /// The slot of account `id`, or kNone.
  [[gnu::always_inline]] u32 find(u64 id) const {
    if (id >> 32 != 0) return kNone;  // 0 is nobody's
    const u32 narrow = static_cast<u32>(id);
    if (SmallIds::holds(narrow)) [[likely]] {
      return by_small_id_.find(narrow);
    }
    return by_id_.find(tag_of(narrow), [&](u32 s) { return accounts_[s].id == narrow; });
  }
  u32 open(u32 id, const u8 (&owner)[16]);

  Account& operator[](u32 slot) { return accounts_[slot]; }
  const Account& operator[](u32 slot) const { return accounts_[slot]; }
  u32 count() const { return accounts_.used(); }
  bool full() const { return accounts_.left() == 0; }

  /// The row of (account, currency), or kNone when nothing was ever there.
  u32 find_balance(u32 account, u16 currency) const {
    return by_currency_.find(balance_tag(account, currency), [&](u32 s) {
      return balances_[s].account == account && balances_[s].currency == currency;
    });
  }
  u32 make_balance(u32 account, u16 currency);
  Balance& balance(u32 row) { return balances_[row]; }
  const Balance& balance(u32 row) const { return balances_[row]; }
  i64 available(u32 account, u16 currency) const {
    const u32 row = find_balance(account, currency);
    return row == kNone ? 0 : available(balances_[row]);
  }
  /// What is neither held nor spent, with the credit, as far as 63 bits go.
  [[gnu::always_inline]] i64 available(const Balance& balance) const {
    if (balance.credit == 0) [[likely]] {
      return balance.total - balance.held;
    }
    return available_on_credit(balance);
  }
  i64 available_on_credit(const Balance& balance) const {
    const i128 spare = spare_of(balance);
    return spare > kMaxI64 ? kMaxI64 : static_cast<i64>(spare);
  }
  /// The same without an end; negative: more is used than may be.
  i128 spare_of(const Balance& balance) const {
    const i128 own = static_cast<i128>(balance.total) - balance.held;
    return balance.credit == 0 ? own : own + credits_[balance.credit - 1].limit;
  }
  /// The credit of a balance, made if it has none.
  Credit& credit_of(u32 row);
  Credit& credit(u32 at) { return credits_[at]; }
  const Credit& credit(u32 at) const { return credits_[at]; }
  u32 credit_count() const { return credit_count_; }
  u32 balance_count() const { return balances_.used(); }
  u64 balances_left() const { return balances_.left(); }
  /// Takes over the accounts and their balances, not the ways to find one.
  void copy_rows(const Accounts& other) {
    accounts_.copy(other.accounts_);
    balances_.copy(other.balances_);
    credits_.copy(other.credits_, other.credit_count_);
    credit_count_ = other.credit_count_;
  }
  void fill(u32 accounts, u32 balances) {
    accounts_.fill(accounts);
    balances_.fill(balances);
  }
  std::size_t bytes() const {
    return accounts_.bytes() + balances_.bytes() + by_id_.bytes() + by_currency_.bytes();
  }

 private:
  static u32 balance_tag(u32 account, u16 currency) {
    return tag_of((static_cast<u64>(account) << 16) | currency);
  }

  Arena<Account, &Account::first_position> accounts_;
  Arena<Balance, &Balance::next> balances_;
  Reserved<Credit> credits_;  // of some balances, in no order
  u32 credit_count_ = 0;
  SmallIds by_small_id_;
  HashIndex by_id_;  // the others
  HashIndex by_currency_;
};

}  // namespace quantumcore
