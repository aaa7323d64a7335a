#pragma once

#include "quantumcore/hash_index.hpp"
#include "quantumcore/layout.hpp"
#include "quantumcore/memory.hpp"
#include "quantumcore/refusal.hpp"

/// Records of limits, as commands have set them (docs/reference/engine.md section 14).
namespace quantumcore {

/// Whose record it is; what a scope does not have is kNone, a number that it does not have 0.
struct LimitKey {
  Scope scope;
  u32 account;     // slot
  u32 instrument;  // slot
  u32 number;      // of the group or firm
  u16 currency;    // id; of limits of money

  bool operator==(const LimitKey&) const = default;
};

/// Of lots: some of its records are of groups, none is of a currency.
template <class Limits>
struct LotsRecord {
  Limits limits;
  u32 account;
  u32 instrument;

  LimitKey key() const {
    return {static_cast<Scope>(limits.scope), account, instrument, limits.group, 0};
  }
};
using QuantityRecord = LotsRecord<QuantityLimits>;
using ShareRecord = LotsRecord<MarketShares>;
static_assert(std::has_unique_object_representations_v<QuantityRecord>);
static_assert(std::has_unique_object_representations_v<ShareRecord>);

struct MoneyRecord {
  MoneyLimits limits;
  u32 account;
  u32 instrument;
  u64 reserved;
  i128 working;  // of a firm: gross notional of what works of all its accounts, minor units
  i128 filled;   // of a firm with a line: what has filled since the record was set

  LimitKey key() const {
    return {static_cast<Scope>(limits.scope), account, instrument, limits.firm, limits.currency};
  }
};
static_assert(std::has_unique_object_representations_v<MoneyRecord>);

/// Records of one kind, in order of their making; none is ever removed.
template <class Record>
class LimitTable {
 public:
  explicit LimitTable(u32 capacity) : rows_(capacity) {}

  Record* find(const LimitKey& key) { return const_cast<Record*>(std::as_const(*this).find(key)); }
  const Record* find(const LimitKey& key) const {
    if (count_ == 0) return nullptr;
    const u32 row = by_key_.find(tag(key), [&](u32 r) { return rows_[r].key() == key; });
    return row == kNone ? nullptr : &rows_[row];
  }
  Record& add(const Record& record) {
    rows_[count_] = record;
    by_key_.insert(tag(record.key()), count_);
    return rows_[count_++];
  }

  bool full() const { return count_ == rows_.capacity(); }
  u32 count() const { return count_; }
  Record& operator[](u32 row) { return rows_[row]; }
  const Record& operator[](u32 row) const { return rows_[row]; }
  /// Takes over the records, not the way to find one.
  void copy_rows(const LimitTable& other) {
    rows_.copy(other.rows_, other.count_);
    count_ = other.count_;
  }
  void fill(u32 rows) { rows_.fill(rows); }

 private:
  static u32 tag(const LimitKey& key) {
    const u64 named = static_cast<u64>(key.account) << 32 | key.instrument;
    const u64 rest =
        static_cast<u64>(key.number) << 32 | u64{key.currency} << 8 | static_cast<u64>(key.scope);
    return tag_of(named * 0x9E3779B97F4A7C15 ^ rest);
  }

  Reserved<Record> rows_;
  u32 count_ = 0;
  HashIndex by_key_;
};

inline constexpr i64 kMostOfMarket = i64{1} << 53;      // lots
inline constexpr u32 kMostMarketShare = 1'000'000'000;  // 10^-6: a thousand times a market

inline bool is_market_size(const MarketSize& size) {
  return size.open_interest >= 0 && size.open_interest <= kMostOfMarket && size.daily_volume >= 0 &&
         size.daily_volume <= kMostOfMarket;
}
inline bool is_market_shares(const MarketShares& shares) {
  return shares.interest <= kMostMarketShare && shares.volume <= kMostMarketShare;
}

/// A limit and whose it is; -1: none is set.
struct Tightest {
  i64 limit;
  Scope scope;

  bool is_set() const { return limit >= 0; }
  bool admits(i128 actual) const { return limit < 0 || actual <= limit; }
};

/// Records by whom they limit, in the order in which the first of equal ones counts.
inline constexpr u32 kOfVenue = 1;
inline constexpr u32 kOfFirm = 2;
inline constexpr u32 kOfGroup = 4;
inline constexpr u32 kOfAccount = 8;
inline constexpr u32 kOfInstrument = 16;
inline constexpr u32 kOfPlace = 32;  // an account in an instrument
inline constexpr u32 kOfEach = kOfVenue | kOfAccount | kOfInstrument | kOfPlace;
inline constexpr u32 kOfAll = kOfEach | kOfFirm | kOfGroup;

}  // namespace quantumcore
