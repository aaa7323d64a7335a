#pragma once

#include "quantumcore/layout_commands.hpp"
#include "quantumcore/layout_events.hpp"

/// The bytes of commands about limits, and of what they tell: docs/reference/engine.md section 14.
namespace quantumcore {

struct SetFirm {
  CommandHeader header;
  u32 firm;
  u32 reserved;
};

/// A record of limits of lots and orders; -1: not set here.
struct QuantityLimits {
  u8 scope;
  u8 reserved[3];
  u32 group;
  i64 max_order_lots;
  i64 max_long;
  i64 max_short;
  i64 max_open_orders;
  i64 max_open_each;
};

struct SetQuantityLimits {
  CommandHeader header;
  QuantityLimits limits;
};

/// A record of limits of money in minor units of a currency; -1: not set here.
struct MoneyLimits {
  u8 scope;
  u8 reserved;
  u16 currency;
  u32 firm;
  i64 max_order_notional;
  i64 max_open_notional;
  i64 credit;
};

struct SetMoneyLimits {
  CommandHeader header;
  MoneyLimits limits;
};

/// How large the market of an instrument is, lots; 0: nobody knows.
struct MarketSize {
  i64 open_interest;
  i64 daily_volume;
};

struct SetMarketSize {
  CommandHeader header;
  MarketSize size;
};

/// A record of how much of its market a position may come to, 10^-6; 0: not set here.
struct MarketShares {
  u8 scope;
  u8 reserved[3];
  u32 group;
  u32 interest;
  u32 volume;
};

struct SetMarketShares {
  CommandHeader header;
  MarketShares limits;
};

struct FirmChanged {
  static constexpr EventKind kKind = EventKind::firm_changed;
  EventHeader header;
  u32 firm;
  u32 reserved;
};

struct QuantityLimitsChanged {
  static constexpr EventKind kKind = EventKind::quantity_limits_changed;
  EventHeader header;
  QuantityLimits limits;
  u64 reserved;
};

struct MoneyLimitsChanged {
  static constexpr EventKind kKind = EventKind::money_limits_changed;
  EventHeader header;
  MoneyLimits limits;
  u64 reserved;
};

struct MarketSizeChanged {
  static constexpr EventKind kKind = EventKind::market_size_changed;
  EventHeader header;
  MarketSize size;
  u64 reserved;
};

struct MarketSharesChanged {
  static constexpr EventKind kKind = EventKind::market_shares_changed;
  EventHeader header;
  MarketShares limits;
  u64 reserved;
};

}  // namespace quantumcore
