#include <numeric>

#include "quantumcore/actions.hpp"

/// What an action is, before anybody is looked at.
namespace quantumcore {

namespace {

constexpr u128 kMaxFraction = u128{1} << 96;

/// Which fields a kind uses.
enum Use : u32 {
  kUsesRight = 1,
  kUsesAmount = 2,
  kUsesTarget = 4,
  kUsesNumerator = 8,
  kUsesDenominator = 16,
  kUsesPrice = 32,
  kUsesRate = 64,
  kUsesExerciser = 128,
};

u32 uses_of(u8 kind) {
  constexpr u32 kRatio = kUsesNumerator | kUsesDenominator | kUsesPrice;
  switch (kind) {
    case kSplit:
    case kStockDividend:
      return kRatio;
    case kCashDividend:
      return kUsesAmount;
    case kConversion:
    case kAdjustment:
      return kRatio | kUsesTarget;
    case kSpinOff:
      return kRatio | kUsesTarget | kUsesRate;
    case kSettlement:
      return kUsesPrice;
    case kExercise:
      return kUsesTarget | kUsesNumerator | kUsesPrice | kUsesRight | kUsesExerciser;
    case kFunding:
    case kBorrowFee:
      return kUsesPrice | kUsesRate;
    default:
      return 0;
  }
}

bool rate_is_good(u8 kind, i64 rate) {
  constexpr i64 kOne = static_cast<i64>(kRateScale);
  if (kind == kFunding) return rate != 0 && rate >= -kOne && rate <= kOne;
  return rate >= (kind == kBorrowFee ? 1 : 0) && rate <= kOne;
}

bool exercise_is_good(const ApplyAction& c) {
  const bool one = c.header.account != 0;
  return (c.terms.right == kCall || c.terms.right == kPut) &&
         (one ? c.terms.quantity > 0 : c.terms.quantity == 0 && c.terms.seed == 0);
}

/// The product of some factors by that of others, in lowest terms.
template <std::size_t N, std::size_t M>
bool lowest_terms(u64 (&over)[N], u64 (&under)[M], u128 bound, u128& num, u128& den) {
  for (u64& a : over) {
    for (u64& b : under) {
      const u64 common = std::gcd(a, b);
      a /= common;
      b /= common;
    }
  }
  const auto multiply = [&](const auto& factors, u128& product) {
    product = 1;
    for (const u64 factor : factors) {
      if (__builtin_mul_overflow(product, static_cast<u128>(factor), &product)) return false;
    }
    return product < bound;
  };
  return multiply(over, num) && multiply(under, den);
}

bool set_lots(const State& state, ActionMeaning& m) {
  const ActionTerms& t = m.terms();
  const u64 held_stays = m.kind() == kStockDividend ? t.denominator : 0;
  u64 over[] = {t.numerator + held_stays, static_cast<u64>(m.instrument.asset_per_lot),
                kPowersOf10[state.base_of(m.got).scale]};
  u64 under[] = {t.denominator, static_cast<u64>(m.got.asset_per_lot),
                 kPowersOf10[state.base_of(m.instrument).scale]};
  u128 num = 0;
  u128 den = 0;
  if (!lowest_terms(over, under, u128{1} << 63, num, den)) return false;
  m.lots_num = static_cast<u64>(num);
  m.lots_den = static_cast<u64>(den);
  m.fraction = static_cast<u128>(m.instrument.asset_per_lot) * m.lots_den;
  return m.fraction < kMaxFraction;
}

bool set_worth(const State& state, ActionMeaning& m) {
  const ActionTerms& t = m.terms();
  if (m.kind() == kCashDividend) {
    u64 over[] = {static_cast<u64>(t.amount), kPowersOf10[state.quote_of(m.instrument).scale]};
    u64 under[] = {kPowersOf10[state.base_of(m.instrument).scale], kPowersOf10[t.amount_scale]};
    return lowest_terms(over, under, kHuge, m.worth.num, m.worth.den);
  }
  m.worth = {0, 1};
  if (t.price == 0) return true;
  const bool paid_for = m.kind() == kFunding || m.kind() == kBorrowFee;
  const bool held = paid_for || m.kind() == kSettlement;
  const Unit& unit = held ? m.instrument.unit : m.got.unit;
  if (units(static_cast<u128>(t.price), unit).ceil() > static_cast<u128>(kMostHeld)) return false;
  u64 over[] = {static_cast<u64>(t.price), unit.num, 1};
  u64 under[] = {unit.den, 1, 1};
  if (held) {
    under[1] = static_cast<u64>(m.instrument.asset_per_lot);
  } else if (m.by_ratio()) {
    under[1] = static_cast<u64>(m.instrument.asset_per_lot);
    under[2] = m.lots_den;
  }
  if (paid_for) {
    over[2] = static_cast<u64>(t.rate < 0 ? -t.rate : t.rate);
    under[2] = kRateScale;
  }
  return lowest_terms(over, under, kHuge, m.worth.num, m.worth.den);
}

}  // namespace

i128 Worth::floor(i128 n) const {
  if (n >= 0) return static_cast<i128>(multiply_divide_whole(static_cast<u128>(n), num, den).floor);
  return -static_cast<i128>(multiply_divide_whole(static_cast<u128>(-n), num, den).ceil());
}

bool action_is_good(const ApplyAction& c) {
  const ActionTerms& t = c.terms;
  const u32 uses = uses_of(t.action);
  if (c.header.reserved != 0 || t.reserved != 0 || uses == 0 || !is_id(t.action_id)) return false;
  const auto fits = [&](u32 use, bool when_used, bool when_not) {
    return (uses & use) != 0 ? when_used : when_not;
  };
  const bool priced = t.action == kExercise || t.action == kFunding || t.action == kBorrowFee;
  return fits(kUsesRight, true, t.right == 0) &&
         fits(kUsesAmount, t.amount > 0 && t.amount_scale <= kMaxScale,
              t.amount == 0 && t.amount_scale == 0) &&
         fits(kUsesTarget, t.target != 0 || t.action == kAdjustment, t.target == 0) &&
         fits(kUsesNumerator, t.numerator != 0, t.numerator == 0) &&
         fits(kUsesDenominator, t.denominator != 0, t.denominator == 0) &&
         fits(kUsesPrice, t.price >= (priced ? 1 : 0), t.price == 0) &&
         fits(kUsesRate, rate_is_good(t.action, t.rate), t.rate == 0) &&
         fits(kUsesExerciser, t.action != kExercise || exercise_is_good(c),
              c.header.account == 0 && t.quantity == 0 && t.seed == 0);
}

bool is_alone(const State& state, const Instrument& instrument) {
  for (u32 i = 0; i < state.instrument_count; ++i) {
    const Instrument& other = state.instruments[i];
    if (&other == &instrument) continue;
    if (other.base == instrument.base || other.quote == instrument.base) return false;
  }
  return true;
}

bool judge_action(State& state, ActionMeaning& m, Refusal& why) {
  if (m.moves_target() && (m.got.base == m.instrument.base || m.got.quote != m.instrument.quote)) {
    return why.no(Reason::bad_action, Scope::instrument);
  }
  if (m.changes_base() && !is_alone(state, m.instrument)) {
    return why.no(Reason::bad_action, Scope::instrument);
  }
  m.lots_num = m.kind() == kExercise ? m.terms().numerator : 1;
  m.lots_den = 1;
  m.fraction = 1;
  if ((m.by_ratio() && !set_lots(state, m)) || !set_worth(state, m)) {
    return why.no(Reason::bad_action, Scope::none);
  }
  return true;
}

}  // namespace quantumcore
