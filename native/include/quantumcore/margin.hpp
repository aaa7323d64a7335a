#pragma once

#include "quantumcore/guards.hpp"
#include "quantumcore/layout_margin_commands.hpp"
#include "quantumcore/refusal.hpp"
#include "quantumcore/wide.hpp"

/// What margin is measured by, as commands have set it (docs/reference/engine.md section 17). No
/// sum is kept: each is taken over an account's positions when it is asked for.
namespace quantumcore {

inline constexpr u32 kMaxAccountMargins = 65'536;  // accounts-in-a-currency
inline constexpr u32 kMaxRiskLimits = 65'536;      // records

/// Of an instrument whose terms nobody has set.
inline constexpr MarginTerms kCommonMarginTerms{50'000, 25'000, 0, 0, 0, kByAccount, {}};

/// Of an instrument, by slot.
struct InstrumentMargin {
  MarginTerms terms;
  RiskArrayTerms array;
  i64 array_set_at;  // UTC ns; 0: there is none
  GreekTerms greeks;
};
static_assert(std::has_unique_object_representations_v<InstrumentMargin>);

inline constexpr InstrumentMargin kCommonMargin{kCommonMarginTerms, {}, 0, {}};

/// Of an account in a currency, both by slot: how it is margined, and its day.
struct AccountMargin {
  using Key = PairKey;
  Key key;
  u8 profile;
  u8 has_day;
  u8 reserved[6];
  i64 opening;    // minor units, as the others
  i64 peak;       // of the result
  i128 deposits;  // since the day began
};
static_assert(std::has_unique_object_representations_v<AccountMargin>);

/// A record of the venue (account kNone) or an account, in a currency, both by slot.
struct RiskRecord {
  using Key = PairKey;
  Key key;
  RiskLimitTerms terms;
};
static_assert(std::has_unique_object_representations_v<RiskRecord>);

/// What counts of a position, with all that works to buy, and with all that works to sell.
struct MarginLeg {
  i128 lots;
  i128 most;
  i128 least;
  u32 instrument;  // slot
  u32 reserved;
  u64 group;  // those of one underlying are scanned together

  i128 worst() const { return std::max(magnitude(most), magnitude(least)); }
  bool counts() const { return (lots | most | least) != 0; }
};

/// What is looked at of an account in a currency at a time, minor units.
struct MarginSums {
  i128 equity = 0;
  i128 initial = 0;
  i128 maintenance = 0;
  i128 gross = 0;
  i128 net_long = 0;   // with all that works to buy
  i128 net_short = 0;  // with all that works to sell
  i128 of_order = 0;   // the gross worth of one leg
  bool stale = false;
  bool too_large = false;
};

/// What the judgement of an order at hand has found: its later steps ask for it again.
struct MarginFinding {
  u64 sequence = 0;  // of the command
  bool judged = false;
  u32 own = 0;       // the leg of the order's instrument
  u32 count = 0;     // of legs
  MarginLeg before;  // that leg without the order
  MarginSums sums;   // with the order
};

struct Margin {
  explicit Margin(u32 max_instruments)
      : instruments(max_instruments),
        accounts(kMaxAccountMargins),
        limits(kMaxRiskLimits),
        legs(max_instruments) {}

  Reserved<InstrumentMargin> instruments;  // by slot
  KeyedRows<AccountMargin> accounts;
  KeyedRows<RiskRecord> limits;
  mutable Reserved<MarginLeg> legs;  // scratch of a look
  mutable MarginFinding finding;     // scratch of a judgement

  const AccountMargin* find(u32 account, u16 currency) const {
    const u32 row = accounts.find({account, currency});
    return row == kNone ? nullptr : &accounts[row];
  }
  AccountMargin* find(u32 account, u16 currency) {
    return const_cast<AccountMargin*>(std::as_const(*this).find(account, currency));
  }
  /// The record of an account, or kNone for the venue's; null: there is none.
  const RiskLimitTerms* limits_of(u32 account, u16 currency) const {
    const u32 row = limits.find({account, currency});
    return row == kNone ? nullptr : &limits[row].terms;
  }
  /// Takes over all that a snapshot tells.
  void copy(const Margin& other, u32 instrument_count) {
    instruments.copy(other.instruments, instrument_count);
    accounts.copy_rows(other.accounts);
    limits.copy_rows(other.limits);
  }
};

}  // namespace quantumcore
