#include "quantumcore/fees.hpp"

namespace quantumcore {

Charge charge_fill(const OrderRecord& order, OrderSums& sums, i64 rate, u128 ticks_lots,
                   const Unit& unit) {
  if (rate >= 0) {
    sums.fee_sum += static_cast<u64>(rate) * ticks_lots;
  } else {
    sums.rebate_sum += static_cast<u64>(-rate) * ticks_lots;
  }
  const u128 exact_fee = rated_units(sums.fee_sum, unit).ceil();
  QC_ASSERT(exact_fee <= static_cast<u64>(kMaxI64));
  i64 fee = static_cast<i64>(exact_fee);
  if (fee < order.minimum_fee) fee = order.minimum_fee;
  i64 rebate = 0;
  if (sums.rebate_sum != 0) {
    const u128 exact_rebate = rated_units(sums.rebate_sum, unit).floor;
    QC_ASSERT(exact_rebate <= static_cast<u64>(kMaxI64));
    rebate = static_cast<i64>(exact_rebate);
  }
  const Charge due{fee - sums.charged, rebate - sums.rebated};
  QC_ASSERT(due.fee >= 0 && due.rebate >= 0);
  sums.charged = fee;
  sums.rebated = rebate;
  return due;
}

}  // namespace quantumcore
