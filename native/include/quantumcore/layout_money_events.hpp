#pragma once

#include "quantumcore/layout_events.hpp"

/// The bytes of what has moved money by itself, and of what accounts may do:
/// docs/reference/engine.md sections 11 and 12.
namespace quantumcore {

struct TransferMade {
  static constexpr EventKind kKind = EventKind::transfer_made;
  EventHeader header;
  i64 amount;
  i128 debit_total;
  i128 credit_total;
  u32 debit_account;
  u32 credit_account;
  u16 debit_code;
  u16 credit_code;
  u16 currency;
  u16 code;
  u32 leg;
  u8 flags;
  u8 reserved[11];
};

struct GroupNoted {
  static constexpr EventKind kKind = EventKind::group_noted;
  EventHeader header;
  char text[128];
  u64 reserved;
};

struct GroupPosted {
  static constexpr EventKind kKind = EventKind::group_posted;
  EventHeader header;
  u64 reverses_sequence;
  char group_id[kIdBytes];
  u16 code;
  u8 count;
  u8 flags;
  i32 effective_day;
  u8 user_data[16];
  char reverses[kIdBytes];
};

struct AccountTermsChanged {
  static constexpr EventKind kKind = EventKind::account_terms_changed;
  EventHeader header;
  u8 state;
  u8 reserved[7];
};

struct CreditChanged {
  static constexpr EventKind kKind = EventKind::credit_changed;
  EventHeader header;
  i64 limit;
  i64 available;
  u16 currency;
  u8 reserved[6];
};

/// A hold after one act: captured + released + open = placed.
struct HoldChanged {
  static constexpr EventKind kKind = EventKind::hold_changed;
  EventHeader header;
  i64 amount;
  i64 placed;
  i64 captured;
  i64 released;
  i64 open;
  i64 expires_ns;
  u64 hold_sequence;
  i64 held;
  u16 currency;
  u8 cause;
  u8 reserved;
  char hold_id[kIdBytes];
};

enum class HoldCause : u8 {
  placed = 1,
  amended = 2,
  captured = 3,
  released = 4,
  expired = 5,
  adjusted = 6,
};

}  // namespace quantumcore
