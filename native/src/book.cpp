#include "quantumcore/book.hpp"

#include "quantumcore/lots.hpp"

namespace quantumcore {

i64 Book::lots_at(const LadderPages& pages, bool sell, i64 price) const {
  const u32 level = side(sell).find(pages, key_of(sell, price));
  return level == kNone ? 0 : pages.level(level).lots;
}

void Book::append(LadderPages& pages, Orders& orders, u32 slot, bool sell, i64 price) {
  const u32 id = side(sell).make(pages, key_of(sell, price));
  Level& level = pages.level(id);
  OrderNode& node = orders.node(slot);
  QC_ASSERT(node.level == kNone && node.leaves > 0 && lots_fit(level.lots, node.leaves));
  node.level = id;
  node.next = kNone;
  node.prev = level.tail;
  if (level.tail == kNone) {
    level.head = slot;
  } else {
    orders.node(level.tail).next = slot;
  }
  level.tail = slot;
  level.lots += node.leaves;
}

void Book::remove(LadderPages& pages, Orders& orders, u32 slot) {
  OrderNode& node = orders.node(slot);
  QC_ASSERT(node.level != kNone);
  const u32 id = node.level;
  Level& level = pages.level(id);
  level.lots -= node.leaves;
  if (node.prev == kNone) {
    level.head = node.next;
  } else {
    orders.node(node.prev).next = node.next;
  }
  if (node.next == kNone) {
    level.tail = node.prev;
  } else {
    orders.node(node.next).prev = node.prev;
  }
  node.level = kNone;
  node.next = node.prev = kNone;
  if (level.head == kNone) {
    QC_ASSERT(level.lots == 0);
    side(is_sell(node)).drop(pages, id);
  }
}

}  // namespace quantumcore
