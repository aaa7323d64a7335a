#include "quantumcore/phases.hpp"

namespace quantumcore {

namespace {

constexpr i64 kDayNs = i64{24} * 3600 * 1'000'000'000;

bool is_rate(i64 rate) { return rate >= 0 && rate < static_cast<i64>(kRateScale); }
bool is_time(i64 time_ns) { return time_ns >= 0 && time_ns <= kDayNs; }

bool rules_hold(const TradingRules& r) {
  return r.allocation <= kTopFirst && is_rate(r.static_band) && is_rate(r.price_collar) &&
         is_rate(r.dynamic_band) && is_rate(r.velocity) && is_time(r.limit_state_ns) &&
         is_time(r.call_ns) && is_time(r.velocity_ns) && (r.dynamic_band == 0 || r.call_ns != 0) &&
         (r.velocity == 0 || (r.call_ns != 0 && r.velocity_ns != 0));
}

bool has_bands(const TradingRules& r) {
  return (r.static_band | r.price_collar | r.dynamic_band | r.velocity) != 0;
}

void refuse(Teller& teller, const CommandHeader& command, Reason reason, Scope scope) {
  Refusal why;
  why.no(reason, scope);
  tell_refused(teller, command, why);
}

/// The instrument of a command that has nothing else in its header; null: it was refused.
Instrument* find(State& state, const CommandHeader& header, bool good, Teller& teller) {
  if (header.reserved != 0 || header.account != 0 || !good) {
    tell_bad(teller, header);
    return nullptr;
  }
  Instrument* const instrument = state.find_instrument(header.instrument);
  if (instrument == nullptr) refuse(teller, header, Reason::unknown_symbol, Scope::instrument);
  return instrument;
}

}  // namespace

void apply_rules(State& state, Instrument& instrument, const TradingRules& rules) {
  state.rare_books[state.slot_of(instrument)].rules = rules;
  instrument.rare &= ~(kRareBands | kRareShared);
  if (has_bands(rules)) instrument.rare |= kRareBands;
  if (rules.allocation != kByTime) instrument.rare |= kRareShared;
}

void set_trading_rules(State& state, const SetTradingRules& command, Teller& teller) {
  const TradingRules& rules = command.rules;
  u8 reserved = 0;
  for (const u8 byte : rules.reserved) reserved = static_cast<u8>(reserved | byte);
  Instrument* const instrument = find(state, command.header, reserved == 0, teller);
  if (instrument == nullptr) return;
  if (!rules_hold(rules)) {
    refuse(teller, command.header, Reason::bad_rules, Scope::none);
    return;
  }
  apply_rules(state, *instrument, rules);
  teller.tell<TradingRulesChanged>(instrument->id, 0).rules = rules;
  RareBook& rare = state.rare_of(*instrument);
  rare.first_print = 0;
  rare.print_count = 0;
  state.touch(*instrument);  // a band that kept a dark order from trading may be gone
  end_limit_state(state, *instrument, teller);
}

void set_reference(State& state, const SetReference& command, Teller& teller) {
  Instrument* const instrument = find(state, command.header, true, teller);
  if (instrument == nullptr) return;
  const InstrumentTerms& terms = instrument->terms;
  if (command.price != 0 && (command.price < terms.min_price || command.price > terms.max_price)) {
    refuse(teller, command.header, Reason::bad_mark, Scope::none);
    return;
  }
  state.rare_of(*instrument).reference = command.price;
  state.touch(*instrument);
  teller.tell<ReferenceChanged>(instrument->id, 0).price = command.price;
}

}  // namespace quantumcore
