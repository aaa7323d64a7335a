#pragma once

#include <iterator>

#include "quantumcore/arena.hpp"
#include "quantumcore/hash.hpp"
#include "quantumcore/hash_index.hpp"
#include "quantumcore/heap.hpp"
#include "quantumcore/layout.hpp"

/// What stands between an account and its orders beside price and money (docs/reference/engine.md
/// section 15): records, and what they count. Where none is set nobody looks here.
namespace quantumcore {

inline constexpr u32 kMaxFirms = 65'536;     // that ever had a switch
inline constexpr u32 kMaxSessions = 16'384;  // with a switch, a record or a token out
inline constexpr u32 kMaxRestrictions = 65'536;
inline constexpr u32 kMaxLocates = 1'048'576;
inline constexpr u32 kMaxPatterns = 65'536;
inline constexpr u32 kMaxProtections = 65'536;
inline constexpr u32 kMostFills = 256;  // that are looked at, of an account or in an underlying
inline constexpr u32 kMostSent = 64;    // submissions of an account that are looked at
inline constexpr i64 kToken = 1'000'000'000;  // in what is counted of a bucket

// Bits of State::guarded: what every order must be looked at for.
inline constexpr u32 kGuardSwitch = 1;    // the venue's is not off
inline constexpr u32 kGuardFirms = 2;     // a firm's is not off
inline constexpr u32 kGuardSessions = 4;  // a session is kept
inline constexpr u32 kGuardThrottles = 8;
// Bits of Account::guarded.
inline constexpr u8 kGuardEntitlements = 1;
inline constexpr u8 kGuardOwnThrottles = 2;
inline constexpr u8 kGuardPatterns = 4;
inline constexpr u8 kGuardProtected = 8;
inline constexpr u8 kGuardFills = kGuardPatterns | kGuardProtected;

/// Rows that are never removed, each found by its key: `Row::Key` with tag() and ==.
template <class Row>
class KeyedRows {
 public:
  using Key = typename Row::Key;

  explicit KeyedRows(u32 capacity) : rows_(capacity) {}

  u32 find(const Key& key) const {
    return by_key_.find(key.tag(), [&](u32 row) { return rows_[row].key == key; });
  }
  bool full() const { return count_ == rows_.capacity(); }
  /// The row of a key, made empty if need be: then there must be room.
  Row& make(const Key& key) {
    u32 row = find(key);
    if (row == kNone) {
      row = count_++;
      rows_[row] = Row{};
      rows_[row].key = key;
      by_key_.insert(key.tag(), row);
    }
    return rows_[row];
  }
  Row& operator[](u32 row) { return rows_[row]; }
  const Row& operator[](u32 row) const { return rows_[row]; }
  u32 index_of(const Row& row) const { return static_cast<u32>(&row - rows_.data()); }
  u32 count() const { return count_; }
  /// Takes over the rows, not the way to find one.
  void copy_rows(const KeyedRows& other) {
    rows_.copy(other.rows_, other.count_);
    count_ = other.count_;
  }

 private:
  Reserved<Row> rows_;
  u32 count_ = 0;
  HashIndex by_key_;
};

/// A key of two numbers.
struct PairKey {
  u32 first;
  u32 second;

  u32 tag() const { return tag_of(static_cast<u64>(first) << 32 | second); }
  bool operator==(const PairKey&) const = default;
};

/// rate tokens a second, at most burst; rate 0: there is none.
struct Throttle {
  u32 rate;
  u32 burst;
};

/// What is out of a bucket, in 10^-9 tokens, as of a command's time.
struct Bucket {
  i64 out;
  i64 at;

  i64 out_at(u32 rate, i64 now) const {
    const u128 back = static_cast<u128>(rate) * static_cast<u64>(now - at);
    return back >= static_cast<u64>(out) ? 0 : out - static_cast<i64>(back);
  }
};

/// A bucket, and the record of its owner, if it has one.
struct OwnBucket {
  Throttle own;
  Bucket bucket;
};

/// Of an account; all zero: as if there were none. New orders and replacements need one cache line.
struct alignas(64) AccountGuard {
  u64 barred_products;  // a bit for each that it may not trade
  u32 patterns;         // row plus 1
  u8 disabled;
  u8 reserved[3];
  OwnBucket buckets[kThrottleClasses];
  u64 reserved2[2];
};
static_assert(sizeof(AccountGuard) == 128);

/// A connection, by the number that orders bring.
struct Session {
  u32 number;  // 0: a free row
  u32 next_free;
  u64 mode;
  OwnBucket buckets[kThrottleClasses];
};
static_assert(std::has_unique_object_representations_v<Session>);

/// The sessions that are kept. Cost: O(1); when all places are taken, a walk over them.
class Sessions {
 public:
  Sessions() : rows_(kMaxSessions) {}

  u32 find(u32 number) const {
    return by_number_.find(tag_of(number), [&](u32 row) { return rows_[row].number == number; });
  }
  bool full() const { return rows_.left() == 0; }
  Session& add(u32 number) {
    const u32 row = rows_.acquire();
    rows_[row] = Session{};
    rows_[row].number = number;
    by_number_.insert(tag_of(number), row);
    return rows_[row];
  }
  void remove(u32 row) {
    by_number_.erase(tag_of(rows_[row].number), row);
    rows_[row].number = 0;
    rows_.release(row);
  }
  Session& operator[](u32 row) { return rows_[row]; }
  const Session& operator[](u32 row) const { return rows_[row]; }
  /// Rows that were ever used; those with a number live.
  u32 used() const { return rows_.used(); }
  u32 live() const { return rows_.live(); }
  void copy_rows(const Sessions& other) { rows_.copy(other.rows_); }

 private:
  Arena<Session, &Session::next_free> rows_;
  HashIndex by_number_;
};

struct FirmSwitch {
  struct Key {
    u32 firm;

    u32 tag() const { return tag_of(firm); }
    bool operator==(const Key&) const = default;
  } key;
  u32 mode;
};

/// An instrument (slot) on the list of the venue, an account (slot) or a group.
struct Restriction {
  struct Key {
    u32 subject;
    u32 instrument;
    u32 scope;

    u32 tag() const {
      return tag_of((static_cast<u64>(subject) << 32 | instrument) + u64{scope} * kHash1);
    }
    bool operator==(const Key&) const = default;
  } key;
  u32 restricted;
};

/// Lots that an account may be short of an instrument, both by slot.
struct Locate {
  using Key = PairKey;
  Key key;
  i64 lots;
};

/// The last `Most` of something, oldest first.
template <class Item, u32 Most>
struct Last {
  u32 first;
  u32 count;
  Item items[Most];

  /// The i-th from the oldest on.
  const Item& operator[](u32 i) const { return items[(first + i) % Most]; }
  void drop() {
    first = (first + 1) % Most;
    --count;
  }
  /// The oldest gives way when there is no room.
  void push(const Item& item) {
    if (count == Most) drop();
    items[(first + count) % Most] = item;
    ++count;
  }
};

/// What makes two submissions the same, and when one was sent; decimals without zeros at the end.
struct Sent {
  i64 time_ns;
  i64 price;
  i64 quantity;
  u32 instrument;
  u8 price_scale;
  u8 quantity_scale;
  u8 side;
  u8 reserved;

  bool same(const Sent& other) const {
    return price == other.price && quantity == other.quantity && instrument == other.instrument &&
           price_scale == other.price_scale && quantity_scale == other.quantity_scale &&
           side == other.side;
  }
};

/// What is looked at of an account (slot) over time, and what was counted.
struct Patterns {
  struct Key {
    u32 account;

    u32 tag() const { return tag_of(account); }
    bool operator==(const Key&) const = default;
  } key;
  u32 paused;
  PatternTerms terms;
  i64 window;  // when the ratio's window at hand began
  u64 orders;  // in it
  u64 fills;
  Last<i64, kMostFills> fill_times;
  Last<Sent, kMostSent> sent;
};
static_assert(std::has_unique_object_representations_v<Patterns>);

/// A fill, with what it added to delta and vega by the greeks of then; sold lots take away.
struct CountedFill {
  i64 time_ns;
  i64 lots;
  i128 delta;
  i128 vega;
};

/// Of an account (slot) in an underlying.
struct Protection {
  using Key = PairKey;
  Key key;
  ProtectionTerms terms;
  i64 until_ns;  // frozen before it; 0: not frozen, or told that it is over
  i128 lots;     // sums of the fills that are counted
  i128 delta;
  i128 vega;
  Last<CountedFill, kMostFills> counted;
};

/// Who is to be told that he is paused.
struct Tripped {
  u32 cause;
  u32 row;  // of Patterns or of protections
};

struct Guards {
  explicit Guards(u32 max_accounts)
      : accounts(max_accounts),
        firms(kMaxFirms),
        restrictions(kMaxRestrictions),
        locates(kMaxLocates),
        patterns(kMaxPatterns),
        protections(kMaxProtections),
        freeze_heap(kMaxProtections),
        tripped(kMaxPatterns + kMaxProtections) {}

  Throttle throttles[kThrottleClasses] = {};
  Reserved<AccountGuard> accounts;  // by slot of the account
  KeyedRows<FirmSwitch> firms;
  u32 firms_on = 0;  // whose switch is not off
  Sessions sessions;
  u32 sessions_on = 0;  // whose switch is not off
  KeyedRows<Restriction> restrictions;
  KeyedRows<Locate> locates;
  KeyedRows<Patterns> patterns;
  KeyedRows<Protection> protections;
  HeapTable freeze_heap;  // of protections that end by time
  u32 freezing = kNone;   // the one that ends next
  Reserved<Tripped> tripped;

  /// Takes over all that a snapshot tells.
  void copy(const Guards& other, u32 account_count) {
    std::copy(std::begin(other.throttles), std::end(other.throttles), std::begin(throttles));
    accounts.copy(other.accounts, account_count);
    firms.copy_rows(other.firms);
    sessions.copy_rows(other.sessions);
    restrictions.copy_rows(other.restrictions);
    locates.copy_rows(other.locates);
    patterns.copy_rows(other.patterns);
    protections.copy_rows(other.protections);
  }
};

}  // namespace quantumcore
