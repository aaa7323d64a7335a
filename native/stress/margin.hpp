// What a random market is margined by: profiles, terms, arrays, limits of risk that come and go.
#pragma once

#include "limits.hpp"
#include "quantumcore/layout.hpp"
#include "quantumcore/refusal.hpp"
#include "random.hpp"

namespace quantumcore::stress {

/// Adds one command about margin by `add(command, kind, instrument, account)`; `price`: about what
/// the instrument trades at, ticks.
template <class Add>
void margin(Random& random, u32 instrument, u64 account, i64 price, const Add& add) {
  static constexpr i64 kSecond = 1'000'000'000;
  static constexpr u16 kCurrency = 1;
  switch (random.below(10)) {
    case 0: {
      SetMarginTerms command{};
      MarginTerms& t = command.terms;
      t.initial = static_cast<u32>(random.between(0, 200'000));
      t.maintenance = t.initial / 2;
      t.slope = random.below(3) == 0 ? random.between(0, 1'000'000) : 0;
      t.mark_ns = random.below(3) == 0 ? random.between(1, 100) * kSecond : 0;
      t.array_ns = random.below(3) == 0 ? random.between(1, 100) * kSecond : 0;
      t.profile = static_cast<u8>(random.below(2));
      add(command, CommandKind::set_margin_terms, instrument, u64{0});
      return;
    }
    case 1: {
      SetRiskArray command{};
      RiskArrayTerms& t = command.terms;
      t.given = random.below(6) == 0 ? 0 : 1;
      const i64 most = random.below(20) == 0 ? i64{1} << 46 : price;
      for (i64& loss : t.losses) loss = t.given == 0 ? 0 : random.between(-most, most);
      t.short_minimum = t.given == 0 ? 0 : random.between(0, price / 10);
      add(command, CommandKind::set_risk_array, instrument, u64{0});
      return;
    }
    case 2:
    case 3: {
      static constexpr u8 kProfiles[3] = {kNoMargin, kByVolatility, kByScenarios};
      SetAccountMargin command{};
      command.terms.currency = kCurrency;
      command.terms.profile = kProfiles[random.below(3)];
      add(command, CommandKind::set_account_margin, 0U, account);
      return;
    }
    case 4: {
      SetGreeks command{};
      command.terms = {random.between(-price, price), random.between(0, price),
                       random.between(-price, price)};
      add(command, CommandKind::set_greeks, instrument, u64{0});
      return;
    }
    case 5: {
      SetRiskLimits command{};
      RiskLimitTerms& t = command.terms;
      const bool of_venue = random.below(4) == 0;
      t = {static_cast<u8>(of_venue ? Scope::venue : Scope::account),
           0,
           kCurrency,
           random.below(3) == 0 ? static_cast<u32>(random.between(1, 1'000'000)) : 0,
           some_limit(random, 100'000'000'000'000),
           some_limit(random, 100'000'000'000'000),
           some_limit(random, 1'000'000'000),
           some_limit(random, 1'000'000'000),
           some_limit(random, 1'000'000'000),
           some_limit(random, 100'000'000),
           some_limit(random, 100'000'000),
           static_cast<u32>(random.below(100'000)),
           static_cast<u32>(random.below(100'000))};
      add(command, CommandKind::set_risk_limits, 0U, of_venue ? u64{0} : account);
      return;
    }
    case 6: {
      OpenRiskDay command{};
      command.currency = kCurrency;
      add(command, CommandKind::open_risk_day, 0U, account);
      return;
    }
    case 7: {
      SetMark command{};
      command.price = random.below(20) == 0 ? 0 : price;
      add(command, CommandKind::set_mark, instrument, u64{0});
      return;
    }
    case 8: {
      // A mark that may ruin whoever has the lots; then it is as it was.
      SetAccountMargin margined{};
      margined.terms.currency = kCurrency;
      margined.terms.profile = kByVolatility;
      add(margined, CommandKind::set_account_margin, 0U, account);
      TakeOver command{};
      command.taker = account == 1 ? 2 : 1;
      command.lots = random.below(2) == 0 ? random.between(1, 100) : -random.between(1, 100);
      command.money = random.between(-price, price);
      SetMark mark{};
      mark.price = command.lots > 0 ? 1 : 1'000 * price;
      add(mark, CommandKind::set_mark, instrument, u64{0});
      add(command, CommandKind::take_over, instrument, account);
      mark.price = price;
      add(mark, CommandKind::set_mark, instrument, u64{0});
      return;
    }
    default: {
      AssessMargin command{};
      command.currency = kCurrency;
      add(command, CommandKind::assess_margin, 0U, account);
      // What a loss has brought to reducing is lifted at once: the market goes on.
      SetAccountTerms lifted{};
      lifted.state = kOpen;
      add(lifted, CommandKind::set_account_terms, 0U, account);
    }
  }
}

}  // namespace quantumcore::stress
