#include <vector>

#include "quantumcore/admission.hpp"
#include "quantumcore/check.hpp"
#include "quantumcore/commands.hpp"

namespace quantumcore {

namespace {

/// Walks the records of docs/reference/engine.md section 15 and what they count, and compares them
/// with what is kept of them elsewhere.
class GuardsWalk {
 public:
  explicit GuardsWalk(const State& state) : state_(state), guards_(state.guards) {}

  void run() const {
    QC_ASSERT(state_.tripped_count == 0);
    firms();
    sessions();
    instruments();
    accounts();
    protections();
    for (u32 slot = 0; slot < state_.orders.slots().used(); ++slot) {
      if ((state_.orders.node(slot).flags & kOrderLive) != 0) order(slot);
    }
  }

 private:
  /// Nothing works under a switch that stops everything.
  void order(u32 slot) const {
    const OrderNode& node = state_.orders.node(slot);
    QC_ASSERT(state_.killed != kSwitchAll && state_.accounts[node.account].killed != kSwitchAll);
    QC_ASSERT(state_.rare_books[node.instrument].switch_mode != kSwitchAll);
    const u32 session = session_of(state_, slot);
    const u32 row = session == 0 ? kNone : guards_.sessions.find(session);
    QC_ASSERT(row == kNone || guards_.sessions[row].mode != kSwitchAll);
  }

  void firms() const {
    u32 on = 0;
    for (u32 i = 0; i < guards_.firms.count(); ++i) {
      QC_ASSERT(guards_.firms.find(guards_.firms[i].key) == i);
      on += guards_.firms[i].mode != kSwitchOff ? 1 : 0;
    }
    QC_ASSERT(guards_.firms_on == on && ((state_.guarded & kGuardFirms) != 0) == (on != 0));
    QC_ASSERT(((state_.guarded & kGuardSwitch) != 0) == (state_.killed != kSwitchOff));
  }

  void sessions() const {
    u32 live = 0;
    u32 on = 0;
    for (u32 row = 0; row < guards_.sessions.used(); ++row) {
      const Session& session = guards_.sessions[row];
      if (session.number == 0) continue;
      QC_ASSERT(guards_.sessions.find(session.number) == row);
      for (const OwnBucket& each : session.buckets) QC_ASSERT(each.bucket.out >= 0);
      on += session.mode != kSwitchOff ? 1 : 0;
      ++live;
    }
    QC_ASSERT(guards_.sessions_on == on && guards_.sessions.live() == live);
    QC_ASSERT(live == 0 || (state_.guarded & kGuardSessions) != 0);
  }

  void instruments() const {
    std::vector<u32> lists(state_.instrument_count, 0);
    for (u32 i = 0; i < guards_.restrictions.count(); ++i) {
      const Restriction& row = guards_.restrictions[i];
      QC_ASSERT(guards_.restrictions.find(row.key) == i);
      lists[row.key.instrument] += row.restricted;
    }
    for (u32 i = 0; i < state_.instrument_count; ++i) {
      const RareBook& rare = state_.rare_books[i];
      QC_ASSERT(rare.restrictions == lists[i]);
      const bool guarded =
          rare.switch_mode != kSwitchOff || lists[i] != 0 || rare.class_terms.class_flags != 0;
      QC_ASSERT(is_guarded(state_.instruments[i]) == guarded);
    }
  }

  /// An account says of each kind of record whether it has any.
  void accounts() const {
    std::vector<bool> protected_ones(state_.accounts.count(), false);
    for (u32 i = 0; i < guards_.protections.count(); ++i) {
      protected_ones[guards_.protections[i].key.first] = true;
    }
    for (u32 a = 0; a < state_.accounts.count(); ++a) {
      const AccountGuard& guard = guards_.accounts[a];
      u32 rates = 0;
      for (const OwnBucket& each : guard.buckets) {
        rates |= each.own.rate;
        QC_ASSERT(each.bucket.out >= 0);
      }
      const u8 guarded = state_.accounts[a].guarded;
      QC_ASSERT(((guarded & kGuardEntitlements) != 0) ==
                (guard.barred_products != 0 || guard.disabled != 0));
      QC_ASSERT(((guarded & kGuardOwnThrottles) != 0) == (rates != 0));
      QC_ASSERT(((guarded & kGuardPatterns) != 0) == (guard.patterns != 0));
      QC_ASSERT(((guarded & kGuardProtected) != 0) == protected_ones[a]);
      QC_ASSERT(guard.patterns == 0 || guards_.patterns[guard.patterns - 1].key.account == a);
    }
  }

  void protections() const {
    u32 frozen = 0;
    for (u32 i = 0; i < guards_.protections.count(); ++i) {
      const Protection& protection = guards_.protections[i];
      QC_ASSERT(guards_.protections.find(protection.key) == i);
      Protection sums{};
      for (u32 k = 0; k < protection.counted.count; ++k) add(sums, protection.counted[k], 1);
      QC_ASSERT(sums.lots == protection.lots && sums.delta == protection.delta &&
                sums.vega == protection.vega);
      frozen += protection.until_ns != 0 && protection.until_ns != kMaxI64 ? 1 : 0;
    }
    frozen -= visit_heap(guards_.freeze_heap, guards_.freezing, [&](u32 row, u32 up) {
      QC_ASSERT(up == kNone ||
                guards_.protections[up].until_ns <= guards_.protections[row].until_ns);
    });
    QC_ASSERT(frozen == 0);
  }

  const State& state_;
  const Guards& guards_;
};

}  // namespace

void check_guards(const State& state) { GuardsWalk(state).run(); }

}  // namespace quantumcore
