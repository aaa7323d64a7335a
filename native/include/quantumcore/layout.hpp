#pragma once

#include <cstddef>
#include <type_traits>

#include "quantumcore/integers.hpp"

/// The bytes of commands and events: docs/reference/engine.md sections 2 and 3, field by field.
/// Little-endian, naturally aligned, without padding: every byte has a name, so every byte is
/// written.
namespace quantumcore {

inline constexpr std::size_t kIdBytes = 36;
inline constexpr std::size_t kMinCommandSize = 16;
inline constexpr std::size_t kMaxCommandSize = 512;

enum class CommandKind : u8 {
  submit_order = 1,
  replace_order = 2,
  cancel_order = 3,
  mass_cancel = 4,
  transfer = 5,
  open_account = 6,
  define_currency = 7,
  define_instrument = 8,
  set_instrument_status = 9,
  set_kill_switch = 10,
  advance_time = 11,
  set_limits = 12,
};

struct CommandHeader {
  u16 size;
  u8 kind;
  u8 reserved;
  u32 instrument;
  u64 account;
};

struct SubmitOrder {
  CommandHeader header;
  i64 price;
  i64 quantity;
  u8 price_scale;
  u8 quantity_scale;
  u8 side;
  u8 type;
  u8 time_in_force;
  u8 self_trade_prevention;
  u16 flags;
  u32 session;
  char client_id[kIdBytes];
};

struct ReplaceOrder {
  CommandHeader header;
  i64 price;
  i64 quantity;
  u64 order_sequence;
  u32 order_slot;
  u8 price_scale;
  u8 quantity_scale;
  u16 fields;
  u32 session;
  char client_id[kIdBytes];
};

struct CancelOrder {
  CommandHeader header;
  u64 order_sequence;
  u32 order_slot;
  u32 session;
  char client_id[kIdBytes];
  u32 reserved;
};

struct MassCancel {
  CommandHeader header;
  u8 side;
  u8 reserved[7];
};

struct Transfer {
  CommandHeader header;
  i64 amount;
  u64 to_account;
  u16 currency;
  u8 kind;
  u8 reserved;
  char transfer_id[kIdBytes];
};

struct OpenAccount {
  CommandHeader header;
  u8 owner[16];
};

struct DefineCurrency {
  CommandHeader header;
  u16 currency;
  u8 scale;
  u8 reserved;
  char code[12];
};

/// The part of DefineInstrument that InstrumentDefined repeats as it is.
struct InstrumentTerms {
  u8 kind;
  u8 status;
  u16 base;
  u16 quote;
  u8 tick_scale;
  u8 lot_scale;
  i64 tick;
  i64 lot;
  i64 multiplier;
  i64 min_price;
  i64 max_price;
  i64 min_quantity;
  i64 max_quantity;
  i64 min_notional;
  i64 max_notional;
  i64 taker_fee;
  i64 maker_fee;
  i64 minimum_fee;
  i64 collar;
  char symbol[24];
};

struct DefineInstrument {
  CommandHeader header;
  InstrumentTerms terms;
};

struct SetInstrumentStatus {
  CommandHeader header;
  u8 status;
  u8 reserved[7];
};

struct SetKillSwitch {
  CommandHeader header;
  u8 engaged;
  u8 reserved[7];
};

struct AdvanceTime {
  CommandHeader header;
};

struct SetLimits {
  CommandHeader header;
  u32 max_open_orders;
  u32 reserved;
};

inline constexpr u8 kBuy = 1;
inline constexpr u8 kSell = 2;
inline constexpr u8 kMarket = 1;
inline constexpr u8 kLimit = 2;
inline constexpr u8 kGoodTillCancel = 1;
inline constexpr u8 kImmediateOrCancel = 3;
inline constexpr u8 kFillOrKill = 4;
inline constexpr u8 kStpDefault = 0;
inline constexpr u8 kStpCancelNewest = 1;
inline constexpr u8 kStpCancelOldest = 2;
inline constexpr u8 kStpCancelBoth = 3;
inline constexpr u8 kStpDecrement = 4;
inline constexpr u8 kStpNone = 5;
inline constexpr u16 kPostOnly = 1;
inline constexpr u16 kPriceGiven = 1;
inline constexpr u16 kQuantityGiven = 2;
inline constexpr u8 kDeposit = 1;
inline constexpr u8 kWithdrawal = 2;
inline constexpr u8 kBetween = 3;
inline constexpr u8 kTrading = 1;
inline constexpr u8 kClosed = 3;
inline constexpr u8 kMaxScale = 18;

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
};

inline constexpr u8 kLast = 1;

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
  u8 reserved[7];
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

inline constexpr u8 kDone = 0;
inline constexpr u8 kRepeat = 1;
inline constexpr u8 kAlreadyCancelled = 2;

enum class CancelReason : u16 {
  requested = 1,
  mass_cancel = 2,
  kill_switch = 3,
  immediate_or_cancel = 4,
  fill_or_kill = 5,
  self_trade_prevention = 6,
};

template <class T, std::size_t Size>
inline constexpr bool kLaidOut = sizeof(T) == Size && std::is_trivially_copyable_v<T> &&
                                 std::has_unique_object_representations_v<T>;

static_assert(kLaidOut<CommandHeader, 16> && kLaidOut<SubmitOrder, 80>);
static_assert(kLaidOut<ReplaceOrder, 88> && kLaidOut<CancelOrder, 72>);
static_assert(kLaidOut<MassCancel, 24> && kLaidOut<Transfer, 72> && kLaidOut<OpenAccount, 32>);
static_assert(kLaidOut<DefineCurrency, 32> && kLaidOut<InstrumentTerms, 136>);
static_assert(kLaidOut<DefineInstrument, 152> && kLaidOut<SetInstrumentStatus, 24>);
static_assert(kLaidOut<SetKillSwitch, 24> && kLaidOut<AdvanceTime, 16> && kLaidOut<SetLimits, 24>);

static_assert(kLaidOut<EventHeader, 40> && kLaidOut<CommandDone, 64>);
static_assert(kLaidOut<CommandRefused, 128> && kLaidOut<OrderAccepted, 128>);
static_assert(kLaidOut<OrderRejected, 144> && kLaidOut<OrderReplaced, 96>);
static_assert(kLaidOut<OrderCancelled, 80> && kLaidOut<TradePrinted, 176>);
static_assert(kLaidOut<TransferPosted, 112> && kLaidOut<AccountOpened, 64>);
static_assert(kLaidOut<CurrencyDefined, 64> && kLaidOut<InstrumentDefined, 176>);
static_assert(kLaidOut<InstrumentStatusChanged, 48> && kLaidOut<KillSwitchChanged, 48>);
static_assert(kLaidOut<LimitsChanged, 48>);

static_assert(offsetof(SubmitOrder, client_id) == 44 && offsetof(ReplaceOrder, client_id) == 52);
static_assert(offsetof(CancelOrder, client_id) == 32 && offsetof(Transfer, transfer_id) == 36);
static_assert(offsetof(InstrumentTerms, symbol) == 112 && offsetof(InstrumentTerms, tick) == 8);
static_assert(offsetof(CommandRefused, limit) == 48 && offsetof(CommandRefused, client_id) == 92);
static_assert(offsetof(OrderAccepted, client_id) == 76 && offsetof(OrderAccepted, session) == 112);
static_assert(offsetof(OrderRejected, limit) == 64 && offsetof(OrderRejected, client_id) == 104);
static_assert(offsetof(OrderReplaced, reason) == 84 && offsetof(OrderCancelled, reason) == 68);
static_assert(offsetof(TradePrinted, price) == 72 && offsetof(TradePrinted, fill) == 160);
static_assert(offsetof(TransferPosted, transfer_id) == 76);

}  // namespace quantumcore
