#include <algorithm>
#include <vector>

#include "quantumcore/check.hpp"
#include "quantumcore/exposure.hpp"
#include "quantumcore/rare.hpp"

namespace quantumcore {

namespace {

/// No working order without its reservation, and no reservation without an order.
class LimitsWalk {
 public:
  explicit LimitsWalk(const State& state)
      : state_(state),
        working_{std::vector<i128>(state.positions.count(), 0),
                 std::vector<i128>(state.positions.count(), 0)},
        open_(state.positions.count(), 0),
        worth_(state.positions.count(), 0) {}

  void run() {
    orders();
    links();
    positions();
    groups();
    balances();
    firms();
  }

 private:
  void orders() {
    for (u32 slot = 0; slot < state_.orders.slots().used(); ++slot) {
      const OrderNode& node = state_.orders.node(slot);
      const i64 worth = state_.order_worth[slot];
      if ((node.flags & kOrderLive) == 0) {
        QC_ASSERT(worth == 0);
        continue;
      }
      const u32 row = state_.orders.record(slot).position;
      const Position& p = state_.positions[row];
      QC_ASSERT(p.account == node.account && p.instrument == node.instrument);
      working_[is_sell(node) ? 1 : 0][row] += leaves_of(state_, slot);
      ++open_[row];
      QC_ASSERT(worth == (state_.watches_worth ? worth_of(state_, slot) : 0));
      worth_[row] += worth;
    }
  }

  /// What a link leaves out is what only one of its two can trade.
  void links() {
    for (u32 slot = 0; slot < state_.orders.slots().used(); ++slot) {
      if ((state_.orders.node(slot).flags & kOrderLive) == 0) continue;
      const u32 extra = state_.orders.record(slot).extra;
      const u32 row = extra == kNone ? kNone : state_.extras[extra].link;
      if (row == kNone || state_.links.rows[row].members[0] != slot) continue;
      const Link& link = state_.links.rows[row];
      const u32 other = link.members[1];
      const bool sell = is_sell(state_.orders.node(slot));
      i128 lots = 0;
      i64 worth = 0;
      if (other != kNone && is_sell(state_.orders.node(other)) == sell) {
        const i64 less = std::min(leaves_of(state_, slot), leaves_of(state_, other));
        const i64 more = std::max(leaves_of(state_, slot), leaves_of(state_, other));
        lots = less;
        if (link.kind == kBracket && link.waits != 0) {
          const i64 filled =
              state_.orders.record(link.parent).quantity - leaves_of(state_, link.parent);
          lots += std::max<i64>(0, more - filled);
        }
        worth = std::min(state_.order_worth[slot], state_.order_worth[other]);
      }
      QC_ASSERT(link.over_lots == lots && link.over_worth == worth);
      const u32 position = state_.orders.record(slot).position;
      working_[sell ? 1 : 0][position] -= lots;
      worth_[position] -= worth;
    }
  }

  void positions() const {
    for (u32 row = 0; row < state_.positions.count(); ++row) {
      const Position& p = state_.positions[row];
      QC_ASSERT(p.working(false) == working_[0][row] && p.working(true) == working_[1][row]);
      QC_ASSERT(p.open_orders == open_[row]);
      QC_ASSERT(state_.position_worth[row] == worth_[row]);
      QC_ASSERT(is_market_size(state_.rare_books[p.instrument].size));
    }
  }

  void groups() const {
    u32 rows = 0;
    for (u32 row = 0; row < state_.positions.count(); ++row) {
      const Position& p = state_.positions[row];
      const u32 number = state_.accounts[p.account].group;
      QC_ASSERT((number != 0) == (p.group != kNone));
      if (number == 0) continue;
      QC_ASSERT(state_.group_positions.find(number, p.instrument) == p.group);
      GroupPosition sum{};
      u32 first = kNone;
      for (u32 other = 0; other < state_.positions.count(); ++other) {
        const Position& q = state_.positions[other];
        if (q.group != p.group) continue;
        if (first == kNone) first = other;
        for (const u32 side : {0U, 1U}) sum.worst[side] += q.worst[side];
        sum.open_orders += q.open_orders;
        ++sum.positions;
      }
      const GroupPosition& kept = state_.group_positions[p.group];
      QC_ASSERT(kept.worst[0] == sum.worst[0] && kept.worst[1] == sum.worst[1] &&
                kept.open_orders == sum.open_orders && kept.positions == sum.positions);
      if (first == row) ++rows;
    }
    QC_ASSERT(rows == state_.group_positions.live());
  }

  void balances() const {
    std::vector<i128> sums(state_.accounts.balance_count(), 0);
    for (u32 row = 0; row < state_.positions.count(); ++row) {
      if (worth_[row] != 0) sums[state_.positions[row].quote_balance] += worth_[row];
    }
    for (u32 row = 0; row < sums.size(); ++row) QC_ASSERT(sums[row] == state_.balance_worth[row]);
  }

  void firms() const {
    for (u32 i = 0; i < state_.money_limits.count(); ++i) {
      const MoneyRecord& record = state_.money_limits[i];
      const MoneyLimits& limits = record.limits;
      QC_ASSERT(record.filled >= 0);
      QC_ASSERT(record.working ==
                (limits.firm == 0 ? i128{0} : worth_of_firm(state_, limits.firm, limits.currency)));
    }
  }

  const State& state_;
  std::vector<i128> working_[2];  // by row, as are the others
  std::vector<u32> open_;
  std::vector<i128> worth_;
};

}  // namespace

void check_limits(const State& state) {
  if (state.accounting()) LimitsWalk(state).run();
}

}  // namespace quantumcore
