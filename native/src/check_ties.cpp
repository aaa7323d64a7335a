#include <utility>
#include <vector>

#include "quantumcore/check.hpp"
#include "quantumcore/commands.hpp"

namespace quantumcore {

namespace {

/// Walks what orders are tied to, wherever they are: clocks, links, positions, accounts, ids.
class TiesWalk {
 public:
  explicit TiesWalk(const State& state) : state_(state), slots_(state.orders.slots().used()) {}

  void run() const {
    ends();
    links();
    positions();
    accounts();
    submissions();
  }

 private:
  /// Every order and account that ends by the clock is where the clock looks.
  void ends() const {
    u32 expire = 0;
    u32 day = 0;
    for (u32 slot = 0; slot < slots_; ++slot) {
      const u32 flags = state_.orders.node(slot).flags;
      if ((flags & kOrderLive) == 0 || (flags & kOrderRare) == 0) continue;
      const Extra& extra = state_.extras[state_.orders.record(slot).extra];
      if (extra.terms.expires_ns != 0) ++expire;
      if (extra.time_in_force == kDay) ++day;
    }
    expire -= visit_heap(state_.expiry_heap, state_.expiring, [&](u32 row, u32 up) {
      QC_ASSERT(up == kNone ||
                state_.extras[up].terms.expires_ns <= state_.extras[row].terms.expires_ns);
    });
    QC_ASSERT(expire == 0);
    for (u32 i = 0; i < state_.instrument_count; ++i) {
      u32 previous = kNone;
      for (u32 row = state_.rare_books[i].day_first; row != kNone;
           row = state_.day_links[row].next) {
        QC_ASSERT(state_.day_links[row].prev == previous && day-- != 0);
        QC_ASSERT(state_.orders.node(state_.extras[row].slot).instrument == i);
        previous = row;
      }
    }
    QC_ASSERT(day == 0);
    u32 armed = 0;
    for (u32 a = 0; a < state_.accounts.count(); ++a) {
      if (state_.accounts[a].deadline_ns != 0) ++armed;
    }
    armed -= visit_heap(state_.timer_heap, state_.timers, [&](u32 row, u32 up) {
      QC_ASSERT(up == kNone || state_.accounts[up].deadline_ns <= state_.accounts[row].deadline_ns);
    });
    QC_ASSERT(armed == 0);
  }

  /// Links tie orders that work and know it; members wait as long as they have a parent.
  void links() const {
    u32 ends = 0;
    u32 tied = 0;
    for (u32 slot = 0; slot < slots_; ++slot) {
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

  /// What one has bought another has sold, but for what actions did; no reduce-only order could
  /// open or flip a position.
  void positions() const {
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
    for (u32 i = 0; i < sums.size(); ++i) QC_ASSERT(sums[i] == state_.rare_books[i].adjusted);
    for (u32 slot = 0; slot < slots_; ++slot) {
      const u32 flags = state_.orders.node(slot).flags;
      if ((flags & kOrderLive) != 0 && (flags & kOrderReduceOnly) != 0) --reducing;
    }
    QC_ASSERT(reducing == 0);
  }

  void accounts() const {
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
      QC_ASSERT(account.barred != kBarClosed || count == 0);
      orders += count;
    }
    QC_ASSERT(orders == state_.orders.slots().live());
  }

  void submissions() const {
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

  const State& state_;
  const u32 slots_;  // of orders, that were ever used
};

}  // namespace

void check_ties(const State& state) { TiesWalk(state).run(); }

}  // namespace quantumcore
