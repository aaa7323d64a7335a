// What a random market allows: firms, and records of limits that come and go.
#pragma once

#include "quantumcore/layout.hpp"
#include "quantumcore/refusal.hpp"
#include "random.hpp"

namespace quantumcore::stress {

/// A limit that is often not set, and seldom out of range.
inline i64 some_limit(Random& random, i64 most) {
  return random.below(3) == 0 ? -1 : random.between(random.below(50) == 0 ? -2 : 0, most);
}

/// Adds a command about limits by `add(command, kind, instrument, account)`.
template <class Add>
void limit(Random& random, u64 account, u32 instrument, const Add& add) {
  const u64 dice = random.below(7);
  if (dice == 0) {
    SetFirm command{};
    command.firm = static_cast<u32>(random.below(3));
    add(command, CommandKind::set_firm, 0, account);
    return;
  }
  if (dice == 5) {
    SetMarketSize command{};
    command.size = {random.below(4) == 0 ? 0 : random.between(1, 100'000'000),
                    random.below(4) == 0 ? 0 : random.between(1, 100'000'000)};
    add(command, CommandKind::set_market_size, instrument, u64{0});
    return;
  }
  static constexpr Scope kScopes[] = {Scope::venue, Scope::account, Scope::account,
                                      Scope::instrument, Scope::none};
  const u64 which = random.below(5);
  const bool of_many = which == 4;
  const u64 whom = which == 1 || which == 2 ? account : 0;
  const u32 where = which == 2 || which == 3 ? instrument : 0;
  if (dice < 3) {
    SetQuantityLimits command{};
    QuantityLimits& l = command.limits;
    l.scope = static_cast<u8>(of_many ? Scope::group : kScopes[which]);
    l.group = of_many ? static_cast<u32>(random.between(1, 2)) : 0;
    l.max_order_lots = some_limit(random, 100'000'000);
    l.max_long = some_limit(random, 100'000'000);
    l.max_short = some_limit(random, 100'000'000);
    l.max_open_orders = which < 2 ? some_limit(random, 400) : -1;
    l.max_open_each = some_limit(random, 200);
    add(command, CommandKind::set_quantity_limits, where, whom);
    return;
  }
  if (dice == 6) {
    SetMarketShares command{};
    MarketShares& l = command.limits;
    l.scope = static_cast<u8>(of_many ? Scope::group : kScopes[which]);
    l.group = of_many ? static_cast<u32>(random.between(1, 2)) : 0;
    l.interest = random.below(3) == 0 ? 0 : static_cast<u32>(random.between(1, 1'000'000));
    l.volume = random.below(3) == 0 ? 0 : static_cast<u32>(random.between(1, 3'000'000));
    add(command, CommandKind::set_market_shares, where, whom);
    return;
  }
  SetMoneyLimits command{};
  MoneyLimits& l = command.limits;
  l.scope = static_cast<u8>(of_many ? Scope::firm : kScopes[which]);
  l.firm = of_many ? static_cast<u32>(random.between(1, 2)) : 0;
  l.currency = 1;
  l.max_order_notional = some_limit(random, 10'000'000'000);
  l.max_open_notional = some_limit(random, 1'000'000'000'000);
  l.credit = of_many ? some_limit(random, 1'000'000'000'000) : -1;
  add(command, CommandKind::set_money_limits, where, whom);
}

}  // namespace quantumcore::stress
