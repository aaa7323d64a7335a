#include <algorithm>

#include "quantumcore/commands.hpp"

namespace quantumcore {

namespace {

constexpr i64 kDayNs = i64{24} * 3600 * 1'000'000'000;

bool can_be(const TradingRules& rules) {
  const auto is_rate = [](i64 r) { return r >= 0 && r < static_cast<i64>(kRateScale); };
  const auto is_time = [](i64 t) { return t >= 0 && t <= kDayNs; };
  return rules.allocation <= kTopFirst && is_rate(rules.static_band) &&
         is_rate(rules.price_collar) && is_rate(rules.dynamic_band) && is_rate(rules.velocity) &&
         is_time(rules.limit_state_ns) && is_time(rules.call_ns) && is_time(rules.velocity_ns) &&
         (rules.dynamic_band == 0 || rules.call_ns > 0) &&
         (rules.velocity == 0 || (rules.velocity_ns > 0 && rules.call_ns > 0));
}

}  // namespace

void apply_rules(State& state, Instrument& instrument, const TradingRules& rules) {
  state.rare_books[state.slot_of(instrument)].rules = rules;
  const bool shared = rules.allocation != kByTime;
  instrument.rare = shared ? instrument.rare | kRareShared : instrument.rare & ~kRareShared;
}

void set_trading_rules(State& state, const SetTradingRules& command, Teller& teller) {
  const TradingRules& rules = command.rules;
  if (command.header.reserved != 0 || command.header.account != 0 ||
      std::any_of(std::begin(rules.reserved), std::end(rules.reserved),
                  [](u8 b) { return b != 0; })) {
    tell_bad(teller, command.header);
    return;
  }
  Refusal why;
  Instrument* const instrument = state.find_instrument(command.header.instrument);
  if (instrument == nullptr) {
    why.no(Reason::unknown_symbol, Scope::instrument);
  } else if (!can_be(rules)) {
    why.no(Reason::bad_rules, Scope::none);
  }
  if (why.reason != Reason::none) {
    tell_refused(teller, command.header, why);
    return;
  }
  apply_rules(state, *instrument, rules);
  teller.tell<TradingRulesChanged>(instrument->id, 0).rules = rules;
}

}  // namespace quantumcore
