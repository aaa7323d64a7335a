#pragma once

#include "quantumcore/layout_commands.hpp"

/// The bytes of commands about margin: docs/reference/engine.md section 17.
namespace quantumcore {

inline constexpr u32 kScenarios = 16;

/// What positions in an instrument need, and how old may be what it is measured by.
struct MarginTerms {
  u32 initial;  // 10^-6
  u32 maintenance;
  i64 slope;  // 10^-12 a lot
  i64 mark_ns;
  i64 array_ns;
  u8 profile;  // kByAccount or kByVolatility
  u8 reserved[7];
};

struct SetMarginTerms {
  CommandHeader header;
  MarginTerms terms;
};

/// What a lot loses in each scenario, and what a short one needs at least: 10^-6 of the quote
/// currency's unit.
struct RiskArrayTerms {
  i64 losses[kScenarios];
  i64 short_minimum;
  u8 given;
  u8 reserved[7];
};

struct SetRiskArray {
  CommandHeader header;
  RiskArrayTerms terms;
};

struct AccountMarginTerms {
  u16 currency;
  u8 profile;
  u8 reserved[5];
};

struct SetAccountMargin {
  CommandHeader header;
  AccountMarginTerms terms;
};

/// Of a lot, 10^-6 of the quote currency's unit.
struct GreekTerms {
  i64 delta;
  i64 gamma;
  i64 vega;
};

struct SetGreeks {
  CommandHeader header;
  GreekTerms terms;
};

/// A record of limits in minor units of a currency; -1, of shares and rates 0: not set here.
struct RiskLimitTerms {
  u8 scope;
  u8 reserved;
  u16 currency;
  u32 share;  // 10^-6
  i64 gross;
  i64 net;
  i64 delta;
  i64 gamma;
  i64 vega;
  i64 loss;
  i64 drawdown;
  u32 loss_rate;  // 10^-6
  u32 drawdown_rate;
};

struct SetRiskLimits {
  CommandHeader header;
  RiskLimitTerms terms;
};

struct OpenRiskDay {
  CommandHeader header;
  u16 currency;
  u8 reserved[6];
};

struct AssessMargin {
  CommandHeader header;
  u16 currency;
  u8 reserved[6];
};

/// Lots of a position, signed as it is, go from the header's account to the taker.
struct TakeOver {
  CommandHeader header;
  u64 taker;
  i64 lots;
  i64 money;  // minor units of the quote that the taker pays; negative: gets
};

inline constexpr u8 kNoMargin = 0;   // of an account
inline constexpr u8 kByAccount = 0;  // of an instrument: as the account's profile says
inline constexpr u8 kByVolatility = 1;
inline constexpr u8 kByScenarios = 3;

}  // namespace quantumcore
