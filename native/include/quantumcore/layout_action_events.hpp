#pragma once

#include "quantumcore/layout_events.hpp"
#include "quantumcore/layout_money_commands.hpp"

/// The bytes of what an action has told: docs/reference/engine.md section 13.
namespace quantumcore {

struct PositionAdjusted {
  static constexpr EventKind kKind = EventKind::position_adjusted;
  EventHeader header;
  i64 before;
  i64 quantity;
  i64 target_before;
  i64 target_quantity;
  i64 asset;
  i64 collateral;
  i64 target_asset;
  i64 target_collateral;
  i64 money;
  i64 numerator;
  i64 denominator;
  i64 price;
  i64 rate;
  u32 target;
  u16 base;
  u16 quote;
  u16 target_base;
  u8 action;
  u8 right;
  u32 reserved;
};

struct ActionApplied {
  static constexpr EventKind kKind = EventKind::action_applied;
  EventHeader header;
  ActionTerms terms;
  u32 count;
  u16 quote;
  u16 reserved;
  i64 clearing;
  i64 rounding;
  i64 asset;
  i64 target_asset;
};

}  // namespace quantumcore
