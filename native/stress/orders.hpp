// Orders of a random market that are more than a limit and a quantity.
#pragma once

#include "quantumcore/layout.hpp"
#include "random.hpp"

namespace quantumcore::stress {

/// Decimals of prices and lots, by the instrument's number.
inline constexpr u8 kPriceScale[4] = {0, 1, 2, 0};
inline constexpr u8 kLotScale[4] = {0, 5, 0, 0};

/// An iceberg, a dark order, a budget, a peg, or one that slides.
inline SubmitAdvancedOrder shown_order(Random& random, u32 instrument, i64 price) {
  SubmitAdvancedOrder command{};
  SubmitOrder& order = command.order;
  OrderTerms& terms = command.terms;
  order.price = price;
  order.quantity = random.between(1, 200);
  order.price_scale = kPriceScale[instrument & 3];
  order.quantity_scale = kLotScale[instrument & 3];
  order.side = random.below(2) == 0 ? kBuy : kSell;
  order.type = kLimit;
  order.time_in_force = kGoodTillCancel;
  order.self_trade_prevention = static_cast<u8>(random.below(6));
  switch (random.below(6)) {
    case 0:
      terms.display = random.between(1, 20);
      terms.display_range = random.between(0, terms.display - 1);
      terms.display_scale = order.quantity_scale;
      terms.seed = static_cast<u32>(random.next());
      break;
    case 1:
      order.flags = random.below(2) == 0 ? kHidden : kAllOrNone;
      break;
    case 2:
      terms.min_quantity = random.between(1, order.quantity);
      terms.min_quantity_scale = order.quantity_scale;
      if (random.below(2) == 0) order.time_in_force = kImmediateOrCancel;
      break;
    case 3:
      order.side = kBuy;
      order.time_in_force = random.below(2) == 0 ? kImmediateOrCancel : kFillOrKill;
      terms.budget = random.between(1, 2'000'000);
      break;
    case 4:
      order.type = kPegged;
      terms.peg = static_cast<u8>(random.between(1, 3));
      terms.offset = random.between(-3, 3);
      terms.offset_scale = order.price_scale;
      break;
    default:
      order.flags = kPostOnly | kSlide;
  }
  return command;
}

/// An order that waits for a price, or one that ends by the clock.
inline SubmitAdvancedOrder waiting_order(Random& random, u32 instrument, i64 price, i64 stop,
                                         i64 now) {
  static constexpr u8 kTypes[8] = {kStop,         kStopLimit,       kTrailingStop,   kStop,
                                   kTrailingStop, kMarketIfTouched, kLimitIfTouched, kLimit};
  static constexpr u8 kTimes[4] = {kGoodTillCancel, kDay, kGoodTillTime, kGoodTillDate};
  SubmitAdvancedOrder command{};
  SubmitOrder& order = command.order;
  OrderTerms& terms = command.terms;
  order.side = random.below(2) == 0 ? kBuy : kSell;
  order.type = kTypes[random.below(8)];
  order.time_in_force = kTimes[random.below(4)];
  order.quantity = random.between(1, 200);
  order.session = 1;
  if (order.type == kStopLimit || order.type == kLimitIfTouched || order.type == kLimit) {
    order.price = price;
    order.price_scale = kPriceScale[instrument & 3];
  }
  if (order.type == kTrailingStop) {
    terms.trail_unit = kTrailTicks;
    terms.trail = random.between(1, 30);
  } else if (order.type != kLimit) {
    terms.stop_price = stop;
    terms.stop_scale = kPriceScale[instrument & 3];
  }
  if (order.type != kLimit) terms.trigger = static_cast<u8>(random.below(3));
  if (order.time_in_force >= kGoodTillDate) {
    terms.expires_ns = now + random.between(1, 4'000'000'000'000);
  }
  return command;
}

}  // namespace quantumcore::stress
