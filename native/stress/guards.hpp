// Who may, and how often, in a random market: what is set is mostly taken back soon.
#pragma once

#include "quantumcore/layout.hpp"
#include "quantumcore/refusal.hpp"
#include "random.hpp"

namespace quantumcore::stress {

inline constexpr i64 kMillisecond = 1'000'000;

/// Adds one command about `account` in `instrument` by `add(command, kind, instrument, account)`.
template <class Add>
void guard(Random& random, u32 instrument, u64 account, const Add& add) {
  const bool off = random.below(3) != 0;
  switch (random.below(10)) {
    case 0: {
      SetKill command{};
      static constexpr Scope kScopes[5] = {Scope::venue, Scope::account, Scope::instrument,
                                           Scope::firm, Scope::session};
      const Scope scope = kScopes[random.below(5)];
      command.scope = static_cast<u8>(scope);
      command.mode = off ? kSwitchOff : static_cast<u8>(1 + random.below(2));
      if (scope == Scope::firm || scope == Scope::session) command.subject = 1;
      add(command, CommandKind::set_kill, scope == Scope::instrument ? instrument : 0,
          scope == Scope::account ? account : 0);
      // A switch that stops everything is lifted at once: the market goes on.
      command.mode = kSwitchOff;
      add(command, CommandKind::set_kill, scope == Scope::instrument ? instrument : 0,
          scope == Scope::account ? account : 0);
      return;
    }
    case 1: {
      SetInstrumentClass command{};
      command.terms.underlying = static_cast<u32>(random.below(3));
      command.terms.product = static_cast<u8>(random.below(2));
      command.terms.class_flags = off ? u8{0} : static_cast<u8>(random.below(4));
      command.terms.outside_ns = random.below(2) == 0 ? 0 : 5'000 * kMillisecond;
      add(command, CommandKind::set_instrument_class, instrument, u64{0});
      return;
    }
    case 2: {
      SetEntitlements command{};
      command.products = off ? ~u64{0} : random.below(4);
      command.enabled = 1;
      add(command, CommandKind::set_entitlements, 0U, account);
      return;
    }
    case 3: {
      SetRestriction command{};
      command.terms.scope = static_cast<u8>(Scope::account);
      command.terms.restricted = off ? u8{0} : u8{1};
      add(command, CommandKind::set_restriction, instrument, account);
      return;
    }
    case 4: {
      SetLocate command{};
      command.lots = random.between(0, 200);
      add(command, CommandKind::set_locate, instrument, account);
      return;
    }
    case 5: {
      SetThrottle command{};
      const bool of_session = random.below(2) == 0;
      command.terms.scope = static_cast<u8>(of_session ? Scope::session : Scope::account);
      command.terms.session = of_session ? static_cast<u32>(1 + random.below(3)) : 0;
      command.terms.throttle_class = static_cast<u8>(1 + random.below(4));
      command.terms.rate = off ? 0 : static_cast<u32>(1 + random.below(1'000));
      command.terms.burst = off ? 0 : static_cast<u32>(1 + random.below(10));
      add(command, CommandKind::set_throttle, 0U, of_session ? 0 : account);
      return;
    }
    case 6: {
      SetPatterns command{};
      PatternTerms& t = command.terms;
      if (!off) t = {2, 10, 100 * kMillisecond, 50, 3, 10 * kMillisecond, 10 * kMillisecond};
      add(command, CommandKind::set_patterns, 0U, account);
      return;
    }
    case 7: {
      SetProtection command{};
      command.terms.underlying = static_cast<u32>(1 + random.below(2));
      if (!off) {
        command.terms.fills = static_cast<u32>(random.below(5));
        command.terms.quantity = random.between(0, 500);
        command.terms.delta = random.below(2) == 0 ? 0 : random.between(1, 100'000);
        command.terms.vega = random.below(2) == 0 ? 0 : random.between(1, 100'000);
        command.terms.window_ns = 50 * kMillisecond;
        command.terms.frozen_ns = random.between(0, 20) * kMillisecond;
      }
      add(command, CommandKind::set_protection, 0U, account);
      return;
    }
    case 8: {
      SetQuote command{};
      command.bid = random.between(1, 1'000);
      command.ask = command.bid + random.between(0, 20);
      add(command, CommandKind::set_quote, instrument, u64{0});
      return;
    }
    default: {
      Resume command{};
      command.cause = static_cast<u8>(1 + random.below(2));
      if (command.cause == kPausedByProtection) {
        command.underlying = static_cast<u32>(1 + random.below(2));
      }
      add(command, CommandKind::resume, 0U, account);
    }
  }
}

}  // namespace quantumcore::stress
