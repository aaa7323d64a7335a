#include "quantumcore/admission.hpp"
#include "quantumcore/snapshot_parts.hpp"

namespace quantumcore::snapshot {

namespace {

/// A guard of an account that is not empty; the last has no account.
struct AccountGuardRow {
  u64 account;
  u64 reserved[7];
  AccountGuard guard;
};
static_assert(std::has_unique_object_representations_v<AccountGuardRow>);

/// What follows: the times of fills, then what was sent.
struct PatternsRow {
  u32 account;
  u32 paused;
  PatternTerms terms;
  i64 window;
  u64 orders;
  u64 fills;
  u32 fill_times;
  u32 sent;
};
static_assert(std::has_unique_object_representations_v<PatternsRow>);

/// Its fills follow.
struct ProtectionRow {
  PairKey key;
  ProtectionTerms terms;
  i64 until_ns;
  u32 counted;
  u32 reserved;
};
static_assert(std::has_unique_object_representations_v<ProtectionRow>);

template <class Row>
void write_rows(const KeyedRows<Row>& rows, Writer& out) {
  for (u32 i = 0; i < rows.count(); ++i) out.put(rows[i]);
}

template <class Items>
void write_items(const Items& items, Writer& out) {
  for (u32 i = 0; i < items.count; ++i) out.put(items[i]);
}

template <class Item, u32 Most>
void read_items(Last<Item, Most>& items, u32 count, Reader& in) {
  demand(count <= Most);
  for (u32 i = 0; i < count; ++i) items.push(in.get<Item>());
}

bool is_empty(const AccountGuard& guard) {
  static constexpr AccountGuard kNone{};
  return std::memcmp(&guard, &kNone, sizeof guard) == 0;
}

void read_accounts(State& state, Reader& in) {
  for (;;) {
    const AccountGuardRow row = in.get<AccountGuardRow>();
    if (row.account == quantumcore::kNone) return;
    demand(row.account < state.accounts.count() &&
           row.guard.patterns <= state.guards.patterns.count());
    state.guards.accounts[row.account] = row.guard;
    note_account(state, static_cast<u32>(row.account));
  }
}

void read_patterns(State& state, u32 count, Reader& in) {
  demand(count <= kMaxPatterns);
  for (u32 i = 0; i < count; ++i) {
    const PatternsRow row = in.get<PatternsRow>();
    demand(row.account < state.accounts.count() && row.paused <= 1);
    Patterns& patterns = state.guards.patterns.make({row.account});
    patterns.paused = row.paused;
    patterns.terms = row.terms;
    patterns.window = row.window;
    patterns.orders = row.orders;
    patterns.fills = row.fills;
    read_items(patterns.fill_times, row.fill_times, in);
    read_items(patterns.sent, row.sent, in);
  }
}

void read_protections(State& state, u32 count, Reader& in) {
  demand(count <= kMaxProtections);
  for (u32 i = 0; i < count; ++i) {
    const ProtectionRow row = in.get<ProtectionRow>();
    demand(row.key.first < state.accounts.count());
    Protection& protection = state.guards.protections.make(row.key);
    protection.terms = row.terms;
    read_items(protection.counted, row.counted, in);
    for (u32 k = 0; k < row.counted; ++k) add(protection, protection.counted[k], 1);
    freeze(state, protection, row.until_ns);
    state.accounts[row.key.first].guarded |= kGuardProtected;
  }
}

}  // namespace

void write_guards(const State& state, Writer& out) {
  const Guards& guards = state.guards;
  for (const Throttle& throttle : guards.throttles) out.put(throttle);
  write_rows(guards.firms, out);
  for (u32 row = 0; row < guards.sessions.used(); ++row) {
    if (guards.sessions[row].number == 0) continue;
    Session session = guards.sessions[row];
    session.next_free = 0;
    out.put(session);
  }
  write_rows(guards.restrictions, out);
  write_rows(guards.locates, out);
  for (u32 i = 0; i < guards.patterns.count(); ++i) {
    const Patterns& p = guards.patterns[i];
    out.put(PatternsRow{p.key.account, p.paused, p.terms, p.window, p.orders, p.fills,
                        p.fill_times.count, p.sent.count});
    write_items(p.fill_times, out);
    write_items(p.sent, out);
  }
  for (u32 i = 0; i < guards.protections.count(); ++i) {
    const Protection& p = guards.protections[i];
    out.put(ProtectionRow{p.key, p.terms, p.until_ns, p.counted.count, 0});
    write_items(p.counted, out);
  }
  for (u32 i = 0; i < state.accounts.count(); ++i) {
    if (!is_empty(guards.accounts[i])) out.put(AccountGuardRow{i, {}, guards.accounts[i]});
  }
  out.put(AccountGuardRow{quantumcore::kNone, {}, AccountGuard{}});
}

void read_guards(State& state, const Scalars& s, Reader& in) {
  Guards& guards = state.guards;
  demand(s.firms <= kMaxFirms && s.sessions <= kMaxSessions && s.restrictions <= kMaxRestrictions &&
         s.locates <= kMaxLocates);
  for (Throttle& throttle : guards.throttles) throttle = in.get<Throttle>();
  for (u32 i = 0; i < s.firms; ++i) {
    const FirmSwitch row = in.get<FirmSwitch>();
    demand(row.mode <= kSwitchReduceOnly);
    guards.firms.make(row.key).mode = row.mode;
    if (row.mode != kSwitchOff) ++guards.firms_on;
  }
  for (u32 i = 0; i < s.sessions; ++i) {
    const Session row = in.get<Session>();
    demand(row.number != 0 && row.mode <= kSwitchReduceOnly &&
           guards.sessions.find(row.number) == quantumcore::kNone);
    guards.sessions.add(row.number) = row;
    if (row.mode != kSwitchOff) ++guards.sessions_on;
  }
  for (u32 i = 0; i < s.restrictions; ++i) {
    const Restriction row = in.get<Restriction>();
    demand(row.key.instrument < state.instrument_count && row.restricted <= 1);
    guards.restrictions.make(row.key) = row;
    Instrument& instrument = state.instruments[row.key.instrument];
    state.rare_of(instrument).restrictions += row.restricted;
    note_class(state, instrument);
  }
  for (u32 i = 0; i < s.locates; ++i) {
    const Locate row = in.get<Locate>();
    demand(row.key.first < state.accounts.count() && row.key.second < state.instrument_count);
    guards.locates.make(row.key) = row;
  }
  read_patterns(state, s.patterns, in);
  read_protections(state, s.protections, in);
  read_accounts(state, in);
  note_guards(state);
}

}  // namespace quantumcore::snapshot
