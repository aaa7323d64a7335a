#pragma once

#include "quantumcore/lots.hpp"
#include "quantumcore/money.hpp"
#include "quantumcore/orders.hpp"

namespace quantumcore {

/// What one fill adds to an order's fees; at most one of the two is other than 0 unless a rebate
/// began after a minimum was agreed.
struct Charge {
  i64 fee;
  i64 rebate;

  i64 net() const { return fee - rebate; }
};

/// Adds a fill of `ticks_lots` at `rate` to the order's sums and returns what falls due now: the
/// cumulative fee (ceil) and rebate (floor) less what was charged before (money.md 1.3). So an
/// order's fee does not depend on how it was cut into fills.
Charge charge_fill(const OrderRecord& order, OrderSums& sums, i64 rate, u128 ticks_lots,
                   const Unit& unit);

/// The fee of all fills so far and of the worst case of what is left, minor units of the quote.
inline u128 worst_fee(const OrderRecord& order, const OrderSums& sums, u128 rest_ticks_lots,
                      const Unit& unit) {
  const u128 sum = sums.fee_sum + rest_ticks_lots * static_cast<u64>(order.worst_rate());
  const u128 fee = rated_units(sum, unit).ceil();
  const u128 minimum = static_cast<u64>(order.minimum_fee);
  return fee > minimum ? fee : minimum;
}

/// The hold of a buy with `leaves` > 0 at `price`, minor units of the quote (money.md 2.3): what
/// the order can still cost at worst. It never grows by a fill. May exceed 64 bits: the gate's
/// business.
inline u128 buy_hold(const OrderRecord& order, const OrderSums& sums, i64 price, i64 leaves,
                     const Unit& unit) {
  const u128 rest = ticks_times_lots(price, leaves);
  const u128 principal = units(sums.notional + rest, unit).ceil();
  return principal - static_cast<u64>(sums.moved) + worst_fee(order, sums, rest, unit) -
         static_cast<u64>(sums.charged);
}

}  // namespace quantumcore
