#pragma once

#include "quantumcore/layout_events.hpp"

/// The bytes of how the venue is set up, and in which phase its instruments are:
/// docs/reference/engine.md section 3.
namespace quantumcore {

struct AccountOpened {
  static constexpr EventKind kKind = EventKind::account_opened;
  EventHeader header;
  u8 owner[16];
  u64 reserved;
};

struct CurrencyDefined {
  static constexpr EventKind kKind = EventKind::currency_defined;
  EventHeader header;
  u16 currency;
  u8 scale;
  u8 reserved;
  char code[12];
  u64 reserved2;
};

struct InstrumentDefined {
  static constexpr EventKind kKind = EventKind::instrument_defined;
  EventHeader header;
  InstrumentTerms terms;
};

struct InstrumentStatusChanged {
  static constexpr EventKind kKind = EventKind::instrument_status_changed;
  EventHeader header;
  u8 status;
  u8 cause;
  u8 reserved[6];
};

struct KillSwitchChanged {
  static constexpr EventKind kKind = EventKind::kill_switch_changed;
  EventHeader header;
  u8 engaged;
  u8 reserved[3];
  u32 count;
};

struct LimitsChanged {
  static constexpr EventKind kKind = EventKind::limits_changed;
  EventHeader header;
  u32 max_open_orders;
  u32 reserved;
};

struct MarkChanged {
  static constexpr EventKind kKind = EventKind::mark_changed;
  EventHeader header;
  i64 price;
};

struct ReferenceChanged {
  static constexpr EventKind kKind = EventKind::reference_changed;
  EventHeader header;
  i64 price;
};

struct TradingRulesChanged {
  static constexpr EventKind kKind = EventKind::trading_rules_changed;
  EventHeader header;
  TradingRules rules;
  u64 reserved;
};

struct GroupChanged {
  static constexpr EventKind kKind = EventKind::group_changed;
  EventHeader header;
  u32 group;
  u32 reserved;
};

struct IndicativeChanged {
  static constexpr EventKind kKind = EventKind::indicative_changed;
  EventHeader header;
  i64 price;
  i64 quantity;
  i64 imbalance;
};

struct AuctionUncrossed {
  static constexpr EventKind kKind = EventKind::auction_uncrossed;
  EventHeader header;
  i64 price;
  i64 quantity;
  i64 imbalance;
  u8 phase;
  u8 reserved[15];
};

struct LimitStateChanged {
  static constexpr EventKind kKind = EventKind::limit_state_changed;
  EventHeader header;
  i64 band;
  i64 until_ns;
  u8 state;
  u8 reserved[7];
};

}  // namespace quantumcore
