#include "quantumcore/fees.hpp"

namespace quantumcore {

i64 rebated(const OrderSums& sums, const Unit& unit) {
  if (sums.rebate_sum == 0) return 0;
  const u128 exact_rebate = rated_units(sums.rebate_sum, unit).floor;
  QC_ASSERT(exact_rebate <= static_cast<u64>(kMaxI64));
  return static_cast<i64>(exact_rebate);
}

Charge charge_fill(const Rates& rates, OrderSums& sums, i64 rate, u128 ticks_lots,
                   const Unit& unit) {
  const i64 rebated_before = rebated(sums, unit);
  if (rate >= 0) {
    sums.fee_sum += static_cast<u64>(rate) * ticks_lots;
  } else {
    sums.rebate_sum += static_cast<u64>(-rate) * ticks_lots;
  }
  const u128 exact_fee = rated_units(sums.fee_sum, unit).ceil();
  QC_ASSERT(exact_fee <= static_cast<u64>(kMaxI64));
  i64 fee = static_cast<i64>(exact_fee);
  if (fee < rates.minimum_fee) fee = rates.minimum_fee;
  const Charge due{fee - sums.charged, rebated(sums, unit) - rebated_before};
  QC_ASSERT(due.fee >= 0 && due.rebate >= 0);
  sums.charged = fee;
  return due;
}

}  // namespace quantumcore
