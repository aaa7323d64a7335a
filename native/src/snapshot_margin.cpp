#include "quantumcore/snapshot_parts.hpp"

namespace quantumcore::snapshot {

namespace {

/// What somebody has set of an instrument.
struct InstrumentMarginRow {
  u64 instrument;
  InstrumentMargin margin;
};
static_assert(std::has_unique_object_representations_v<InstrumentMarginRow>);

bool is_common(const InstrumentMargin& margin) {
  return std::memcmp(&margin, &kCommonMargin, sizeof margin) == 0;
}

}  // namespace

u32 instrument_margins(const State& state) {
  u32 count = 0;
  for (u32 i = 0; i < state.instrument_count; ++i) {
    count += is_common(state.margin.instruments[i]) ? 0 : 1;
  }
  return count;
}

void write_margin(const State& state, Writer& out) {
  const Margin& margin = state.margin;
  for (u32 i = 0; i < state.instrument_count; ++i) {
    if (!is_common(margin.instruments[i])) {
      out.put(InstrumentMarginRow{i, margin.instruments[i]});
    }
  }
  for (u32 i = 0; i < margin.accounts.count(); ++i) out.put(margin.accounts[i]);
  for (u32 i = 0; i < margin.limits.count(); ++i) out.put(margin.limits[i]);
}

void read_margin(State& state, const Scalars& s, Reader& in) {
  Margin& margin = state.margin;
  demand(s.instrument_margins <= s.instruments && s.account_margins <= kMaxAccountMargins &&
         s.risk_limits <= kMaxRiskLimits);
  for (u32 i = 0; i < s.instrument_margins; ++i) {
    const InstrumentMarginRow row = in.get<InstrumentMarginRow>();
    demand(row.instrument < s.instruments && row.margin.array.given <= 1);
    margin.instruments[row.instrument] = row.margin;
  }
  for (u32 i = 0; i < s.account_margins; ++i) {
    const AccountMargin row = in.get<AccountMargin>();
    demand(row.key.first < s.accounts && row.key.second < s.currencies && row.has_day <= 1 &&
           margin.accounts.find(row.key) == quantumcore::kNone);
    margin.accounts.make(row.key) = row;
  }
  for (u32 i = 0; i < s.risk_limits; ++i) {
    const RiskRecord row = in.get<RiskRecord>();
    demand((row.key.first < s.accounts || row.key.first == quantumcore::kNone) &&
           row.key.second < s.currencies && margin.limits.find(row.key) == quantumcore::kNone);
    margin.limits.make(row.key) = row;
  }
}

}  // namespace quantumcore::snapshot
