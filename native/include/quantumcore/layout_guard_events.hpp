#pragma once

#include "quantumcore/layout_events.hpp"
#include "quantumcore/layout_guard_commands.hpp"

/// The bytes of who may trade what and how often, as it was set, and of who is paused:
/// docs/reference/engine.md section 15.
namespace quantumcore {

struct KillChanged {
  static constexpr EventKind kKind = EventKind::kill_changed;
  EventHeader header;
  u8 scope;
  u8 mode;
  u16 reserved;
  u32 subject;
  u32 count;
  u32 reserved2[3];
};

struct InstrumentClassChanged {
  static constexpr EventKind kKind = EventKind::instrument_class_changed;
  EventHeader header;
  ClassTerms terms;
  u64 reserved;
};

struct EntitlementsChanged {
  static constexpr EventKind kKind = EventKind::entitlements_changed;
  EventHeader header;
  u64 products;
  u8 enabled;
  u8 reserved[15];
};

struct RestrictionChanged {
  static constexpr EventKind kKind = EventKind::restriction_changed;
  EventHeader header;
  RestrictionTerms terms;
};

struct LocateChanged {
  static constexpr EventKind kKind = EventKind::locate_changed;
  EventHeader header;
  i64 lots;
};

struct ThrottleChanged {
  static constexpr EventKind kKind = EventKind::throttle_changed;
  EventHeader header;
  ThrottleTerms terms;
  u64 reserved;
};

struct PatternsChanged {
  static constexpr EventKind kKind = EventKind::patterns_changed;
  EventHeader header;
  PatternTerms terms;
};

struct ProtectionChanged {
  static constexpr EventKind kKind = EventKind::protection_changed;
  EventHeader header;
  ProtectionTerms terms;
  u64 reserved;
};

struct QuoteChanged {
  static constexpr EventKind kKind = EventKind::quote_changed;
  EventHeader header;
  i64 bid;
  i64 ask;
  u64 reserved;
};

struct PauseChanged {
  static constexpr EventKind kKind = EventKind::pause_changed;
  EventHeader header;
  u8 cause;
  u8 paused;
  u16 reserved;
  u32 underlying;
  i64 until_ns;
  u32 count;
  u32 reserved2;
};

}  // namespace quantumcore
