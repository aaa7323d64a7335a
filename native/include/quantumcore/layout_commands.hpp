#pragma once

#include <cstddef>

#include "quantumcore/integers.hpp"

/// The bytes of commands about orders, and of those that set the venue up:
/// docs/reference/engine.md section 2, field by field. Little-endian, naturally aligned, without
/// padding: every byte has a name, so every byte is written.
namespace quantumcore {

inline constexpr std::size_t kIdBytes = 36;
inline constexpr std::size_t kMinCommandSize = 16;  // of any: engine.md section 1
inline constexpr std::size_t kMaxCommandSize = 16'384;

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
  submit_advanced_order = 13,
  replace_advanced_order = 14,
  submit_linked_orders = 15,
  cancel_all_after = 16,
  end_session = 17,
  set_mark = 18,
  set_reference = 19,
  set_trading_rules = 20,
  set_group = 21,
  bust_trade = 22,
  submit_order_batch = 23,
  post_group = 24,
  set_account_terms = 25,
  set_credit = 26,
  place_hold = 27,
  amend_hold = 28,
  release_hold = 29,
  apply_action = 31,
  set_firm = 32,
  set_quantity_limits = 33,
  set_money_limits = 34,
  set_market_size = 35,
  set_market_shares = 36,
  set_kill = 40,
  set_instrument_class = 41,
  set_entitlements = 42,
  set_restriction = 43,
  set_locate = 44,
  set_throttle = 45,
  set_patterns = 46,
  set_protection = 47,
  set_quote = 48,
  resume = 49,
  set_margin_terms = 50,
  set_risk_array = 51,
  set_account_margin = 52,
  set_greeks = 53,
  set_risk_limits = 54,
  open_risk_day = 55,
  assess_margin = 56,
  take_over = 57,
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

/// What an order may ask for beyond a plain one; in commands as decimals sent (mantissa here, scale
/// below), in events as ticks, lots and minor units with scales 0. 0: not given.
struct OrderTerms {
  i64 stop_price;
  i64 trail;
  i64 offset;
  i64 display;
  i64 display_range;
  i64 min_quantity;
  i64 budget;
  i64 expires_ns;
  u32 seed;
  u8 stop_scale;
  u8 trail_scale;
  u8 offset_scale;
  u8 display_scale;
  u8 min_quantity_scale;
  u8 budget_scale;
  u8 trigger;
  u8 trail_unit;
  u8 peg;
  u8 reserved[3];
};

struct SubmitAdvancedOrder {
  SubmitOrder order;
  OrderTerms terms;
};

struct ReplaceAdvancedOrder {
  ReplaceOrder order;
  i64 stop_price;
  i64 display;
  u8 stop_scale;
  u8 display_scale;
  u8 reserved[6];
};

struct SubmitLinkedOrders {
  CommandHeader header;
  u8 link;
  u8 count;
  u8 reserved[6];
  SubmitAdvancedOrder first;
  SubmitAdvancedOrder second;
  SubmitAdvancedOrder third;
};

/// What `count` whole SubmitAdvancedOrder follow.
struct SubmitOrderBatch {
  CommandHeader header;
  u8 count;
  u8 reserved[7];
};

struct CancelAllAfter {
  CommandHeader header;
  i64 timeout_ns;
};

struct EndSession {
  CommandHeader header;
  u32 session;
  u32 reserved;
};

struct SetMark {
  CommandHeader header;
  i64 price;
};

struct SetReference {
  CommandHeader header;
  i64 price;
};

/// How an instrument trades: rates of 10^-8, times in nanoseconds; 0 switches a rule off.
struct TradingRules {
  u8 allocation;
  u8 reserved[7];
  i64 static_band;
  i64 price_collar;
  i64 dynamic_band;
  i64 limit_state_ns;
  i64 call_ns;
  i64 velocity;
  i64 velocity_ns;
};

struct SetTradingRules {
  CommandHeader header;
  TradingRules rules;
};

struct SetGroup {
  CommandHeader header;
  u32 group;
  u32 reserved;
};

/// A trade that is undone, and what moves back.
struct BustedTrade {
  u64 trade_sequence;
  u32 fill;
  u8 action;
  u8 reserved[3];
  u64 buyer;
  u64 seller;
  i64 price;
  i64 quantity;
  i64 paid_back;
  i64 received_back;
  i64 buyer_fee_back;
  i64 seller_fee_back;
};

struct BustTrade {
  CommandHeader header;
  BustedTrade trade;
};

inline constexpr u8 kBuy = 1;
inline constexpr u8 kSell = 2;
inline constexpr u8 kMarket = 1;
inline constexpr u8 kLimit = 2;
inline constexpr u8 kStop = 3;
inline constexpr u8 kStopLimit = 4;
inline constexpr u8 kMarketToLimit = 5;
inline constexpr u8 kTrailingStop = 6;
inline constexpr u8 kTrailingStopLimit = 7;
inline constexpr u8 kMarketIfTouched = 8;
inline constexpr u8 kLimitIfTouched = 9;
inline constexpr u8 kPegged = 10;
inline constexpr u8 kGoodTillCancel = 1;
inline constexpr u8 kAtOpen = 2;
inline constexpr u8 kImmediateOrCancel = 3;
inline constexpr u8 kFillOrKill = 4;
inline constexpr u8 kDay = 5;
inline constexpr u8 kGoodTillDate = 6;
inline constexpr u8 kAtClose = 7;
inline constexpr u8 kGoodTillTime = 8;
inline constexpr u8 kGoodForAuction = 9;
inline constexpr u8 kAtClosingCross = 10;
inline constexpr u8 kStpDefault = 0;
inline constexpr u8 kStpCancelNewest = 1;
inline constexpr u8 kStpCancelOldest = 2;
inline constexpr u8 kStpCancelBoth = 3;
inline constexpr u8 kStpDecrement = 4;
inline constexpr u8 kStpNone = 5;
inline constexpr u16 kPostOnly = 1;
inline constexpr u16 kSlide = 2;
inline constexpr u16 kReduceOnly = 4;
inline constexpr u16 kHidden = 8;
inline constexpr u16 kAllOrNone = 16;
inline constexpr u16 kCancelOnDisconnect = 32;
inline constexpr u16 kShortExempt = 64;
inline constexpr u16 kSubmitFlags = 127;
inline constexpr u8 kTriggerLast = 0;
inline constexpr u8 kTriggerQuote = 1;
inline constexpr u8 kTriggerMark = 2;
inline constexpr u8 kTriggerParent = 3;
inline constexpr u8 kTrailPrice = 1;
inline constexpr u8 kTrailRate = 2;
inline constexpr u8 kTrailTicks = 3;
inline constexpr u8 kPegPrimary = 1;
inline constexpr u8 kPegMarket = 2;
inline constexpr u8 kPegMid = 3;
inline constexpr u8 kByTime = 0;
inline constexpr u8 kProRata = 1;
inline constexpr u8 kTopFirst = 2;
inline constexpr u16 kPriceGiven = 1;
inline constexpr u16 kQuantityGiven = 2;
inline constexpr u16 kStopGiven = 4;
inline constexpr u16 kDisplayGiven = 8;
inline constexpr u8 kDeposit = 1;
inline constexpr u8 kWithdrawal = 2;
inline constexpr u8 kBetween = 3;
inline constexpr u8 kContinuous = 1;
inline constexpr u8 kClosed = 3;
inline constexpr u8 kPreOpen = 4;
inline constexpr u8 kOpeningCall = 5;
inline constexpr u8 kVolatilityCall = 7;
inline constexpr u8 kClosingCall = 8;
inline constexpr u8 kClosingCross = 9;
inline constexpr u8 kPaused = 10;
inline constexpr u8 kPostClose = 11;
inline constexpr u8 kMaxScale = 18;

}  // namespace quantumcore
