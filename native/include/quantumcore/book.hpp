#pragma once

#include "quantumcore/ladder.hpp"
#include "quantumcore/lots.hpp"
#include "quantumcore/orders.hpp"

namespace quantumcore {

/// The working orders of one instrument: a ladder for each side, a queue in each level.
class Book {
 public:
  Book() = default;
  explicit Book(u32 instrument) : sides_{Ladder(instrument * 2), Ladder(instrument * 2 + 1)} {}

  Ladder& side(bool sell) { return sides_[static_cast<u32>(sell)]; }
  const Ladder& side(bool sell) const { return sides_[static_cast<u32>(sell)]; }

  bool stands(bool sell) const { return !side(sell).empty(); }
  /// Best price of a side, ticks. The side must stand.
  i64 best(bool sell) const { return ticks_of(sell, side(sell).best_key()); }
  /// Whether an order of the other side at `price` would trade with the `sell` side.
  [[gnu::always_inline]] bool crosses(bool sell, i64 price) const {
    return stands(sell) && side(sell).best_key() <= key_of(sell, price);
  }

  /// Queues an order at the end of the level of its price. `known` is that level when the caller
  /// has it, else kNone. Cost: O(1).
  [[gnu::always_inline]] void append(LadderPages& pages, Orders& orders, u32 slot, bool sell,
                                     i64 price, u32 known = kNone);
  /// Takes a resting order out of its level, and the level out if it was the last. Cost: O(1).
  void remove(LadderPages& pages, Orders& orders, u32 slot);
  /// The same in any ladder of the order's side.
  [[gnu::always_inline]] static void queue(LadderPages& pages, Orders& orders, Ladder& ladder,
                                           u32 slot, bool sell, i64 price, u32 known = kNone);
  [[gnu::always_inline]] static void unqueue(LadderPages& pages, Orders& orders, Ladder& ladder,
                                             u32 slot);
  /// Lowers the lots of a resting order and of its level; the order keeps its place.
  static void reduce(LadderPages& pages, OrderNode& node, i64 lots) {
    Level& level = pages.level(node.level);
    QC_ASSERT(lots > 0 && lots <= node.leaves && lots <= level.lots);
    node.leaves -= lots;
    level.lots -= lots;
  }

 private:
  Ladder sides_[2];
};

inline void Book::append(LadderPages& pages, Orders& orders, u32 slot, bool sell, i64 price,
                         u32 known) {
  queue(pages, orders, side(sell), slot, sell, price, known);
}

inline void Book::remove(LadderPages& pages, Orders& orders, u32 slot) {
  unqueue(pages, orders, side(is_sell(orders.node(slot))), slot);
}

inline void Book::queue(LadderPages& pages, Orders& orders, Ladder& ladder, u32 slot, bool sell,
                        i64 price, u32 known) {
  const i64 key = key_of(sell, price);
  bool fresh = false;
  const u32 id = known != kNone ? known : ladder.make(pages, key, fresh);
  QC_ASSERT(pages.key_of_level(id) == key);
  Level& level = pages.level(id);
  OrderNode& node = orders.node(slot);
  QC_ASSERT(node.level == kNone && node.leaves > 0);
  node.level = id;
  node.next = kNone;
  if (fresh) {
    node.prev = kNone;
    level = Level{slot, slot, node.leaves};  // written, not read: its line may still be far away
    return;
  }
  QC_ASSERT(lots_fit(level.lots, node.leaves) && level.tail != kNone);
  node.prev = level.tail;
  orders.node(level.tail).next = slot;
  level.tail = slot;
  level.lots += node.leaves;
}

inline void Book::unqueue(LadderPages& pages, Orders& orders, Ladder& ladder, u32 slot) {
  OrderNode& node = orders.node(slot);
  QC_ASSERT(node.level != kNone);
  const u32 id = node.level;
  Level& level = pages.level(id);
  level.lots -= node.leaves;
  // Where in its queue an order stands cannot be guessed.
  pick(node.prev == kNone, &level.head, &orders.node(node.prev).next) = node.next;
  pick(node.next == kNone, &level.tail, &orders.node(node.next).prev) = node.prev;
  node.level = kNone;
  node.next = node.prev = kNone;
  if (level.head == kNone) {
    QC_ASSERT(level.lots == 0);
    ladder.drop(pages, id);
  }
}

}  // namespace quantumcore
