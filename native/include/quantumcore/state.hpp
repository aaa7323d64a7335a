#pragma once

#include "quantumcore/accounts.hpp"
#include "quantumcore/book.hpp"
#include "quantumcore/client_ids.hpp"
#include "quantumcore/extras.hpp"
#include "quantumcore/group_ids.hpp"
#include "quantumcore/guards.hpp"
#include "quantumcore/heap.hpp"
#include "quantumcore/hold_ids.hpp"
#include "quantumcore/id_table.hpp"
#include "quantumcore/layout.hpp"
#include "quantumcore/limits.hpp"
#include "quantumcore/links.hpp"
#include "quantumcore/margin.hpp"
#include "quantumcore/money.hpp"
#include "quantumcore/positions.hpp"
#include "quantumcore/price.hpp"
#include "quantumcore/rare_book.hpp"
#include "quantumcore/transfer_ids.hpp"

namespace quantumcore {

inline constexpr u32 kMaxCurrencies = 4096;
inline constexpr u32 kMaxInstruments = 65'536;
inline constexpr u32 kDefaultMaxOpenOrders = 10'000;
inline constexpr u32 kMaxBusts = 65'536;
inline constexpr u32 kMaxActions = 65'536;
inline constexpr i64 kRememberNs = i64{48} * 3600 * 1'000'000'000;

/// Bounds of one engine. They decide when CAPACITY is answered, so a journal replays under the
/// bounds it was written under; a snapshot carries them. Memory is only taken as it is used.
struct EngineConfig {
  std::uint32_t max_orders = 4'194'304;
  std::uint32_t max_accounts = 16'777'216;
  std::uint32_t max_client_ids = 16'777'216;
  std::uint32_t max_transfers = 16'777'216;
  std::uint32_t max_balances = 33'554'432;
  std::uint32_t max_windows = 16'384;
  std::uint32_t accounting = 1;  // 0: a matcher without money and client ids (engine.md section 9)
  std::uint32_t max_groups = 4'194'304;
  std::uint32_t max_legs = 16'777'216;  // of all groups together
  std::uint32_t max_holds = 4'194'304;  // that clients place
  std::uint32_t max_limits = 262'144;   // records, of each of both kinds
};

/// A currency, and what trades have moved in it, minor units. Fees, rebates and rounding follow
/// fills alone: only so is fees >= rebates and rounding >= 0, since later fills of the same orders
/// give back of what earlier ones rounded up.
struct Currency {
  u16 id;
  u8 scale;
  char code[12];
  i64 owed;  // what customers have from outside of trading, whoever it came from
  i128 fees;
  i128 rebates;
  i128 rounding;
};

/// How many accounts the house has in a currency (engine.md section 11); 100 and 110 are one.
inline constexpr u8 kHousePlaces = 12;
inline constexpr u8 kBank = 0;
inline constexpr u8 kFeeIncome = 3;
inline constexpr u8 kRebatesPaid = 4;
inline constexpr u8 kInterest = 6;
inline constexpr u8 kRounding = 8;
inline constexpr u8 kClearing = 10;
inline constexpr u8 kEquity = 11;
/// The place of a code of the chart, or kHousePlaces.
u8 house_place(u16 code);
/// The code of a place.
u16 house_code(u8 place);
/// Assets and expenses: their balance is debits less credits.
inline bool has_debit_nature(u8 place) { return place == kBank || place == kRebatesPaid; }

/// What groups and busts have moved on the accounts of the house, each in its own nature, beside
/// what the Currency says of the same account: trades add to that without a look at this.
struct House {
  i128 moved[kHousePlaces];
  i128 fees_back;  // what busts gave back of fee income, in no place of its own
  i64 floors;      // how far below zero all balances of customers together can fall
  i64 reserved;
};

struct Instrument {
  u32 id;
  u16 base;   // slot
  u16 quote;  // slot
  Unit unit;
  i64 asset_per_lot;
  i64 last_price;  // ticks; 0: never traded
  u32 rare;        // kRare*: parts of its RareBook that are in use; 0: a plain book
  u32 reserved;
  InstrumentTerms terms;
  Book book;

  Grid price_grid() const { return {terms.tick, terms.tick_scale}; }
  Grid lot_grid() const { return {terms.lot, terms.lot_scale}; }
};

/// A trade that was corrected, and by which command.
struct Bust {
  u64 trade_sequence;
  u64 sequence;
  u32 fill;
  u32 reserved;
};

/// An action that was done, and by which command.
struct Action {
  ActionTerms terms;
  u64 sequence;
  u32 instrument;
  u32 account;  // who exercised; 0: all

  u32 owner() const { return kNone; }  // one name space for all
  const char (&id() const)[kIdBytes] { return terms.action_id; }
};
static_assert(std::has_unique_object_representations_v<Action>);

/// What is left of the lots that close a position, buys and sells, in the walk of a command.
struct ClosingRoom {
  i128 left[2];
  u64 command;
  u64 reserved;
};

/// One maker's part of a level that is shared out.
struct Part {
  u32 slot;
  u32 reserved;
  i64 lots;
};

/// How much of the large tables is in use.
struct Usage {
  u32 orders;
  u32 leaves;
  u32 windows;
  u32 accounts;
  u32 balances;
  u32 submissions;
  u32 transfers;
  u32 terms;
  u32 extras;
  u32 positions;
  u32 links;
  u32 groups;
  u32 legs;
  u32 holds;
  u32 limits;
};

/// Everything the engine knows. A plain table of parts: what may happen to it is said in gate,
/// match, settle and the files of the commands.
struct State {
  explicit State(const EngineConfig& config);

  EngineConfig config;
  u64 sequence = 0;
  i64 time_ns = 0;
  u64 hash = kHash0;
  u8 killed = kSwitchOff;  // the mode of the venue's switch
  u32 guarded = 0;         // kGuard*: what every order must be looked at for
  u32 max_open_orders = kDefaultMaxOpenOrders;

  Orders orders;
  Extras extras;  // of the orders that are not plain
  Links links;
  Positions positions;
  GroupPositions group_positions;
  Position stranger{};  // scratch: an account in an instrument that has no row yet
  LimitTable<QuantityRecord> quantity_limits;
  LimitTable<MoneyRecord> money_limits;
  LimitTable<ShareRecord> share_limits;
  u64 limits_version = 1;      // raised with whatever may change the limits of a position
  bool watches_worth = false;  // what follows is kept: something limits gross notional
  Reserved<i64> order_worth;   // by slot: gross notional of what is left, minor units of the quote
  Reserved<i128> position_worth;  // by row
  Reserved<i128> balance_worth;   // by row of the balance in the quote
  Reserved<Bust> busts;
  u32 bust_count = 0;
  HashIndex busts_by_trade;
  IdTable<Action> actions;
  u32 grouped_accounts = 0;  // of some group
  LadderPages pages;
  Accounts accounts;
  ClientIds client_ids;
  TransferIds transfer_ids;
  GroupIds group_ids;
  Reserved<Currency> currencies;
  Reserved<House> houses;  // by slot of the currency
  u32 currency_count = 0;
  Reserved<u16> currency_slot_plus_1;  // by id
  Reserved<Instrument> instruments;
  u32 instrument_count = 0;
  SmallIds instruments_by_small_id;
  HashIndex instruments_by_id;  // the others
  HashIndex instruments_by_symbol;
  Reserved<u32> account_order;    // scratch of what goes through all accounts
  Reserved<RareBook> rare_books;  // by slot of the instrument
  Reserved<u32> touched;  // a heap: slots of instruments that the command has changed, if rare
  u32 touched_count = 0;
  Reserved<u32> due;  // slots of instruments of which something ends by time, in no order
  u32 due_count = 0;
  Reserved<u32> due_now;    // scratch of passing time
  HeapTable stop_heaps;     // by row of extras, as are the next two: RareBook::waiting
  HeapTable extreme_heaps;  // RareBook::waiting
  HeapTable expiry_heap;
  u32 expiring = kNone;              // the row that expires next
  HeapTable timer_heap;              // by slot of the account
  u32 timers = kNone;                // the account whose orders go next
  Reserved<AccountLinks> day_links;  // by row of extras: RareBook::day_first
  Reserved<u32> moved;               // scratch of a look at triggers: rows that moved
  Reserved<u32> fired;               // the same: rows that fired
  Reserved<u32> ending;              // scratch of what ends many orders
  Reserved<Kept> kept;               // scratch of trimming
  Reserved<Part> parts;              // scratch of sharing out
  Reserved<u64> judged;              // scratch of an act: what judging its orders found
  Reserved<u64> batch;               // scratch: the words of a batch that lay unaligned
  // Scratch of walks that only look: by account and by slot of the order, what was counted.
  mutable Reserved<u64> walk_marks;
  mutable Reserved<u64> counted;
  mutable u64 walks = 0;
  HoldIds hold_ids;  // of clients: what orders hold they know themselves
  Guards guards;
  Margin margin;
  u32 tripped_count = 0;                // of Guards::tripped
  Reserved<ClosingRoom> closing_rooms;  // scratch of a switch: by row of the position

  /// Notes that something changed in an instrument, so that its aftermath is looked at.
  void touch(const Instrument& instrument) {
    if (instrument.rare == 0) [[likely]] {
      return;
    }
    touch_rare(instrument);
  }
  void touch_rare(const Instrument& instrument);
  /// Takes the touched instrument with the least id out; its slot. Cost: O(log n).
  u32 next_touched();

  RareBook& rare_of(const Instrument& i) { return rare_books[slot_of(i)]; }
  const RareBook& rare_of(const Instrument& i) const { return rare_books[slot_of(i)]; }
  Extra& extra_of(u32 slot) { return extras[orders.record(slot).extra]; }
  const Extra& extra_of(u32 slot) const { return extras[orders.record(slot).extra]; }

  /// Whether two accounts, by slot, must not trade with each other.
  bool same_party(u32 one, u32 other) const {
    if (one == other) return true;
    if (grouped_accounts == 0) [[likely]] {
      return false;
    }
    return accounts[one].group != 0 && accounts[one].group == accounts[other].group;
  }

  Instrument* find_instrument(u32 id) {
    const u32 slot = SmallIds::holds(id) ? instruments_by_small_id.find(id) : find_by_hash(id);
    return slot == kNone ? nullptr : &instruments[slot];
  }
  const Instrument* find_instrument(u32 id) const {
    return const_cast<State*>(this)->find_instrument(id);
  }
  bool accounting() const { return config.accounting != 0; }
  /// Slot of a currency, or -1.
  i32 find_currency(u16 id) const { return static_cast<i32>(currency_slot_plus_1[id]) - 1; }
  /// The balance of an account of the house, in its own nature.
  i128 house_balance(u16 currency, u8 place) const;
  /// Customers have got so much from the house, or it from them.
  void owe(u16 currency, i64 change);
  /// What one customer could come to have if all others owed what they may, after changes of both.
  i128 bound(u16 currency, i128 given, i128 deeper = 0) const;
  Currency& base_of(const Instrument& i) { return currencies[i.base]; }
  Currency& quote_of(const Instrument& i) { return currencies[i.quote]; }
  const Currency& base_of(const Instrument& i) const { return currencies[i.base]; }
  const Currency& quote_of(const Instrument& i) const { return currencies[i.quote]; }
  u32 slot_of(const Instrument& i) const { return static_cast<u32>(&i - instruments.data()); }
  u32 max_open_of(const Account& a) const {
    return a.has_limits != 0 ? a.max_open_orders : max_open_orders;
  }

  /// The slot of an instrument whose id is not small, or kNone.
  u32 find_by_hash(u32 id) const;

  /// Bytes, roughly, over which the commands of working orders spread.
  std::size_t working_bytes() const {
    return orders.bytes() + pages.leaves.bytes() +
           (accounting() ? client_ids.bytes() : std::size_t{0});
  }

  Usage usage() const;
  /// Takes the memory of so much now.
  void fill(const Usage& usage);
  /// Takes over all that a snapshot tells; nothing can be looked up here afterwards. Cost: one copy
  /// of what is in use, so memory that is already there makes it short.
  void copy(const State& other);

  /// Adds a definition that has been judged.
  Currency& add_currency(u16 id, u8 scale, const char (&code)[12]);
  Instrument& add_instrument(u32 id, const InstrumentTerms& terms);
};

u32 symbol_tag(const char (&symbol)[24]);

}  // namespace quantumcore
