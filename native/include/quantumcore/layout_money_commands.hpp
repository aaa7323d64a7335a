#pragma once

#include "quantumcore/layout_commands.hpp"

/// The bytes of commands that move money by themselves, and say what accounts may do:
/// docs/reference/engine.md sections 11 to 13.
namespace quantumcore {

/// What the transfers of a group share.
struct GroupTerms {
  char group_id[kIdBytes];
  u16 code;
  u8 count;
  u8 flags;
  i32 effective_day;
  u8 user_data[16];
  char reverses[kIdBytes];
  char text[128];
};

/// What `count` whole Leg follow.
struct PostGroup {
  CommandHeader header;
  GroupTerms terms;
};

/// One transfer of a group, from debit to credit; account 0 is the house. With a hold, named by the
/// command that placed it, the amount is captured from that.
struct Leg {
  u32 debit_account;
  u32 credit_account;
  u16 debit_code;
  u16 credit_code;
  u16 currency;
  u16 reserved;
  i64 amount;
  u64 hold;
};

struct SetAccountTerms {
  CommandHeader header;
  u8 state;
  u8 reserved[7];
};

struct SetCredit {
  CommandHeader header;
  i64 limit;
  u16 currency;
  u8 reserved[6];
};

/// Sets an amount of the account's balance aside.
struct PlaceHold {
  CommandHeader header;
  i64 amount;
  i64 expires_ns;
  u16 currency;
  u16 reserved;
  char hold_id[kIdBytes];
};

/// Lets a hold have been placed of another amount in all.
struct AmendHold {
  CommandHeader header;
  i64 amount;
  char hold_id[kIdBytes];
  u32 reserved;
};

/// Gives an amount of what is open of a hold back; 0: all of it.
struct ReleaseHold {
  CommandHeader header;
  i64 amount;
  char hold_id[kIdBytes];
  u32 reserved;
};

/// What befalls all holders of an instrument at once (docs/reference/engine.md section 13).
struct ActionTerms {
  char action_id[kIdBytes];
  i32 effective_day;
  u8 action;
  u8 right;
  u8 amount_scale;
  u8 reserved;
  u32 target;
  u32 numerator;
  u32 denominator;
  i64 price;
  i64 amount;
  i64 rate;
  i64 quantity;
  u64 seed;
};

struct ApplyAction {
  CommandHeader header;
  ActionTerms terms;
};

inline constexpr u8 kSplit = 1;
inline constexpr u8 kStockDividend = 2;
inline constexpr u8 kCashDividend = 3;
inline constexpr u8 kConversion = 4;
inline constexpr u8 kSpinOff = 5;
inline constexpr u8 kAdjustment = 6;
inline constexpr u8 kSettlement = 7;
inline constexpr u8 kExercise = 8;
inline constexpr u8 kFunding = 9;
inline constexpr u8 kBorrowFee = 10;
inline constexpr u8 kCall = 1;
inline constexpr u8 kPut = 2;
inline constexpr u32 kMostLegs = 100;
inline constexpr u16 kOwnCode = 0;           // of a customer's balance
inline constexpr u16 kCollateralCode = 220;  // of what a customer has put aside
inline constexpr u8 kSigned = 1;
inline constexpr u8 kOpen = 1;
inline constexpr u8 kFrozen = 2;
inline constexpr u8 kShut = 3;

}  // namespace quantumcore
