#include "quantumcore/check.hpp"
#include "quantumcore/margin_checks.hpp"

namespace quantumcore {

namespace {

void check_instruments(const State& state) {
  for (u32 i = 0; i < state.instrument_count; ++i) {
    const InstrumentMargin& margin = state.margin.instruments[i];
    QC_ASSERT(margin.terms.maintenance <= margin.terms.initial && margin.array.given <= 1);
    QC_ASSERT(margin.array.given != 0 || margin.array_set_at == 0);
    QC_ASSERT(margin.array_set_at <= state.time_ns);
  }
}

void check_records(const State& state) {
  const Margin& margin = state.margin;
  for (u32 i = 0; i < margin.accounts.count(); ++i) {
    const AccountMargin& row = margin.accounts[i];
    QC_ASSERT(margin.accounts.find(row.key) == i && row.peak >= 0);
    QC_ASSERT(row.has_day != 0 || (row.opening == 0 && row.peak == 0 && row.deposits == 0));
  }
  for (u32 i = 0; i < margin.limits.count(); ++i) {
    QC_ASSERT(margin.limits.find(margin.limits[i].key) == i);
  }
}

/// Whom margin is judged of, positions know.
void check_positions(const State& state) {
  for (u32 row = 0; row < state.positions.count(); ++row) {
    const Position& p = state.positions[row];
    if (p.version != state.limits_version) continue;
    const bool margined = has_margin(state, p.account, state.instruments[p.instrument].quote);
    QC_ASSERT(((p.beyond & kBeyondMargin) != 0) == margined);
  }
}

}  // namespace

void check_margin(const State& state) {
  if (!state.accounting()) return;
  check_instruments(state);
  check_records(state);
  check_positions(state);
}

}  // namespace quantumcore
