#pragma once

#include <vector>

#include "quantumcore/heap.hpp"
#include "quantumcore/state.hpp"

/// What `Engine::check` is made of. Not on the order path: it allocates.
namespace quantumcore {

/// Walks what orders are tied to: clocks, links, positions, accounts, ids; and compares.
void check_ties(const State& state);

/// Walks who may and how often, and compares.
void check_guards(const State& state);

/// Walks what margin is measured by.
void check_margin(const State& state);

/// Walks balances, accounts of the house, groups and holds, and compares; `held` is what orders
/// hold, by balance row.
void check_money(const State& state, std::vector<i128> held);

/// Walks what works, by account and instrument, group and firm, and compares with its sums.
void check_limits(const State& state);

/// Visits every row of a heap with the one above it; returns how many there are.
template <class Visit>
u32 visit_heap(const HeapTable& table, u32 top, const Visit& visit) {
  std::vector<u32> open;
  if (top != kNone) open.push_back(top);
  u32 count = 0;
  while (!open.empty()) {
    const u32 row = open.back();
    open.pop_back();
    const HeapLinks& links = table.links(row);
    QC_ASSERT((links.up == kNone) == (row == top));
    visit(row, links.up);
    for (const u32 below : {links.left, links.right}) {
      if (below == kNone) continue;
      QC_ASSERT(table.links(below).up == row);
      open.push_back(below);
    }
    ++count;
  }
  return count;
}

}  // namespace quantumcore
