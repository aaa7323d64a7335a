#pragma once

#include "quantumcore/layout_events.hpp"
#include "quantumcore/layout_margin_commands.hpp"

/// The bytes of what margin is measured by, as it was set, and of how an account stands:
/// docs/reference/engine.md section 17.
namespace quantumcore {

struct MarginTermsChanged {
  static constexpr EventKind kKind = EventKind::margin_terms_changed;
  EventHeader header;
  MarginTerms terms;
};

struct RiskArrayChanged {
  static constexpr EventKind kKind = EventKind::risk_array_changed;
  EventHeader header;
  RiskArrayTerms terms;
  u64 reserved;
};

struct AccountMarginChanged {
  static constexpr EventKind kKind = EventKind::account_margin_changed;
  EventHeader header;
  AccountMarginTerms terms;
};

struct GreeksChanged {
  static constexpr EventKind kKind = EventKind::greeks_changed;
  EventHeader header;
  GreekTerms terms;
};

struct RiskLimitsChanged {
  static constexpr EventKind kKind = EventKind::risk_limits_changed;
  EventHeader header;
  RiskLimitTerms terms;
};

struct RiskDayOpened {
  static constexpr EventKind kKind = EventKind::risk_day_opened;
  EventHeader header;
  i64 opening;
  u16 currency;
  u8 reserved[6];
  u64 reserved2;
};

struct MarginAssessed {
  static constexpr EventKind kKind = EventKind::margin_assessed;
  EventHeader header;
  i64 equity;
  i64 initial;
  i64 maintenance;
  i64 opening;
  i64 deposits;
  i64 result;
  i64 peak;
  u16 currency;
  u8 profile;
  u8 rung;
  u8 margin_flags;
  u8 reserved[3];
  u32 count;
  u32 reserved2;
};

struct PositionTaken {
  static constexpr EventKind kKind = EventKind::position_taken;
  EventHeader header;  // account: who gave it
  u64 taker;
  i64 lots;            // signed as the position that was given, as is asset
  i64 money;           // minor units of the quote that the taker paid; negative: got
  i64 asset;           // minor units of the base
  i64 position;        // of who gave, afterwards
  i64 taker_position;  // afterwards
  u16 base;
  u16 quote;
  u32 reserved;
};

// Bits of MarginAssessed::margin_flags.
inline constexpr u8 kMarginStale = 1;
inline constexpr u8 kMarginTooLarge = 2;
inline constexpr u8 kMarginDay = 4;
inline constexpr u8 kMarginLoss = 8;
inline constexpr u8 kMarginDrawdown = 16;

}  // namespace quantumcore
