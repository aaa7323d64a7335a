#include "quantumcore/margin_checks.hpp"

#include <utility>

#include "quantumcore/exposure.hpp"

/// Judging what an account risks (docs/reference/engine.md section 17).
namespace quantumcore {

namespace {

constexpr u64 kPerMillion = 1'000'000;
constexpr i128 kMostTold = static_cast<i128>(kHuge);

/// A limit and whose it is.
struct RiskLimit {
  i128 limit;
  Scope scope;
  bool is_set;
};

/// The tighter of what the records of the venue and of an account say; of equal ones the venue's.
/// `of(record)` is negative where the record says nothing.
template <class Of>
RiskLimit tighter(const State& state, u32 account, u16 currency, const Of& of) {
  RiskLimit found{0, Scope::none, false};
  for (const auto& [whose, scope] : {std::pair{kNone, Scope::venue}, {account, Scope::account}}) {
    const RiskLimitTerms* const terms = state.margin.limits_of(whose, currency);
    const i128 limit = terms == nullptr ? i128{-1} : of(*terms);
    if (limit >= 0 && (!found.is_set || limit < found.limit)) found = {limit, scope, true};
  }
  return found;
}

RiskLimit tighter(const State& state, u32 account, u16 currency, i64 RiskLimitTerms::* limit) {
  return tighter(state, account, currency,
                 [&](const RiskLimitTerms& terms) { return i128{terms.*limit}; });
}

RiskLimit tightest_share(const State& state, u32 account, u16 currency) {
  return tighter(state, account, currency, [](const RiskLimitTerms& terms) {
    return terms.share == 0 ? i128{-1} : i128{terms.share};
  });
}

/// Of a loss or a fall of a day: the tighter of a number and a rate of what came in.
RiskLimit tightest_of_day(const State& state, const AccountMargin& day, i64 RiskLimitTerms::* limit,
                          u32 RiskLimitTerms::* rate) {
  const i128 base = day.opening + day.deposits;
  const auto of = [&](const RiskLimitTerms& terms) {
    const i128 number = terms.*limit;
    if (terms.*rate == 0 || base <= 0) return number;
    const i128 rated = base * (terms.*rate) / kPerMillion;
    return number < 0 ? rated : std::min(number, rated);
  };
  return tighter(state, day.key.first, static_cast<u16>(day.key.second), of);
}

RiskLimit most_loss(const State& state, const AccountMargin& day) {
  return tightest_of_day(state, day, &RiskLimitTerms::loss, &RiskLimitTerms::loss_rate);
}

RiskLimit most_drawdown(const State& state, const AccountMargin& day) {
  return tightest_of_day(state, day, &RiskLimitTerms::drawdown, &RiskLimitTerms::drawdown_rate);
}

i128 result_of(const AccountMargin& day, const MarginSums& sums) {
  return sums.equity - day.opening - day.deposits;
}

i128 fall_of(const AccountMargin& day, i128 result) {
  return std::max<i128>(day.peak, result) - result;
}

/// Whether a record limits more than what may be lost in a day, which asks for a day.
bool limits_orders(const RiskLimitTerms& terms) {
  return terms.share != 0 || terms.gross >= 0 || terms.net >= 0 || terms.delta >= 0 ||
         terms.gamma >= 0 || terms.vega >= 0;
}

/// Whether anything is judged of an order of the account.
bool is_judged(const State& state, u32 account, u16 currency) {
  const AccountMargin* const margin = state.margin.find(account, currency);
  if (margin != nullptr && margin->profile != kNoMargin) return true;
  if (tightest_share(state, account, currency).is_set) return true;
  for (i64 RiskLimitTerms::* const limit :
       {&RiskLimitTerms::gross, &RiskLimitTerms::net, &RiskLimitTerms::delta,
        &RiskLimitTerms::gamma, &RiskLimitTerms::vega}) {
    if (tighter(state, account, currency, limit).is_set) return true;
  }
  return margin != nullptr && margin->has_day != 0 &&
         (most_loss(state, *margin).is_set || most_drawdown(state, *margin).is_set);
}

/// Whether a position could come to more on a side of zero than before.
bool opens(const MarginLeg& before, const MarginLeg& after, bool sell) {
  const i128 was = sell ? -before.least : before.most;
  return (sell ? -after.least : after.most) > std::max<i128>(was, 0);
}

/// Sums of the order at hand, as if it were not there.
template <class Ask>
auto without_order(const State& state, const Ask& ask) {
  MarginFinding& found = state.margin.finding;
  MarginLeg& own = state.margin.legs[found.own];
  std::swap(own, found.before);
  const auto answer = ask();
  std::swap(own, found.before);
  return answer;
}

MarginSums sums_without(const State& state, u32 account, u16 currency) {
  return without_order(state, [&] {
    const MarginFinding& found = state.margin.finding;
    return sum_legs(state, account, currency, found.count, found.own);
  });
}

i128 most_net(const MarginSums& sums) {
  return std::max(magnitude(sums.net_long), magnitude(sums.net_short));
}

bool judge_gross_and_net(const State& state, u32 account, u16 currency, const MarginSums& sums,
                         Refusal& why) {
  const u8 scale = state.currencies[currency].scale;
  const RiskLimit gross = tighter(state, account, currency, &RiskLimitTerms::gross);
  if (gross.is_set && sums.gross > gross.limit &&
      sums.gross > sums_without(state, account, currency).gross) {
    return why.no(Reason::exposure, gross.scope, scale, gross.limit, sums.gross);
  }
  const RiskLimit net = tighter(state, account, currency, &RiskLimitTerms::net);
  if (net.is_set && most_net(sums) > net.limit &&
      most_net(sums) > most_net(sums_without(state, account, currency))) {
    return why.no(Reason::exposure, net.scope, scale, net.limit, most_net(sums));
  }
  return true;
}

bool judge_share(const State& state, u32 account, u16 currency, const MarginSums& sums,
                 Refusal& why) {
  const RiskLimit share = tightest_share(state, account, currency);
  if (!share.is_set || sums.of_order * kPerMillion <= share.limit * sums.gross ||
      sums.of_order <= sums_without(state, account, currency).of_order) {
    return true;
  }
  return why.no(Reason::exposure, share.scope, state.currencies[currency].scale,
                share.limit * sums.gross / kPerMillion, sums.of_order);
}

/// What is open of clients' holds of a balance: what no order holds of it.
i128 held_by_clients(const State& state, u32 account, u16 currency) {
  const u32 row = state.accounts.find_balance(account, currency);
  if (row == kNone) return 0;
  i128 held = state.accounts.balance(row).held;
  for (u32 slot = state.accounts[account].first_order; slot != kNone;
       slot = state.orders.links(slot).next) {
    const OrderRecord& order = state.orders.record(slot);
    if (order.held_balance == row) held -= order.hold;
  }
  return held;
}

}  // namespace

bool has_margin(const State& state, u32 account, u16 currency) {
  const AccountMargin* const margin = state.margin.find(account, currency);
  if (margin != nullptr && (margin->profile != kNoMargin || margin->has_day != 0)) return true;
  for (const u32 whose : {kNone, account}) {
    const RiskLimitTerms* const terms = state.margin.limits_of(whose, currency);
    if (terms != nullptr && limits_orders(*terms)) return true;
  }
  return false;
}

MarginSums look_at(const State& state, u32 account, u16 currency) {
  MarginSums sums = sum_legs(state, account, currency, list_legs(state, account, currency));
  note_day_size(state, account, currency, sums);
  return sums;
}

bool judge_looked(const State& state, u16 currency, const MarginSums& sums, Refusal& why) {
  if (sums.stale) return why.no(Reason::stale_ref, Scope::account);
  return !sums.too_large || why.no(Reason::amount_overflow, Scope::account,
                                   state.currencies[currency].scale, kMaxI64, kMostTold);
}

bool judge_exposure(const State& state, const Instrument& instrument, const Beside& beside,
                    const Wish& wish, Refusal& why) {
  const u32 account = beside.position.account;
  const u16 currency = instrument.quote;
  MarginFinding& found = state.margin.finding;
  found.sequence = state.sequence;
  found.judged = is_judged(state, account, currency);
  if (!found.judged) return true;
  list_legs_with(state, instrument, beside, wish, found);
  found.judged = opens(found.before, state.margin.legs[found.own], wish.sell);
  if (!found.judged) return true;
  found.sums = sum_legs(state, account, currency, found.count, found.own);
  note_day_size(state, account, currency, found.sums);
  return judge_looked(state, currency, found.sums, why) &&
         judge_gross_and_net(state, account, currency, found.sums, why) &&
         judge_share(state, account, currency, found.sums, why);
}

bool judge_margin(const State& state, const Instrument& instrument, u32 account, Refusal& why) {
  const MarginFinding& found = state.margin.finding;
  QC_ASSERT(found.sequence == state.sequence);
  const u16 currency = instrument.quote;
  const AccountMargin* const margin = state.margin.find(account, currency);
  if (!found.judged || margin == nullptr) return true;
  const MarginSums& sums = found.sums;
  const u8 scale = state.currencies[currency].scale;
  if (margin->profile != kNoMargin && sums.initial > sums.equity &&
      sums.initial > sums_without(state, account, currency).initial) {
    return why.no(Reason::no_funds, Scope::account, scale, sums.equity, sums.initial);
  }
  if (margin->has_day == 0) return true;
  const i128 result = result_of(*margin, sums);
  const RiskLimit loss = most_loss(state, *margin);
  if (loss.is_set && result <= -loss.limit) {
    return why.no(Reason::loss_limit, loss.scope, scale, -loss.limit, result);
  }
  const RiskLimit drawdown = most_drawdown(state, *margin);
  const i128 fall = fall_of(*margin, result);
  return !drawdown.is_set || fall < drawdown.limit ||
         why.no(Reason::drawdown, drawdown.scope, scale, drawdown.limit, fall);
}

bool judge_greeks(const State& state, const Instrument& instrument, u32 account, Refusal& why) {
  const MarginFinding& found = state.margin.finding;
  if (!found.judged) return true;
  const u16 currency = instrument.quote;
  static constexpr std::pair<i64 RiskLimitTerms::*, i64 GreekTerms::*> kLimits[] = {
      {&RiskLimitTerms::delta, &GreekTerms::delta},
      {&RiskLimitTerms::gamma, &GreekTerms::gamma},
      {&RiskLimitTerms::vega, &GreekTerms::vega}};
  for (const auto& [limit, greek] : kLimits) {
    const RiskLimit most = tighter(state, account, currency, limit);
    if (!most.is_set) continue;
    const auto sum = [&, greek = greek] { return sum_greek(state, currency, found.count, greek); };
    const i128 with = sum();
    if (with > most.limit && with > without_order(state, sum)) {
      return why.no(Reason::greeks, most.scope, state.currencies[currency].scale, most.limit, with);
    }
  }
  return true;
}

bool judge_free(const State& state, u32 account, u16 currency, i64 amount, Refusal& why) {
  const AccountMargin* const margin = state.margin.find(account, currency);
  if (margin == nullptr || margin->profile == kNoMargin) return true;
  const MarginSums sums = look_at(state, account, currency);
  return judge_looked(state, currency, sums, why) &&
         judge_enough(state, currency,
                      sums.equity - sums.initial - held_by_clients(state, account, currency),
                      amount, why);
}

void note_day_size(const State& state, u32 account, u16 currency, MarginSums& sums) {
  const AccountMargin* const margin = state.margin.find(account, currency);
  if (margin == nullptr || margin->has_day == 0) return;
  for (const i128 sum : {margin->deposits, result_of(*margin, sums)}) {
    sums.too_large = sums.too_large || !fits_i64(sum);
  }
}

u8 day_flags(const State& state, const AccountMargin& day, i128 result) {
  const RiskLimit loss = most_loss(state, day);
  const RiskLimit drawdown = most_drawdown(state, day);
  const bool lost = loss.is_set && result <= -loss.limit;
  const bool fell = drawdown.is_set && fall_of(day, result) >= drawdown.limit;
  return static_cast<u8>((lost ? kMarginLoss : 0) | (fell ? kMarginDrawdown : 0));
}

}  // namespace quantumcore
