#include "quantumcore/guards.hpp"

#include "quantumcore/admission.hpp"

/// Saying which guards are in use, and the records that say what an instrument and an account are
/// (docs/reference/engine.md section 15).
namespace quantumcore {

namespace {

constexpr i64 kDayNs = i64{24} * 3600 * 1'000'000'000;

bool content_is_good(const SetInstrumentClass& c) {
  return c.header.reserved == 0 && c.header.account == 0 && c.terms.product < 64 &&
         c.terms.class_flags <= kClassFlags && c.terms.reserved == 0 && c.terms.outside_ns >= 0 &&
         c.terms.outside_ns <= kDayNs;
}

}  // namespace

void note_guards(State& state) {
  u32 rates = 0;
  for (const Throttle& throttle : state.guards.throttles) rates |= throttle.rate;
  state.guarded = (state.killed != kSwitchOff ? kGuardSwitch : 0) |
                  (state.guards.firms_on != 0 ? kGuardFirms : 0) |
                  (state.guards.sessions.live() != 0 ? kGuardSessions : 0) |
                  (rates != 0 ? kGuardThrottles : 0);
}

void note_class(State& state, Instrument& instrument) {
  const RareBook& rare = state.rare_of(instrument);
  const bool guarded =
      rare.switch_mode != kSwitchOff || rare.restrictions != 0 || rare.class_terms.class_flags != 0;
  instrument.rare = guarded ? instrument.rare | kRareGuarded : instrument.rare & ~kRareGuarded;
}

void note_account(State& state, u32 account) {
  const AccountGuard& guard = state.guards.accounts[account];
  u32 rates = 0;
  for (const OwnBucket& each : guard.buckets) rates |= each.own.rate;
  u8& guarded = state.accounts[account].guarded;
  guarded = static_cast<u8>(
      (guarded & kGuardProtected) |
      (guard.barred_products != 0 || guard.disabled != 0 ? kGuardEntitlements : 0) |
      (rates != 0 ? kGuardOwnThrottles : 0) | (guard.patterns != 0 ? kGuardPatterns : 0));
}

void set_instrument_class(State& state, const SetInstrumentClass& command, Teller& teller) {
  if (!content_is_good(command)) {
    tell_bad(teller, command.header);
    return;
  }
  Instrument* const instrument = named_instrument(state, command.header, teller);
  if (instrument == nullptr) return;
  state.rare_of(*instrument).class_terms = command.terms;
  note_class(state, *instrument);
  teller.tell<InstrumentClassChanged>(command.header.instrument, 0).terms = command.terms;
}

void set_entitlements(State& state, const SetEntitlements& command, Teller& teller) {
  if (command.header.reserved != 0 || command.header.instrument != 0 || command.enabled > 1 ||
      !all_zero(command.reserved)) {
    tell_bad(teller, command.header);
    return;
  }
  const u32 account = named_account(state, command.header, teller);
  if (account == kNone) return;
  AccountGuard& guard = state.guards.accounts[account];
  guard.barred_products = ~command.products;
  guard.disabled = command.enabled == 0 ? 1 : 0;
  note_account(state, account);
  EntitlementsChanged& event = teller.tell<EntitlementsChanged>(0, command.header.account);
  event.products = command.products;
  event.enabled = command.enabled;
}

}  // namespace quantumcore
