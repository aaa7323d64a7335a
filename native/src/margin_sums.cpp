#include <algorithm>

#include "quantumcore/act.hpp"
#include "quantumcore/exposure.hpp"
#include "quantumcore/margin_checks.hpp"

/// What an account is worth and what it needs, summed over its positions (docs/reference/engine.md
/// section 17).
namespace quantumcore {

namespace {

constexpr u128 kMostTicksLots = u128{1} << 96;  // of a position: as much is too large
constexpr u64 kRates = 1'000'000;               // initial, maintenance: 10^-6
constexpr u64 kNeeds = 1'000'000'000'000;       // with the slope: 10^-12
constexpr u128 kMostNeeded = 10 * kNeeds;       // of the worth
constexpr u8 kFineScale = 6;                    // of losses and greeks, in units of the currency

bool is_older(i64 set_at, i64 most, i64 now) { return most != 0 && now - set_at > most; }

/// Losses in minor units, rounded up.
i128 minor_units(i128 fine, u8 scale) {
  const u128 value = static_cast<u128>(fine);  // at least 0
  if (scale >= kFineScale) {
    return static_cast<i128>(multiply_divide(value, kPowersOf10[scale - kFineScale], 1).floor);
  }
  return static_cast<i128>(multiply_divide(value, 1, kPowersOf10[kFineScale - scale]).ceil());
}

Quotient worth_of_size(i128 lots, i64 price, const Unit& unit) {
  return units(static_cast<u128>(magnitude(lots)) * static_cast<u64>(price), unit);
}
/// The worth of lots at a price in ticks, either way, rounded up.
i128 gross_worth_of(i128 lots, i64 price, const Unit& unit) {
  return static_cast<i128>(worth_of_size(lots, price, unit).ceil());
}
/// The same with its sign, rounded down.
i128 worth_of(i128 lots, i64 price, const Unit& unit) {
  const Quotient worth = worth_of_size(lots, price, unit);
  return lots < 0 ? -static_cast<i128>(worth.ceil()) : static_cast<i128>(worth.floor);
}

/// What a worst case of `lots` needs of what it is worth.
i128 needed_by_volatility(i128 worth, i128 lots, u32 rate, i64 slope) {
  u128 all = u128{rate} * kRates;
  if (slope != 0) {
    const u128 size = static_cast<u128>(magnitude(lots));
    const u128 most = kMostNeeded / static_cast<u64>(slope);
    all = size > most ? kMostNeeded : all + size * static_cast<u64>(slope);
  }
  all = std::min(all, kMostNeeded);
  const Quotient needed = multiply_divide(static_cast<u128>(worth), static_cast<u64>(all), kNeeds);
  return static_cast<i128>(needed.ceil());
}

/// Losses of what stands in one underlying: with all orders, and without any.
class Scan {
 public:
  void add(const MarginLeg& leg, const RiskArrayTerms& array) {
    for (u32 k = 0; k < kScenarios; ++k) {
      const i64 loss = array.losses[k];
      worst_[k] += (loss < 0 ? leg.least : leg.most) * loss;
      held_[k] += leg.lots * loss;
    }
    least_ += std::max<i128>(0, -leg.least) * array.short_minimum;
    least_held_ += std::max<i128>(0, -leg.lots) * array.short_minimum;
  }
  /// Adds what it needs, and begins anew.
  void end(MarginSums& sums, u8 scale) {
    sums.initial += needed(worst_, least_, scale);
    sums.maintenance += needed(held_, least_held_, scale);
    *this = Scan{};
  }

 private:
  static constexpr i128 kTooMuch = i128{1} << 64;

  static i128 needed(const i128 (&losses)[kScenarios], i128 least, u8 scale) {
    const i128 most = *std::max_element(std::begin(losses), std::end(losses));
    return std::min(minor_units(std::max(least, most), scale), kTooMuch);
  }

  i128 worst_[kScenarios] = {};
  i128 held_[kScenarios] = {};
  i128 least_ = 0;  // at least 0, so a scan is too
  i128 least_held_ = 0;
};

/// Sums the legs of an account in a currency.
class Look {
 public:
  Look(const State& state, u32 account, u16 currency, u32 own)
      : state_(state), scale_(state.currencies[currency].scale), own_(own) {
    const AccountMargin* const margin = state.margin.find(account, currency);
    scenarios_ = margin != nullptr && margin->profile == kByScenarios;
    const u32 balance = state.accounts.find_balance(account, currency);
    if (balance != kNone) sums_.equity = state.accounts.balance(balance).total;
  }

  MarginSums sum(u32 count) {
    for (u32 i = 0; i < count && !sums_.stale; ++i) {
      const MarginLeg& leg = state_.margin.legs[i];
      if (leg.counts()) add(leg, i == own_);
    }
    scan_.end(sums_, scale_);
    for (const i128 sum : {sums_.equity, sums_.initial, sums_.maintenance, sums_.gross,
                           sums_.net_long, sums_.net_short}) {
      sums_.too_large = sums_.too_large || !fits_i64(sum);
    }
    return sums_;
  }

 private:
  void add(const MarginLeg& leg, bool own) {
    const Instrument& instrument = state_.instruments[leg.instrument];
    const RareBook& rare = state_.rare_books[leg.instrument];
    const InstrumentMargin& margin = state_.margin.instruments[leg.instrument];
    const bool scanned = scenarios_ && margin.terms.profile == kByAccount;
    if (is_stale(rare, margin, scanned)) {
      sums_.stale = true;
      return;
    }
    const u128 most_lots = (kMostTicksLots - 1) / static_cast<u64>(rare.mark);
    const i128 worst = leg.worst();
    if (worst > kMaxI64 || static_cast<u128>(worst) > most_lots) {
      sums_.too_large = true;
      return;
    }
    const Unit& unit = instrument.unit;
    const i128 gross = gross_worth_of(worst, rare.mark, unit);
    const i128 held = worth_of(leg.lots, rare.mark, unit);
    const i128 most = worth_of(leg.most, rare.mark, unit);
    const i128 least = worth_of(leg.least, rare.mark, unit);
    if (!fits_i64(gross) || !fits_i64(held) || !fits_i64(most) || !fits_i64(least)) {
      sums_.too_large = true;
      return;
    }
    sums_.equity += held;
    sums_.net_long += most;
    sums_.net_short += least;
    sums_.gross += gross;
    if (own) sums_.of_order = gross;
    if (scanned) {
      if (leg.group != group_) scan_.end(sums_, scale_);
      group_ = leg.group;
      scan_.add(leg, margin.array);
      return;
    }
    const i128 worth = gross_worth_of(leg.lots, rare.mark, unit);
    sums_.initial += needed_by_volatility(gross, worst, margin.terms.initial, margin.terms.slope);
    sums_.maintenance +=
        needed_by_volatility(worth, leg.lots, margin.terms.maintenance, margin.terms.slope);
  }

  bool is_stale(const RareBook& rare, const InstrumentMargin& margin, bool scanned) const {
    const i64 now = state_.time_ns;
    return rare.mark == 0 || is_older(rare.marked_at, margin.terms.mark_ns, now) ||
           (scanned &&
            (margin.array.given == 0 || is_older(margin.array_set_at, margin.terms.array_ns, now)));
  }

  const State& state_;
  const u8 scale_;
  const u32 own_;
  bool scenarios_ = false;
  u64 group_ = 0;
  Scan scan_;
  MarginSums sums_;
};

MarginLeg leg_of(const State& state, u32 instrument, const Position* row) {
  MarginLeg leg{};
  if (row != nullptr) {
    leg.lots = row->lots;
    leg.most = row->worst[0];
    leg.least = -row->worst[1];
  }
  leg.instrument = instrument;
  const u32 underlying = state.rare_books[instrument].class_terms.underlying;
  leg.group = underlying != 0 ? underlying : u64{1} << 32 | instrument;
  return leg;
}

/// Adds what the first members of an act would work.
MarginLeg with_members(MarginLeg leg, const State& state, const Act& act, u32 count) {
  const Instrument& instrument = state.instruments[leg.instrument];
  leg.most += lots_of_members(act, count, instrument, false);
  leg.least -= lots_of_members(act, count, instrument, true);
  return leg;
}

/// The leg of the order's instrument, without the order or with it.
MarginLeg own_leg(MarginLeg leg, const State& state, const Beside& beside, const Wish& wish,
                  bool with) {
  if (beside.seat != nullptr) {
    return with_members(leg, state, *beside.seat->act, beside.seat->before + (with ? 1 : 0));
  }
  if (!with) return leg;
  const i128 more = lots_added(state, beside, wish);
  (wish.sell ? leg.least : leg.most) += wish.sell ? -more : more;
  return leg;
}

/// Lists the positions of an account in a currency, as `each` makes them of their rows.
template <class Each>
u32 list(const State& state, u32 account, u16 currency, const Each& each) {
  u32 count = 0;
  for (u32 row = state.accounts[account].first_position; row != kNone;
       row = state.positions[row].next) {
    const Position& position = state.positions[row];
    if (state.instruments[position.instrument].quote != currency) continue;
    state.margin.legs[count++] = each(leg_of(state, position.instrument, &position));
  }
  return count;
}

void sort_for_scans(const State& state, u32 account, u16 currency, u32 count) {
  const AccountMargin* const margin = state.margin.find(account, currency);
  if (margin == nullptr || margin->profile != kByScenarios) return;
  MarginLeg* const legs = state.margin.legs.data();
  std::sort(legs, legs + count,
            [](const MarginLeg& a, const MarginLeg& b) { return a.group < b.group; });
}

}  // namespace

u32 list_legs(const State& state, u32 account, u16 currency) {
  const u32 count = list(state, account, currency, [](const MarginLeg& leg) { return leg; });
  sort_for_scans(state, account, currency, count);
  return count;
}

void list_legs_with(const State& state, const Instrument& instrument, const Beside& beside,
                    const Wish& wish, MarginFinding& found) {
  const u32 account = beside.position.account;
  const u32 own = state.slot_of(instrument);
  const Act* const act = beside.seat == nullptr ? nullptr : beside.seat->act;
  const auto with = [&](const MarginLeg& leg) {
    if (leg.instrument == own) {
      found.before = own_leg(leg, state, beside, wish, false);
      return own_leg(leg, state, beside, wish, true);
    }
    return act == nullptr ? leg : with_members(leg, state, *act, beside.seat->before);
  };
  MarginLeg* const legs = state.margin.legs.data();
  u32 count = list(state, account, instrument.quote, with);
  const auto add = [&](u32 other) {
    const bool listed = std::any_of(legs, legs + count,
                                    [&](const MarginLeg& leg) { return leg.instrument == other; });
    if (!listed) legs[count++] = with(leg_of(state, other, nullptr));
  };
  add(own);
  for (u32 i = 0; act != nullptr && i < beside.seat->before; ++i) {
    const Instrument& other = *act->judged[i].instrument;
    if (other.quote == instrument.quote) add(state.slot_of(other));
  }
  sort_for_scans(state, account, instrument.quote, count);
  found.count = count;
  found.own =
      static_cast<u32>(std::find_if(legs, legs + count,
                                    [&](const MarginLeg& leg) { return leg.instrument == own; }) -
                       legs);
}

MarginSums sum_legs(const State& state, u32 account, u16 currency, u32 count, u32 own) {
  return Look(state, account, currency, own).sum(count);
}

i128 sum_greek(const State& state, u16 currency, u32 count, i64 GreekTerms::* greek) {
  i128 up = 0;
  i128 down = 0;
  for (u32 i = 0; i < count; ++i) {
    const MarginLeg& leg = state.margin.legs[i];
    const i64 of_lot = state.margin.instruments[leg.instrument].greeks.*greek;
    up += (of_lot < 0 ? leg.least : leg.most) * of_lot;
    down += (of_lot < 0 ? leg.most : leg.least) * of_lot;
  }
  return minor_units(std::max(magnitude(up), magnitude(down)), state.currencies[currency].scale);
}

}  // namespace quantumcore
