#pragma once

#include "quantumcore/arena.hpp"

namespace quantumcore {

/// What matching touches of an order: half a cache line. `next`/`prev` queue it in its level.
struct OrderNode {
  u32 next;
  u32 prev;
  i64 leaves;      // lots
  u32 level;       // of the ladder; kNone while it does not rest
  u32 account;     // slot of the account
  u32 instrument;  // slot of the instrument
  u32 flags;       // kOrder* below; bits from 16 on are free for rare properties
};
static_assert(sizeof(OrderNode) == 32);

inline constexpr u32 kOrderLive = 1;        // the slot is taken
inline constexpr u32 kOrderSell = 2;        // else a buy
inline constexpr u32 kOrderPostOnly = 4;    // may never take
inline constexpr u32 kOrderNeverRests = 8;  // market, ioc or fok
inline constexpr u32 kOrderFillOrKill = 16;
inline constexpr u32 kOrderListed = 32;   // in its account's list of working orders
inline constexpr u32 kOrderTraded = 64;   // has sums of money; without it they are all 0
inline constexpr u32 kOrderStpShift = 8;  // 3 bits: self-trade prevention, 1..5
// What an order that is not plain has; the rest of it stands in its row of Extras.
inline constexpr u32 kOrderRare = 1U << 16;        // it has such a row
inline constexpr u32 kOrderIceberg = 1U << 17;     // leaves are what is shown; more is in reserve
inline constexpr u32 kOrderDark = 1U << 18;        // rests where nobody sees it
inline constexpr u32 kOrderMinimum = 1U << 19;     // wants so much at a time
inline constexpr u32 kOrderPeg = 1U << 20;         // follows the market up to its cap
inline constexpr u32 kOrderBudget = 1U << 21;      // spends no more than that
inline constexpr u32 kOrderWaits = 1U << 22;       // live and in no book
inline constexpr u32 kOrderReduceOnly = 1U << 23;  // counted in its position
inline constexpr u32 kOrderForPrice = 1U << 24;    // waits for a price, fired or not

inline bool is_sell(const OrderNode& node) { return (node.flags & kOrderSell) != 0; }
inline u8 stp_of(const OrderNode& node) {
  return static_cast<u8>((node.flags >> kOrderStpShift) & 7);
}

/// Where an order stands among the working orders of its account, in order of acceptance; kNone: no
/// neighbour. Apart from the order, and so small that the links of thousands of orders stay in a
/// cache: leaving the list writes both neighbours'.
struct AccountLinks {
  u32 next;
  u32 prev;
};

/// The fees that an order was promised.
struct Rates {
  i64 minimum_fee;  // minor units of the quote
  i32 taker;        // 10^-8
  i32 maker;        // 10^-8

  /// The dearest rate that any later fill can have.
  i64 worst() const {
    const i32 worst = taker > maker ? taker : maker;
    return worst > 0 ? worst : 0;
  }
};

/// The rest of an order: one cache line. Without accounting only the first half and
/// the session are written.
struct alignas(64) OrderRecord {
  u64 sequence;  // of the command that submitted it
  i64 price;     // ticks
  i64 quantity;  // lots in all; filled = quantity - leaves
  u32 extra;     // kNone: a plain order; else a row of rare properties
  u32 position;  // row of its account in its instrument

  i64 hold;          // minor units of the hold's currency
  u32 client_entry;  // without accounting: the session by which it came
  u32 held_balance;  // in which it holds; of the other knows the position
  Rates rates;       // as accepted
};
static_assert(sizeof(OrderRecord) == 64);

/// The sums of an order over its fills. Apart from the order: most orders never trade, and only a
/// fill writes here.
struct alignas(64) OrderSums {
  u128 notional;    // N: sum of ticks × lots
  u128 fee_sum;     // F: sum of rate × ticks × lots where rate >= 0
  u128 rebate_sum;  // R: sum of -rate × ticks × lots where rate < 0
  i64 moved;        // principal so far: paid (buy) or received (sell)
  i64 charged;      // fees so far
};
static_assert(sizeof(OrderSums) == 64);

/// Of an order that has not traded.
inline constexpr OrderSums kNoSums{};

/// All parts of every order, under one slot number.
class Orders {
 public:
  explicit Orders(u32 capacity)
      : nodes_(capacity), records_(capacity), links_(capacity), sums_(capacity) {}

  /// Takes a slot: the one freed last, else the next new one. Its node and its record are the
  /// caller's to write whole.
  u32 acquire() { return nodes_.acquire(); }
  void release(u32 slot) {
    nodes_[slot].flags = 0;
    nodes_.release(slot);
  }

  OrderNode& node(u32 slot) { return nodes_[slot]; }
  const OrderNode& node(u32 slot) const { return nodes_[slot]; }
  AccountLinks& links(u32 slot) { return links_[slot]; }
  const AccountLinks& links(u32 slot) const { return links_[slot]; }
  OrderRecord& record(u32 slot) { return records_[slot]; }
  const OrderRecord& record(u32 slot) const { return records_[slot]; }
  const OrderSums& sums(u32 slot) const {
    return (nodes_[slot].flags & kOrderTraded) != 0 ? sums_[slot] : kNoSums;
  }
  /// Loads the sums of an order that is about to trade.
  void prefetch_sums(u32 slot) const { __builtin_prefetch(&sums_[slot], 1); }
  /// Loads what a trade touches of an order that rests; any number will do.
  void prefetch_maker(u32 slot) const {
    const u32 known = slot < nodes_.used() ? slot : 0;
    prefetch(known);
    prefetch_sums(known);
  }
  /// The sums of an order that trades: they begin at 0 with its first fill.
  OrderSums& open_sums(u32 slot) {
    if ((nodes_[slot].flags & kOrderTraded) == 0) {
      nodes_[slot].flags |= kOrderTraded;
      sums_[slot] = OrderSums{};
    }
    return sums_[slot];
  }

  /// Whether `slot` holds the live order named by `sequence`. The whole sequence is compared: it
  /// never wraps, so a recycled slot is never taken for its former owner.
  bool is(u32 slot, u64 sequence) const {
    return slot < nodes_.used() && (nodes_[slot].flags & kOrderLive) != 0 &&
           records_[slot].sequence == sequence;
  }

  /// Loads node, record and links into the cache; any used slot will do.
  void prefetch(u32 slot) const {
    __builtin_prefetch(&nodes_[slot], 1);
    __builtin_prefetch(&records_[slot], 1);
    __builtin_prefetch(&links_[slot], 1);
  }
  /// Loads what leaving the queue of its level will write, and returns that level's number; any
  /// used slot will do.
  u32 prefetch_neighbours(u32 slot) const {
    const OrderNode& node = nodes_[slot];
    prefetch_node(node.prev);
    prefetch_node(node.next);
    return node.level;
  }
  /// Loads the slot that is new after `further` other ones; what was freed is near anyway.
  void prefetch_fresh(u32 further) const {
    const u32 slot = nodes_.used() + further;
    if (nodes_.free_count() == 0 && slot < nodes_.capacity()) prefetch(slot);
  }
  void prefetch_node(u32 slot) const {
    __builtin_prefetch(&nodes_[slot < nodes_.used() ? slot : 0], 1);
  }

  void copy(const Orders& other) {
    nodes_.copy(other.nodes_);
    records_.copy(other.records_, other.nodes_.used());
    links_.copy(other.links_, other.nodes_.used());
    for (u32 slot = 0; slot < other.nodes_.used(); ++slot) {
      if ((nodes_[slot].flags & kOrderTraded) != 0) sums_[slot] = other.sums_[slot];
    }
  }
  /// Takes the memory of the first `slots` orders now.
  void fill(u32 slots) {
    nodes_.fill(slots);
    records_.fill(slots);
    links_.fill(slots);
    sums_.fill(slots);
  }

  Arena<OrderNode, &OrderNode::next>& slots() { return nodes_; }
  const Arena<OrderNode, &OrderNode::next>& slots() const { return nodes_; }
  std::size_t bytes() const {
    return nodes_.bytes() + nodes_.used() * (sizeof(OrderRecord) + sizeof(AccountLinks));
  }

 private:
  Arena<OrderNode, &OrderNode::next> nodes_;
  Reserved<OrderRecord> records_;
  Reserved<AccountLinks> links_;
  Reserved<OrderSums> sums_;  // only of orders that have traded
};

}  // namespace quantumcore
