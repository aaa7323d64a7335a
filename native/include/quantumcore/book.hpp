#pragma once

#include "quantumcore/ladder.hpp"
#include "quantumcore/orders.hpp"

namespace quantumcore {

/// The working orders of one instrument: a ladder for each side, a queue in each level.
class Book {
 public:
  Book() = default;
  explicit Book(u32 instrument) : sides_{Ladder(instrument * 2), Ladder(instrument * 2 + 1)} {}

  Ladder& side(bool sell) { return sides_[sell ? 1 : 0]; }
  const Ladder& side(bool sell) const { return sides_[sell ? 1 : 0]; }

  bool stands(bool sell) const { return !side(sell).empty(); }
  /// Best price of a side, ticks. The side must stand.
  i64 best(bool sell) const { return ticks_of(sell, side(sell).best_key()); }
  /// Whether an order of the other side at `price` would trade with the `sell` side.
  bool crosses(bool sell, i64 price) const {
    return stands(sell) && side(sell).best_key() <= key_of(sell, price);
  }
  /// Lots that work at a price.
  i64 lots_at(const LadderPages& pages, bool sell, i64 price) const;

  /// Queues an order at the end of its level. Cost: O(1).
  void append(LadderPages& pages, Orders& orders, u32 slot, bool sell, i64 price);
  /// Takes a resting order out of its level, and the level out if it was the last. Cost: O(1).
  void remove(LadderPages& pages, Orders& orders, u32 slot);
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

}  // namespace quantumcore
