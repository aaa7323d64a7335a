#include <utility>
#include <vector>

#include "quantumcore/commands.hpp"
#include "quantumcore/engine.hpp"

namespace quantumcore {

namespace {

/// Walks everything that the engine maintains twice, and compares. Not on the order path: it
/// allocates.
class Walk {
 public:
  explicit Walk(const State& state)
      : state_(state),
        seen_(state.orders.slots().used(), 0),
        held_(state.accounts.balance_count(), 0) {}

  void run() {
    for (u32 i = 0; i < state_.instrument_count; ++i) {
      const Instrument& instrument = state_.instruments[i];
      book_side(i, instrument, false);
      book_side(i, instrument, true);
      const Book& book = instrument.book;
      QC_ASSERT(!(book.stands(false) && book.stands(true)) || book.best(false) < book.best(true));
    }
    waiting();
    links();
    positions();
    slots();
    accounts();
    balances();
    submissions();
    pages();
  }

 private:
  void book_side(u32 slot, const Instrument& instrument, bool sell) {
    const Ladder& ladder = instrument.book.side(sell);
    i64 last = 0;
    bool first = true;
    for (u32 id = ladder.best_level(); id != kNone; id = ladder.after(state_.pages, id)) {
      const i64 key = state_.pages.key_of_level(id);
      QC_ASSERT(first ? key == ladder.best_key() : key > last);
      QC_ASSERT(ladder.place(state_.pages, key).level == id);
      level(slot, instrument, sell, id, ticks_of(sell, key));
      last = key;
      first = false;
      ++levels_;
    }
    bitmaps(ladder);
  }

  void level(u32 instrument, const Instrument& definition, bool sell, u32 id, i64 price) {
    const Level& level = state_.pages.level(id);
    QC_ASSERT(level.head != kNone && level.lots > 0);
    i128 lots = 0;
    u32 previous = kNone;
    for (u32 slot = level.head; slot != kNone; slot = state_.orders.node(slot).next) {
      QC_ASSERT(slot < seen_.size() && seen_[slot] == 0);
      seen_[slot] = 1;
      const OrderNode& node = state_.orders.node(slot);
      const OrderRecord& order = state_.orders.record(slot);
      QC_ASSERT((node.flags & kOrderLive) != 0 && (node.flags & kOrderListed) != 0);
      QC_ASSERT(node.level == id && node.prev == previous && is_sell(node) == sell);
      QC_ASSERT(node.instrument == instrument && order.price == price);
      QC_ASSERT(node.leaves > 0 && node.leaves <= order.quantity);
      if (state_.accounting()) {
        QC_ASSERT(order.hold == hold_now(state_, slot));
        balance_of(order, node, definition);
      }
      lots += node.leaves;
      previous = slot;
    }
    QC_ASSERT(level.tail == previous && lots == level.lots);
  }

  void balance_of(const OrderRecord& order, const OrderNode& node, const Instrument& instrument) {
    const Balance& base = state_.accounts.balance(order.base_balance);
    const Balance& quote = state_.accounts.balance(order.quote_balance);
    QC_ASSERT(base.account == node.account && quote.account == node.account);
    QC_ASSERT(base.currency == instrument.base && quote.currency == instrument.quote);
    held_[is_sell(node) ? order.base_balance : order.quote_balance] += order.hold;
  }

  void bitmaps(const Ladder& ladder) {
    for (u32 w = 0; w < ladder.window_count(); ++w) {
      const DirectoryEntry& entry = ladder.entry(state_.pages, w);
      const Window& window = state_.pages.windows[entry.window];
      QC_ASSERT(window.number == entry.number && window.top != 0);
      QC_ASSERT(w == 0 || ladder.entry(state_.pages, w - 1).number < entry.number);
      for (u32 m = 0; m < 64; ++m) {
        QC_ASSERT((window.middle[m] != 0) == ((window.top >> m & 1) != 0));
        for (u32 b = 0; b < 64; ++b) {
          const u32 leaf = window.leaf_plus_1[m * 64 + b];
          QC_ASSERT((leaf != 0) == ((window.middle[m] >> b & 1) != 0));
          if (leaf == 0) continue;
          const Leaf& page = state_.pages.leaves[leaf - 1];
          QC_ASSERT(page.bits != 0 && page.window == entry.window && page.position == m * 64 + b);
          bits_ += static_cast<u64>(std::popcount(page.bits));
          ++leaves_;
        }
      }
      ++windows_;
    }
  }

  /// Orders in no book.
  void waiting() {
    for (u32 slot = 0; slot < seen_.size(); ++slot) {
      const OrderNode& node = state_.orders.node(slot);
      if ((node.flags & kOrderWaits) == 0) continue;
      const OrderRecord& order = state_.orders.record(slot);
      QC_ASSERT(seen_[slot] == 0 && (node.flags & kOrderLive) != 0 && node.level == kNone);
      QC_ASSERT((node.flags & kOrderListed) != 0 && order.extra != kNone);
      QC_ASSERT(node.leaves > 0 && node.leaves <= order.quantity);
      seen_[slot] = 1;
      if (!state_.accounting()) continue;
      QC_ASSERT(order.hold == hold_now(state_, slot));
      balance_of(order, node, state_.instruments[node.instrument]);
    }
  }

  /// Links tie orders that work and know it; members wait as long as they have a parent.
  void links() {
    u32 ends = 0;
    u32 tied = 0;
    for (u32 slot = 0; slot < seen_.size(); ++slot) {
      if ((state_.orders.node(slot).flags & kOrderLive) == 0) continue;
      const u32 extra = state_.orders.record(slot).extra;
      if (extra == kNone || state_.extras[extra].link == kNone) continue;
      const Link& link = state_.links.rows[state_.extras[extra].link];
      QC_ASSERT(link.parent == slot || link.members[0] == slot || link.members[1] == slot);
      QC_ASSERT((link.waits != 0) == (link.parent != kNone) && link.due == 0);
      QC_ASSERT(link.instrument == state_.orders.node(slot).instrument);
      ++tied;
      if (slot == link.members[0]) {
        ends += 1U + (link.parent != kNone ? 1U : 0U) + (link.members[1] != kNone ? 1U : 0U);
      }
    }
    u32 counted = 0;
    for (u32 i = 0; i < state_.instrument_count; ++i) {
      const RareBook& book = state_.rare_books[i];
      counted += book.links;
      QC_ASSERT((book.links != 0) == ((state_.instruments[i].rare & kRareLinked) != 0));
    }
    QC_ASSERT(tied == ends && counted == state_.links.rows.live() && state_.links.due_count == 0);
  }

  /// What one has bought another has sold; no reduce-only order could open or flip a position.
  void positions() {
    std::vector<i128> sums(state_.instrument_count, 0);
    u64 reducing = 0;
    for (u32 row = 0; row < state_.positions.count(); ++row) {
      const Position& p = state_.positions[row];
      QC_ASSERT(state_.positions.find(p.account, p.instrument) == row);
      sums[p.instrument] += p.lots;
      reducing += p.reducing;
      for (const bool sell : {false, true}) {
        QC_ASSERT(reducing_over(state_, row, sell) <= 0);
      }
    }
    for (const i128 sum : sums) QC_ASSERT(sum == 0);
    for (u32 slot = 0; slot < seen_.size(); ++slot) {
      const u32 flags = state_.orders.node(slot).flags;
      if ((flags & kOrderLive) != 0 && (flags & kOrderReduceOnly) != 0) --reducing;
    }
    QC_ASSERT(reducing == 0);
  }

  void slots() {
    u32 live = 0;
    for (u32 slot = 0; slot < seen_.size(); ++slot) {
      const bool taken = (state_.orders.node(slot).flags & kOrderLive) != 0;
      QC_ASSERT(taken == (seen_[slot] == 1));
      if (taken) ++live;
    }
    QC_ASSERT(live == state_.orders.slots().live());
    u32 free = 0;
    for (u32 slot = state_.orders.slots().first_free(); slot != kNone;
         slot = state_.orders.slots().next_free(slot)) {
      QC_ASSERT(seen_[slot] == 0);
      seen_[slot] = 2;
      ++free;
    }
    QC_ASSERT(free == state_.orders.slots().free_count());
  }

  void accounts() {
    u32 orders = 0;
    for (u32 a = 0; a < state_.accounts.count(); ++a) {
      const Account& account = state_.accounts[a];
      QC_ASSERT(state_.accounts.find(account.id) == a);
      u32 previous = kNone;
      std::pair<u64, u32> last{0, 0};
      u32 count = 0;
      for (u32 slot = account.first_order; slot != kNone; slot = state_.orders.links(slot).next) {
        const OrderRecord& order = state_.orders.record(slot);
        QC_ASSERT(state_.orders.node(slot).account == a &&
                  state_.orders.links(slot).prev == previous);
        const std::pair<u64, u32> name{order.sequence, slot};
        QC_ASSERT(name > last);  // order of acceptance
        last = name;
        previous = slot;
        ++count;
      }
      QC_ASSERT(account.last_order == previous && account.open_orders == count);
      orders += count;
      u32 rows = 0;
      for (u32 row = account.first_balance; row != kNone; row = state_.accounts.balance(row).next) {
        QC_ASSERT(state_.accounts.balance(row).account == a);
        ++rows;
      }
      rows_ += rows;
    }
    QC_ASSERT(orders == state_.orders.slots().live());
  }

  void balances() {
    QC_ASSERT(rows_ == state_.accounts.balance_count());
    std::vector<i128> customers(state_.currency_count, 0);
    for (u32 row = 0; row < state_.accounts.balance_count(); ++row) {
      const Balance& balance = state_.accounts.balance(row);
      QC_ASSERT(balance.held == held_[row]);  // held = sum of holds
      QC_ASSERT(balance.held >= 0 && balance.held <= balance.total);
      QC_ASSERT(state_.accounts.find_balance(balance.account, balance.currency) == row);
      customers[balance.currency] += balance.total;
    }
    for (u32 i = 0; i < state_.currency_count; ++i) {
      const Currency& house = state_.currencies[i];
      QC_ASSERT(house.fees >= house.rebates && house.rebates >= 0 && house.rounding >= 0);
      QC_ASSERT(customers[i] + house.fees - house.rebates + house.rounding == house.deposited);
    }
  }

  void submissions() {
    const ClientIds& ids = state_.client_ids;
    u32 count = 0;
    u32 working = 0;
    u32 older = kNone;
    for (u32 slot = ids.oldest(); slot != kNone; slot = ids[slot].younger) {
      const Submission& s = ids[slot];
      QC_ASSERT(s.older == older && ids.find(s.account, s.client_id) == slot);
      QC_ASSERT(s.slot == kNone || ids.find_order(s.sequence, s.slot) == slot);
      QC_ASSERT(older == kNone || ids[older].time_ns <= s.time_ns);
      if (ids.fate(slot) == Fate::working) {
        QC_ASSERT(state_.orders.is(s.slot, s.sequence));
        QC_ASSERT(state_.orders.record(s.slot).client_entry == slot);
        ++working;
      }
      older = slot;
      ++count;
    }
    QC_ASSERT(count == ids.count());
    QC_ASSERT(working == (state_.accounting() ? state_.orders.slots().live() : 0));
  }

  void pages() {
    QC_ASSERT(leaves_ == state_.pages.leaves.live() && windows_ == state_.pages.windows.live());
    QC_ASSERT(bits_ == levels_);
  }

  const State& state_;
  std::vector<u8> seen_;    // 1 queued, 2 free
  std::vector<i128> held_;  // by balance row
  u64 levels_ = 0;
  u64 bits_ = 0;
  u32 leaves_ = 0;
  u32 windows_ = 0;
  u32 rows_ = 0;
};

}  // namespace

void Engine::check() const { Walk(*state_).run(); }

}  // namespace quantumcore
