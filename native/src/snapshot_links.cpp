#include <algorithm>

#include "quantumcore/commands.hpp"
#include "quantumcore/snapshot_io.hpp"

namespace quantumcore {

namespace {

/// Rows of one part.
struct Count {
  u32 rows;
  u32 reserved;
};

/// In order of their making.
struct PositionRow {
  i128 lots;
  u32 account;
  u32 instrument;
  u64 reserved;
};

/// In order of the least slot of each.
struct LinkRow {
  u64 sequence;
  u32 slots[3];  // the parent, or none; then the members, the holder first
  u32 instrument;
  u32 eldest;
  u8 kind;
  u8 waits;
  u8 reserved[2];
};

template <class Visit>
void each_link(const State& state, Visit&& visit) {
  for (u32 s = 0; s < state.orders.slots().used(); ++s) {
    if ((state.orders.node(s).flags & kOrderLive) == 0) continue;
    const u32 extra = state.orders.record(s).extra;
    if (extra == kNone || state.extras[extra].link == kNone) continue;
    const Link& link = state.links.rows[state.extras[extra].link];
    if (s == std::min({link.parent, link.members[0], link.members[1]})) visit(link);
  }
}

void read_link(State& state, SnapshotReader& in) {
  const LinkRow row = in.get<LinkRow>();
  demand(row.instrument < state.instrument_count && row.kind >= kOco && row.kind <= kBracket);
  for (const u32 slot : row.slots) {
    demand(slot == kNone ||
           (state.orders.is(slot, row.sequence) && state.orders.record(slot).extra != kNone));
  }
  Link link{};
  link.sequence = row.sequence;
  link.parent = row.slots[0];
  link.members[0] = row.slots[1];
  link.members[1] = row.slots[2];
  link.instrument = row.instrument;
  link.eldest = row.eldest;
  link.kind = row.kind;
  link.waits = row.waits;
  tie(state, link);
}

}  // namespace

void write_positions(const State& state, SnapshotWriter& out) {
  out.put(Count{state.positions.count(), 0});
  for (u32 i = 0; i < state.positions.count(); ++i) {
    const Position& p = state.positions[i];
    out.put(PositionRow{p.lots, p.account, p.instrument, 0});
  }
  out.put(Count{state.bust_count, 0});
  for (u32 i = 0; i < state.bust_count; ++i) out.put(state.busts[i]);
}

void read_positions(State& state, SnapshotReader& in) {
  const u32 positions = in.get<Count>().rows;
  demand(positions <= u64{state.config.max_balances} + state.config.max_orders);
  for (u32 i = 0; i < positions; ++i) {
    const PositionRow row = in.get<PositionRow>();
    demand(row.account < state.accounts.count() && row.instrument < state.instrument_count);
    demand(move_position(state, row.account, row.instrument, row.lots) == i);
  }
  const u32 busts = in.get<Count>().rows;
  demand(busts <= kMaxBusts);
  for (u32 i = 0; i < busts; ++i) remember_bust(state, in.get<Bust>());
}

void write_links(const State& state, SnapshotWriter& out) {
  out.put(Count{state.links.rows.live(), 0});
  each_link(state, [&](const Link& link) {
    out.put(LinkRow{link.sequence,
                    {link.parent, link.members[0], link.members[1]},
                    link.instrument,
                    link.eldest,
                    link.kind,
                    link.waits,
                    {}});
  });
}

void read_links(State& state, SnapshotReader& in) {
  const u32 links = in.get<Count>().rows;
  demand(links <= state.orders.slots().live());
  for (u32 i = 0; i < links; ++i) read_link(state, in);
}

}  // namespace quantumcore
