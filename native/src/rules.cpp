#include "quantumcore/gate.hpp"
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

/// The instrument of a command that has nothing else in its header; null: it was refused.
Instrument* instrument_alone(State& state, const CommandHeader& header, bool good, Teller& teller) {
  if (header.reserved != 0 || header.account != 0 || !good) {
    tell_bad(teller, header);
    return nullptr;
  }
  return named_instrument(state, header, teller);
}

/// BAD_MARK: a mark or a reference outside the bounds of prices; 0 is none.
bool may_be_set(const Instrument& instrument, const CommandHeader& header, i64 ticks,
                Teller& teller) {
  const Grid grid = instrument.price_grid();
  const Measured price{ticks, on_grid(ticks, grid), grid.step, grid.scale, true};
  Refusal why;
  if (ticks == 0 || judge_price(instrument, price, Reason::bad_mark, ticks, why)) return true;
  tell_refused(teller, header, why);
  return false;
}

}  // namespace

void apply_rules(State& state, Instrument& instrument, const TradingRules& rules) {
  state.rare_of(instrument).rules = rules;
  instrument.rare &= ~(kRareBands | kRareShared);
  if (has_bands(rules)) instrument.rare |= kRareBands;
  if (rules.allocation != kByTime) instrument.rare |= kRareShared;
}

void set_trading_rules(State& state, const SetTradingRules& command, Teller& teller) {
  const TradingRules& rules = command.rules;
  Instrument* const instrument =
      instrument_alone(state, command.header, all_zero(rules.reserved), teller);
  if (instrument == nullptr) return;
  if (!rules_hold(rules)) {
    refuse(teller, command.header, Reason::bad_rules);
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
  Instrument* const instrument = instrument_alone(state, command.header, true, teller);
  if (instrument == nullptr) return;
  if (!may_be_set(*instrument, command.header, command.price, teller)) return;
  state.rare_of(*instrument).reference = command.price;
  state.touch(*instrument);
  teller.tell<ReferenceChanged>(instrument->id, 0).price = command.price;
}

void set_mark(State& state, const SetMark& command, Teller& teller) {
  Instrument* const instrument = instrument_alone(state, command.header, true, teller);
  if (instrument == nullptr) return;
  if (!may_be_set(*instrument, command.header, command.price, teller)) return;
  state.rare_of(*instrument).mark = command.price;
  state.rare_of(*instrument).marked_at = teller.time_ns();
  state.touch(*instrument);
  teller.tell<MarkChanged>(instrument->id, 0).price = command.price;
}

void set_quote(State& state, const SetQuote& command, Teller& teller) {
  Instrument* const instrument = instrument_alone(state, command.header, true, teller);
  if (instrument == nullptr) return;
  if (!may_be_set(*instrument, command.header, command.bid, teller) ||
      !may_be_set(*instrument, command.header, command.ask, teller)) {
    return;
  }
  RareBook& rare = state.rare_of(*instrument);
  rare.bid = command.bid;
  rare.ask = command.ask;
  rare.quoted_at = teller.time_ns();
  QuoteChanged& event = teller.tell<QuoteChanged>(instrument->id, 0);
  event.bid = command.bid;
  event.ask = command.ask;
}

}  // namespace quantumcore
