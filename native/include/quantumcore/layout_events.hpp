#pragma once

#include <cstddef>

#include "quantumcore/layout_commands.hpp"

/// The bytes of what orders and trades have told, and of any event's head:
/// docs/reference/engine.md section 3, field by field. Little-endian, naturally aligned, without
/// padding: every byte has a name, so every byte is written.
namespace quantumcore {

enum class EventKind : u8 {
  command_done = 1,
  command_refused = 2,
  order_accepted = 3,
  order_rejected = 4,
  order_replaced = 5,
  order_cancelled = 6,
  trade_printed = 7,
  transfer_posted = 8,
  account_opened = 9,
  currency_defined = 10,
  instrument_defined = 11,
  instrument_status_changed = 12,
  kill_switch_changed = 13,
  limits_changed = 14,
  terms_accepted = 15,
  order_triggered = 16,
  order_entered = 17,
  order_waits = 18,
  order_refilled = 19,
  stop_moved = 20,
  mark_changed = 21,
  reference_changed = 22,
  trading_rules_changed = 23,
  group_changed = 24,
  indicative_changed = 25,
  auction_uncrossed = 26,
  limit_state_changed = 27,
  cancel_timer_set = 28,
  trade_busted = 29,
  orders_linked = 30,
  transfer_made = 31,
  group_noted = 32,
  group_posted = 33,
  account_terms_changed = 34,
  credit_changed = 35,
  hold_changed = 36,
  position_adjusted = 40,
  action_applied = 41,
  firm_changed = 48,
  quantity_limits_changed = 49,
  money_limits_changed = 50,
  kill_changed = 56,
  instrument_class_changed = 57,
  entitlements_changed = 58,
  restriction_changed = 59,
  locate_changed = 60,
  throttle_changed = 61,
  patterns_changed = 62,
  protection_changed = 63,
  quote_changed = 64,
  pause_changed = 65,
  margin_terms_changed = 66,
  risk_array_changed = 67,
  account_margin_changed = 68,
  greeks_changed = 69,
  risk_limits_changed = 70,
  risk_day_opened = 71,
  margin_assessed = 72,
  position_taken = 73,
  market_size_changed = 74,
  market_shares_changed = 75,
};

inline constexpr u8 kLast = 1;
inline constexpr std::size_t kMaxEventSize = 192;

struct EventHeader {
  u16 size;
  u8 kind;
  u8 flags;
  u32 index;
  u64 sequence;
  i64 time_ns;
  u32 instrument;
  u32 reserved;
  u64 account;
};

struct CommandDone {
  static constexpr EventKind kKind = EventKind::command_done;
  EventHeader header;
  u8 command;
  u8 outcome;
  u16 reserved;
  u32 count;
  u64 order_sequence;
  u32 order_slot;
  u32 reserved2;
};

struct CommandRefused {
  static constexpr EventKind kKind = EventKind::command_refused;
  EventHeader header;
  u8 command;
  u8 scope;
  u16 reason;
  u8 decimals;
  u8 reserved[3];
  i128 limit;
  i128 actual;
  u64 order_sequence;
  u32 order_slot;
  char client_id[kIdBytes];
};

struct OrderAccepted {
  static constexpr EventKind kKind = EventKind::order_accepted;
  EventHeader header;
  i64 price;
  i64 quantity;
  i64 hold;
  u32 order_slot;
  u8 side;
  u8 type;
  u8 time_in_force;
  u8 self_trade_prevention;
  u16 flags;
  u16 hold_currency;
  char client_id[kIdBytes];
  u32 session;
  u8 reserved[12];
};

struct OrderRejected {
  static constexpr EventKind kKind = EventKind::order_rejected;
  EventHeader header;
  i64 price;
  i64 quantity;
  u8 price_scale;
  u8 quantity_scale;
  u8 side;
  u8 type;
  u8 time_in_force;
  u8 self_trade_prevention;
  u16 flags;
  i128 limit;
  i128 actual;
  u16 reason;
  u8 scope;
  u8 decimals;
  u32 order_slot;
  char client_id[kIdBytes];
  u32 session;
};

struct OrderReplaced {
  static constexpr EventKind kKind = EventKind::order_replaced;
  EventHeader header;
  i64 price;
  i64 quantity;
  i64 leaves;
  i64 hold;
  u64 order_sequence;
  u32 order_slot;
  u8 reason;
  u8 priority_kept;
  u16 hold_currency;
  u64 reserved;
};

struct OrderCancelled {
  static constexpr EventKind kKind = EventKind::order_cancelled;
  EventHeader header;
  u64 order_sequence;
  i64 quantity;
  i64 released;
  u32 order_slot;
  u16 reason;
  u16 hold_currency;
  u64 reserved;
};

struct TradePrinted {
  static constexpr EventKind kKind = EventKind::trade_printed;
  EventHeader header;
  u64 maker_account;
  u64 maker_order_sequence;
  u64 taker_order_sequence;
  u32 maker_slot;
  u32 taker_slot;
  i64 price;
  i64 quantity;
  i64 maker_leaves;
  i64 taker_leaves;
  i64 paid;
  i64 received;
  i64 maker_fee;
  i64 taker_fee;
  i64 asset;
  i64 maker_hold;
  i64 taker_hold;
  u32 fill;
  u8 taker_side;
  u8 reserved;
  u16 quote;
  u16 base;
  u8 reserved2[6];
};

struct TransferPosted {
  static constexpr EventKind kKind = EventKind::transfer_posted;
  EventHeader header;
  i64 amount;
  u64 to_account;
  i64 total;
  i64 held;
  u16 currency;
  u8 kind;
  u8 reserved;
  char transfer_id[kIdBytes];
};

struct TermsAccepted {
  static constexpr EventKind kKind = EventKind::terms_accepted;
  EventHeader header;
  u64 order_sequence;
  u32 order_slot;
  u8 waits;
  u8 dark;
  u16 reserved;
  OrderTerms terms;
  u64 reserved2;
};

struct OrderTriggered {
  static constexpr EventKind kKind = EventKind::order_triggered;
  EventHeader header;
  u64 order_sequence;
  i64 price;
  i64 limit;
  u32 order_slot;
  u8 source;
  u8 reserved[11];
};

struct OrderEntered {
  static constexpr EventKind kKind = EventKind::order_entered;
  EventHeader header;
  u64 order_sequence;
  i64 price;
  i64 leaves;
  i64 shown;
  u32 order_slot;
  u32 reserved;
};

struct OrderWaits {
  static constexpr EventKind kKind = EventKind::order_waits;
  EventHeader header;
  u64 order_sequence;
  u32 order_slot;
  u8 cause;
  u8 reserved[11];
};

struct OrderRefilled {
  static constexpr EventKind kKind = EventKind::order_refilled;
  EventHeader header;
  u64 order_sequence;
  i64 shown;
  i64 leaves;
  u32 order_slot;
  u32 refills;
  u64 reserved;
};

struct StopMoved {
  static constexpr EventKind kKind = EventKind::stop_moved;
  EventHeader header;
  u64 order_sequence;
  i64 stop_price;
  i64 price;
  i64 hold;
  u32 order_slot;
  u16 hold_currency;
  u16 reserved;
};

struct CancelTimerSet {
  static constexpr EventKind kKind = EventKind::cancel_timer_set;
  EventHeader header;
  i64 deadline_ns;
};

struct TradeBusted {
  static constexpr EventKind kKind = EventKind::trade_busted;
  EventHeader header;
  BustedTrade trade;
  u16 quote;
  u16 base;
  u32 reserved;
};

struct OrdersLinked {
  static constexpr EventKind kKind = EventKind::orders_linked;
  EventHeader header;
  u8 link;
  u8 count;
  u8 reserved[6];
  u32 first;
  u32 second;
  u32 third;
  u32 reserved2;
};

inline constexpr u8 kDone = 0;
inline constexpr u8 kRepeat = 1;
inline constexpr u8 kAlreadyCancelled = 2;

enum class ReplaceReason : u8 {
  asked_for = 0,
  decremented = 1,
  followed = 2,
  trimmed = 3,
  follows = 4,
  converted = 5,
  holds_for_both = 6,
  has_its_turn = 7,
};

enum class CancelReason : u16 {
  requested = 1,
  mass_cancel = 2,
  kill_switch = 3,
  immediate_or_cancel = 4,
  fill_or_kill = 5,
  self_trade_prevention = 6,
  expired = 7,
  linked = 8,
  cancel_all_after = 9,
  disconnected = 10,
  reduce_only = 11,
  auction_over = 12,
  minimum_not_met = 13,
  no_funds = 14,
  out_of_bounds = 15,
  band = 16,
  adjusted = 20,
  protection = 21,    // it traded too much
  not_admitted = 22,  // it may not become active
  margin = 23,        // it opens, and the account is short of margin
};

}  // namespace quantumcore
