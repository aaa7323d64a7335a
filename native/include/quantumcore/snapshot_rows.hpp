#pragma once

#include "quantumcore/fees.hpp"
#include "quantumcore/hash.hpp"
#include "quantumcore/state.hpp"

/// A snapshot tells what is so, not how the tables lie: hash tables, ladders and lists are built
/// again. That makes it canonical: restoring and writing again gives the same bytes.
///
///   magic u64 · version u32 · reserved u32 · size u64 · checksum u64 · the parts in the order
///   below
namespace quantumcore::snapshot {

inline constexpr u64 kMagic = 0x31504E5345434351;  // "QCCESNP1"
inline constexpr u32 kVersion = 10;

struct SnapshotHeader {
  u64 magic;
  u32 version;
  u32 reserved;
  u64 size;  // of all bytes, header too
  u64 checksum;
};

struct Scalars {
  u32 max_orders;
  u32 max_accounts;
  u32 max_client_ids;
  u32 max_transfers;
  u32 max_balances;
  u32 max_windows;
  u32 max_groups;
  u32 max_legs;
  u32 max_open_orders;
  u32 killed;
  u64 sequence;
  i64 time_ns;
  u64 hash;
  u32 currencies;
  u32 instruments;
  u32 accounts;
  u32 balances;
  u32 submissions;
  u32 transfers;
  u32 slots;
  u32 free_slots;
  u32 orders;
  u32 without_accounting;
  u32 fired;  // orders in the queues of those whose trigger fired
  u32 positions;
  u32 links;
  u32 busts;
  u32 credits;
  u32 groups;
  u32 legs;
  u32 actions;
  u32 holds;
  u32 max_holds;
  u32 max_limits;
  u32 quantity_limits;
  u32 money_limits;
  u32 firms;
  u32 sessions;
  u32 restrictions;
  u32 locates;
  u32 patterns;
  u32 protections;
  u32 instrument_margins;
  u32 account_margins;
  u32 risk_limits;
  u32 share_limits;
  u32 reserved;

  EngineConfig config() const {
    return {max_orders,  max_accounts,           max_client_ids, max_transfers, max_balances,
            max_windows, 1 - without_accounting, max_groups,     max_legs,      max_holds,
            max_limits};
  }
};
static_assert(std::has_unique_object_representations_v<Scalars>);

struct CurrencyRow {
  i128 fees;
  i128 rebates;
  i128 rounding;
  i128 moved[kHousePlaces];
  i128 fees_back;
  i64 owed;
  u16 id;
  u8 scale;
  u8 reserved;
  char code[12];
  u32 reserved2[2];
};
static_assert(std::has_unique_object_representations_v<CurrencyRow>);

struct InstrumentRow {
  i128 adjusted;
  i64 last_price;
  u32 id;
  u32 has_rare;  // a RareRow and its prints follow
  InstrumentTerms terms;
  u64 reserved;
};
static_assert(std::has_unique_object_representations_v<InstrumentRow>);

struct RareRow {
  TradingRules rules;
  i64 reference;
  i64 closing_price;
  i64 indicative_price;
  i64 indicative_quantity;
  i64 indicative_imbalance;
  i64 limit_edge;
  i64 limit_until;
  i64 call_until;
  Seen seen;
  i64 mark;
  i64 marked_at;
  i64 bid;
  i64 ask;
  i64 quoted_at;
  MarketSize size;
  ClassTerms class_terms;
  u32 switch_mode;
  u32 reserved;
  u32 prints;
  u32 limit_side;
  u32 ends_by_time;
  u32 printed;
};
static_assert(std::has_unique_object_representations_v<RareRow>);

struct AccountRow {
  u8 owner[16];
  u32 id;
  u32 max_open_orders;
  u8 has_limits;
  u8 killed;
  u8 barred;
  u8 reserved;
  u32 group;
  i64 deadline_ns;
  u32 firm;
  u32 reserved2;
};
static_assert(std::has_unique_object_representations_v<AccountRow>);

struct BalanceRow {
  i64 total;
  i64 held;
  u32 account;
  u16 currency;
  u16 reserved;
};
static_assert(std::has_unique_object_representations_v<BalanceRow>);

/// In order of their making.
struct PositionRow {
  i128 lots;
  u32 account;
  u32 instrument;
  u64 reserved;
};
static_assert(std::has_unique_object_representations_v<PositionRow>);

/// In order of the least slot of each.
struct LinkRow {
  u64 sequence;
  u32 slots[3];  // the parent, or none; then the members, the holder first
  u32 instrument;
  u32 eldest;
  u8 kind;
  u8 waits;
  u8 reserved[2];
};
static_assert(std::has_unique_object_representations_v<LinkRow>);

/// In book order: instrument by instrument, bids then asks, best first, oldest first, then what is
/// dark in the same order; then what waits, by slot. Of an order with kOrderRare its Extra follows;
/// leaves are what it shows.
struct OrderRow {
  u128 notional;
  u128 fee_sum;
  u128 rebate_sum;
  u64 sequence;
  i64 price;
  i64 quantity;
  i64 leaves;
  i64 hold;
  i64 moved;
  i64 charged;
  i64 rebated;
  i64 minimum_fee;
  i32 taker_rate;
  i32 maker_rate;
  u32 slot;
  u32 instrument;
  u32 account;
  u32 flags;
  u32 session;  // without accounting; else the submission tells it
  u32 reserved[3];
};
static_assert(std::has_unique_object_representations_v<OrderRow>);

/// Guards against damage on disk, not against an author: four lanes, so that it runs at memory
/// speed.
inline u64 checksum(const std::byte* bytes, std::size_t size) {
  u64 lanes[4] = {kHash0, kHash1, kHash2, kHash3};
  std::size_t i = 0;
  for (; i + 32 <= size; i += 32) {
    for (std::size_t k = 0; k < 4; ++k) {
      lanes[k] = mum(lanes[k] ^ load_u64(bytes + i + 8 * k), kHash1 + 2 * k);
    }
  }
  u64 h = size;
  for (; i < size; ++i) h = mum(h ^ static_cast<u64>(bytes[i]) ^ kHash2, kHash3);
  for (const u64 lane : lanes) h = mum(h ^ lane, kHash1);
  return h;
}

}  // namespace quantumcore::snapshot
