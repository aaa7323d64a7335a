#pragma once

#include "quantumcore/layout_commands.hpp"

/// The bytes of commands that say who may trade what, and how often: docs/reference/engine.md
/// section 15.
namespace quantumcore {

/// The switch of a level.
struct SetKill {
  CommandHeader header;
  u8 scope;
  u8 mode;
  u16 reserved;
  u32 subject;
};

/// What an instrument is to the gate.
struct ClassTerms {
  u32 underlying;
  u8 product;
  u8 class_flags;
  u16 reserved;
  i64 outside_ns;
};

struct SetInstrumentClass {
  CommandHeader header;
  ClassTerms terms;
};

struct SetEntitlements {
  CommandHeader header;
  u64 products;
  u8 enabled;
  u8 reserved[7];
};

struct RestrictionTerms {
  u32 group;
  u8 scope;
  u8 restricted;
  u16 reserved;
};

struct SetRestriction {
  CommandHeader header;
  RestrictionTerms terms;
};

struct SetLocate {
  CommandHeader header;
  i64 lots;
};

/// A bucket of `burst` tokens that `rate` tokens a second fill; rate 0: none.
struct ThrottleTerms {
  u8 scope;
  u8 throttle_class;
  u16 reserved;
  u32 session;
  u32 rate;
  u32 burst;
};

struct SetThrottle {
  CommandHeader header;
  ThrottleTerms terms;
};

/// What is looked at of an account over time; a number of 0 is off.
struct PatternTerms {
  u32 ratio;
  u32 free_orders;
  i64 ratio_ns;
  u32 executions;
  u32 duplicates;
  i64 executions_ns;
  i64 duplicates_ns;
};

struct SetPatterns {
  CommandHeader header;
  PatternTerms terms;
};

/// How much an account may trade in an underlying before it is frozen there.
struct ProtectionTerms {
  u32 underlying;
  u32 fills;
  i64 quantity;
  i64 window_ns;
  i64 frozen_ns;
  i64 delta;  // 10^-6 of the quote currency's unit
  i64 vega;
};

struct SetProtection {
  CommandHeader header;
  ProtectionTerms terms;
};

struct SetQuote {
  CommandHeader header;
  i64 bid;
  i64 ask;
};

struct Resume {
  CommandHeader header;
  u8 cause;
  u8 reserved[3];
  u32 underlying;
};

inline constexpr u8 kSwitchOff = 0;
inline constexpr u8 kSwitchAll = 1;
inline constexpr u8 kSwitchReduceOnly = 2;
inline constexpr u8 kNeedsLocate = 1;
inline constexpr u8 kPriceTest = 2;
inline constexpr u8 kClassFlags = 3;
inline constexpr u32 kThrottleClasses = 4;
inline constexpr u8 kThrottleNew = 1;
inline constexpr u8 kThrottleReplace = 2;
inline constexpr u8 kThrottleCancel = 3;
inline constexpr u8 kThrottleMass = 4;
inline constexpr u8 kPausedByExecutions = 1;
inline constexpr u8 kPausedByProtection = 2;

}  // namespace quantumcore
