#include <algorithm>

#include "quantumcore/act.hpp"
#include "quantumcore/exposure.hpp"
#include "quantumcore/margin_checks.hpp"

/// Which limits an account has, and whether an order may add to what works
/// (docs/reference/engine.md section 14).
namespace quantumcore {

// ---- limits -------------------------------------------------------------------------------------

namespace {

/// The tightest of what records say: `limit_in(key)` is negative where one says nothing.
template <class LimitIn>
Tightest least(const State& state, const Position& position, u32 whose, Tightest found,
               u16 currency, const LimitIn& limit_in) {
  const Account& owner = state.accounts[position.account];
  const u32 account = position.account;
  const u32 instrument = position.instrument;
  const LimitKey keys[] = {{Scope::venue, kNone, kNone, 0, currency},
                           {Scope::firm, kNone, kNone, owner.firm, currency},
                           {Scope::group, kNone, kNone, owner.group, currency},
                           {Scope::account, account, kNone, 0, currency},
                           {Scope::instrument, kNone, instrument, 0, currency},
                           {Scope::account, account, instrument, 0, currency}};
  for (u32 i = 0; i < std::size(keys); ++i) {
    if ((whose >> i & 1) == 0) continue;
    const i64 limit = limit_in(keys[i]);
    if (limit >= 0 && (!found.is_set() || limit < found.limit)) found = {limit, keys[i].scope};
  }
  return found;
}

}  // namespace

Tightest least_quantity(const State& state, const Position& position, u32 whose,
                        i64 QuantityLimits::* limit, Tightest first) {
  return least(state, position, whose, first, 0, [&](const LimitKey& key) {
    const QuantityRecord* const record = state.quantity_limits.find(key);
    return record == nullptr ? -1 : record->limits.*limit;
  });
}

Tightest least_money(const State& state, const Position& position, u32 whose,
                     i64 MoneyLimits::* limit, Tightest first) {
  const u16 quote = state.instruments[position.instrument].terms.quote;
  return least(state, position, whose, first, quote, [&](const LimitKey& key) {
    const MoneyRecord* const record = state.money_limits.find(key);
    return record == nullptr ? -1 : record->limits.*limit;
  });
}

namespace {

/// What a share is one of.
struct ShareOf {
  u32 MarketShares::* share;
  i64 MarketSize::* size;
};
constexpr ShareOf kSharesOf[] = {{&MarketShares::interest, &MarketSize::open_interest},
                                 {&MarketShares::volume, &MarketSize::daily_volume}};
constexpr u64 kShareParts = 1'000'000;

/// How many lots the position may come to by a share of its market.
Tightest least_share(const State& state, const Position& position, u32 whose, const ShareOf& of) {
  const i64 size = state.rare_books[position.instrument].size.*(of.size);
  if (size == 0) return {-1, Scope::none};
  return least(state, position, whose, {-1, Scope::none}, 0, [&](const LimitKey& key) -> i64 {
    const ShareRecord* const record = state.share_limits.find(key);
    if (record == nullptr || record->limits.*(of.share) == 0) return -1;
    return static_cast<i64>(static_cast<u128>(size) * (record->limits.*(of.share)) / kShareParts);
  });
}

i64 or_any(const Tightest& most) { return most.is_set() ? most.limit : kMaxI64; }

/// Finds the tightest limits of an account in an instrument.
void refresh(const State& state, Position& p) {
  const Instrument& instrument = state.instruments[p.instrument];
  const InstrumentTerms& terms = instrument.terms;
  p.order_lots = or_any(least_quantity(state, p, kOfAll, &QuantityLimits::max_order_lots,
                                       {terms.max_quantity, Scope::instrument}));
  p.order_notional = or_any(least_money(state, p, kOfAll, &MoneyLimits::max_order_notional,
                                        {terms.max_notional, Scope::instrument}));
  p.most[0] = or_any(least_quantity(state, p, kOfEach, &QuantityLimits::max_long));
  p.most[1] = or_any(least_quantity(state, p, kOfEach, &QuantityLimits::max_short));
  p.most_open = static_cast<u32>(std::min<i64>(
      or_any(least_quantity(state, p, kOfEach, &QuantityLimits::max_open_each)), kNone));
  p.beyond = 0;
  for (i64 QuantityLimits::* const limit :
       {&QuantityLimits::max_long, &QuantityLimits::max_short, &QuantityLimits::max_open_each}) {
    if (least_quantity(state, p, kOfGroup, limit).is_set()) p.beyond |= kBeyondGroup;
  }
  if (least_money(state, p, kOfAll, &MoneyLimits::max_open_notional).is_set()) {
    p.beyond |= kBeyondWorth;
  }
  if (least_money(state, p, kOfFirm, &MoneyLimits::credit).is_set()) p.beyond |= kBeyondCredit;
  for (const ShareOf& of : kSharesOf) {
    if (least_share(state, p, kOfEach | kOfGroup, of).is_set()) p.beyond |= kBeyondShare;
  }
  if (has_margin(state, p.account, instrument.quote)) p.beyond |= kBeyondMargin;
  p.version = state.limits_version;
}

}  // namespace

const Position& refresh_position(State& state, u32 account, u32 instrument, u32 row) {
  if (row != kNone) {
    refresh(state, state.positions[row]);
    return state.positions[row];
  }
  Position& stranger = state.stranger;
  stranger = Position{};
  stranger.account = account;
  stranger.instrument = instrument;
  stranger.group = stranger.base_balance = stranger.quote_balance = kNone;
  refresh(state, stranger);
  return stranger;
}

// ---- judgement ----------------------------------------------------------------------------------

namespace {

/// Numbers told to the outside end at 2^126.
constexpr i128 kMostTold = static_cast<i128>(kHuge);
i128 told(i128 value) { return std::min(value, kMostTold); }

}  // namespace

bool judge_order_lots_exactly(const State& state, const Instrument& instrument,
                              const Position& position, i64 lots, Refusal& why) {
  const Tightest most = least_quantity(state, position, kOfAll, &QuantityLimits::max_order_lots,
                                       {instrument.terms.max_quantity, Scope::instrument});
  if (most.admits(lots)) return true;
  const Grid grid = instrument.lot_grid();
  return why.no(Reason::max_qty, most.scope, grid.scale, on_grid(most.limit, grid),
                on_grid(lots, grid));
}

namespace {

/// How many lots of `wish` bring the position nearer to zero, beyond what works on its side.
i64 closes(const Beside& beside, const State& state, const Wish& wish) {
  const Position& p = beside.position;
  i128 spoken_for = p.working(wish.sell);
  if (beside.replaced != kNone) {
    spoken_for -= counted_with(state, beside.replaced, leaves_of(state, beside.replaced));
  }
  if (beside.seat != nullptr) spoken_for += lots_before(*beside.seat, *beside.judged);
  const i128 room = (wish.sell ? p.lots : -p.lots) - spoken_for;
  return static_cast<i64>(std::clamp<i128>(room, 0, wish.lots));
}

/// What works, without an order and with it.
struct Sum {
  i128 before;
  i128 after;

  bool grows() const { return after > before; }
};

/// The worst case of the side of `wish`, `worst` without it.
Sum worst_with(const State& state, const Beside& beside, const Wish& wish, i128 worst) {
  if (beside.replaced == kNone) {
    const i128 more =
        beside.seat == nullptr ? wish.lots : lots_with_those_before(*beside.seat, *beside.judged);
    return {worst, worst + more};
  }
  return {worst, worst + lots_added(state, beside, wish)};
}

/// Gross notional; `lots` of the order count. Only what is in its instrument, or all in its
/// currency.
Sum worth_with(const State& state, const Instrument& instrument, const Beside& beside,
               const Wish& wish, i64 lots, bool here, i128 working) {
  const u128 product = ticks_times_lots(wish.price, lots);
  if (beside.replaced == kNone) {
    const i64 own = worth_beyond(instrument, 0, product);
    const i128 more = beside.seat == nullptr
                          ? own
                          : worth_with_those_before(*beside.seat, *beside.judged, here, own);
    return {working, working + more};
  }
  const u32 slot = beside.replaced;
  const u32 other = pair_of(state, slot);
  const i64 others = other == kNone ? 0 : state.order_worth[other];
  const i64 own = worth_beyond(instrument, state.orders.sums(slot).notional, product);
  return {working, working - std::max(state.order_worth[slot], others) + std::max(own, others)};
}

bool judge_count(const Tightest& most, i128 working, Refusal& why) {
  if (most.admits(working + 1)) return true;
  return why.no(Reason::max_open, most.scope, 0, most.limit, working + 1);
}

bool judge_counts(const State& state, const Beside& beside, Refusal& why) {
  const Position& p = beside.position;
  const u32 before = beside.seat == nullptr ? 0 : open_before(*beside.seat, *beside.judged);
  const Tightest each = least_quantity(state, p, kOfEach, &QuantityLimits::max_open_each);
  if (!judge_count(each, static_cast<i128>(p.open_orders) + before, why)) return false;
  const Tightest most = least_quantity(state, p, kOfGroup, &QuantityLimits::max_open_each);
  if (!most.is_set()) return true;
  const u32 row = state.group_positions.find(state.accounts[p.account].group, p.instrument);
  const u32 open = row == kNone ? 0 : state.group_positions[row].open_orders;
  return judge_count(most, static_cast<i128>(open) + before, why);
}

bool judge_worth_of_working(const State& state, const Instrument& instrument, const Beside& beside,
                            const Wish& wish, Refusal& why) {
  const Position& p = beside.position;
  const auto fits = [&](const Tightest& most, bool here, i128 working) {
    const Sum sum = worth_with(state, instrument, beside, wish, wish.lots, here, working);
    if (!sum.grows() || most.admits(sum.after)) return true;
    return why.no(Reason::max_open, most.scope, state.quote_of(instrument).scale, most.limit,
                  told(sum.after));
  };
  const bool is_new = &p == &state.stranger;
  const auto most = [&](u32 whose) {
    return least_money(state, p, whose, &MoneyLimits::max_open_notional);
  };
  const Tightest of_account = most(kOfVenue | kOfAccount);
  if (of_account.is_set()) {
    const u32 row = state.accounts.find_balance(p.account, instrument.quote);
    if (!fits(of_account, false, row == kNone ? 0 : state.balance_worth[row])) return false;
  }
  const Tightest of_place = most(kOfInstrument | kOfPlace);
  if (of_place.is_set()) {
    const i128 working =
        is_new ? 0 : state.position_worth[static_cast<u32>(&p - &state.positions[0])];
    if (!fits(of_place, true, working)) return false;
  }
  const Tightest of_firm = most(kOfFirm);
  if (!of_firm.is_set()) return true;
  const u32 firm = state.accounts[p.account].firm;
  const MoneyRecord* const record =
      state.money_limits.find({Scope::firm, kNone, kNone, firm, instrument.terms.quote});
  return fits(of_firm, false, record->working);
}

bool judge_worst(const Instrument& instrument, const Tightest& most, const Sum& sum, Reason reason,
                 Refusal& why) {
  if (!sum.grows() || most.admits(sum.after)) return true;
  const Grid grid = instrument.lot_grid();
  return why.no(reason, most.scope, grid.scale, told_lots(most.limit, grid),
                told_lots(sum.after, grid));
}

/// The worst case of the account, then that of its group, by what `least_of(whose)` lets them.
template <class LeastOf>
bool judge_worsts(const State& state, const Instrument& instrument, const Beside& beside,
                  const Wish& wish, Reason reason, const LeastOf& least_of, Refusal& why) {
  const Position& p = beside.position;
  const u32 side = wish.sell ? 1 : 0;
  if (!judge_worst(instrument, least_of(kOfEach), worst_with(state, beside, wish, p.worst[side]),
                   reason, why)) {
    return false;
  }
  const Tightest most = least_of(kOfGroup);
  if (!most.is_set()) return true;
  const u32 row = state.group_positions.find(state.accounts[p.account].group, p.instrument);
  static constexpr GroupPosition kNobody{};
  const GroupPosition& group = row == kNone ? kNobody : state.group_positions[row];
  return judge_worst(instrument, most, worst_with(state, beside, wish, group.worst[side]), reason,
                     why);
}

bool judge_shares(const State& state, const Instrument& instrument, const Beside& beside,
                  const Wish& wish, Refusal& why) {
  for (const ShareOf& of : kSharesOf) {
    const auto least_of = [&](u32 whose) { return least_share(state, beside.position, whose, of); };
    if (!judge_worsts(state, instrument, beside, wish, Reason::exposure, least_of, why)) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool closes_whole(const State& state, const Beside& beside, const Wish& wish) {
  const i128 lots = beside.position.lots;
  return magnitude(lots) == wish.lots && closes(beside, state, wish) == wish.lots;
}

bool judge_working_exactly(const State& state, const Instrument& instrument, const Beside& beside,
                           const Wish& wish, Refusal& why) {
  const Position& p = beside.position;
  if (beside.replaced == kNone && !judge_counts(state, beside, why)) return false;
  if ((p.beyond & kBeyondWorth) != 0 &&
      !judge_worth_of_working(state, instrument, beside, wish, why)) {
    return false;
  }
  i64 QuantityLimits::* const limit =
      wish.sell ? &QuantityLimits::max_short : &QuantityLimits::max_long;
  const auto least_of = [&](u32 whose) { return least_quantity(state, p, whose, limit); };
  if (!judge_worsts(state, instrument, beside, wish, Reason::pos_limit, least_of, why) ||
      ((p.beyond & kBeyondShare) != 0 && !judge_shares(state, instrument, beside, wish, why))) {
    return false;
  }
  return (p.beyond & kBeyondMargin) == 0 || judge_exposure(state, instrument, beside, wish, why);
}

namespace {

/// CREDIT alone.
bool judge_line(const State& state, const Instrument& instrument, const Beside& beside,
                const Wish& wish, Refusal& why) {
  const Tightest most = least_money(state, beside.position, kOfFirm, &MoneyLimits::credit);
  const u32 firm = state.accounts[beside.position.account].firm;
  const MoneyRecord* const record =
      state.money_limits.find({Scope::firm, kNone, kNone, firm, instrument.terms.quote});
  if (record == nullptr || !most.is_set()) return true;
  const auto with = [&](i64 lots) {
    return worth_with(state, instrument, beside, wish, lots, false, record->working);
  };
  const i64 opens = wish.lots - closes(beside, state, wish);
  if (opens == 0 || !with(wish.lots).grows()) return true;
  const i128 drawn = with(opens).after + record->filled;
  return most.admits(drawn) || why.no(Reason::credit, most.scope, state.quote_of(instrument).scale,
                                      most.limit, told(drawn));
}

}  // namespace

bool judge_credit_exactly(const State& state, const Instrument& instrument, const Beside& beside,
                          const Wish& wish, Refusal& why) {
  const Position& p = beside.position;
  const bool margined = (p.beyond & kBeyondMargin) != 0;
  return (!margined || judge_margin(state, instrument, p.account, why)) &&
         ((p.beyond & kBeyondCredit) == 0 || judge_line(state, instrument, beside, wish, why)) &&
         (!margined || judge_greeks(state, instrument, p.account, why));
}

}  // namespace quantumcore
