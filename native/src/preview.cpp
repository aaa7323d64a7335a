#include "quantumcore/preview.hpp"

#include <algorithm>

#include "quantumcore/commands.hpp"
#include "quantumcore/engine.hpp"
#include "quantumcore/phases.hpp"
#include "quantumcore/submission.hpp"

namespace quantumcore {

namespace {

/// As long as it lives the state is as the next command would find it.
class AsOfNext {
 public:
  AsOfNext(State& state, i64 time_ns)
      : state_(state), sequence_(state.sequence), time_ns_(state.time_ns) {
    ++state.sequence;
    state.time_ns = std::max(state.time_ns, time_ns);
  }
  ~AsOfNext() {
    state_.sequence = sequence_;
    state_.time_ns = time_ns_;
  }
  AsOfNext(const AsOfNext&) = delete;
  AsOfNext& operator=(const AsOfNext&) = delete;

 private:
  State& state_;
  const u64 sequence_;
  const i64 time_ns_;
};

/// An order that has been judged, as a walk needs it.
struct Taker {
  const Judged& judged;
  const Instrument& instrument;
  u8 mode;  // of self-trade prevention
  bool fill_or_kill;
  i64 minimum;  // lots at a time; 0: it has none
  Purse purse;  // of a budget

  bool has_budget() const { return judged.is(kOrderBudget); }
  i64 lots() const { return judged.wish.lots; }
  /// What it could pay for of `lots`; all without a budget.
  i64 wanted(const OrderSums& sums, i64 price, i64 lots) const {
    if (!has_budget() || pays_for(purse, sums, price, lots)) return lots;
    return most_within(purse, sums, price, lots);
  }
};

Taker taker_of(const SubmitOrder& c, const Judged& j) {
  const u8 mode =
      c.self_trade_prevention == kStpDefault ? u8{kStpCancelNewest} : c.self_trade_prevention;
  i64 minimum = 0;
  i64 budget = 0;
  if (j.is(kOrderMinimum)) {
    const Extra& extra = j.beyond.extra;
    minimum = (extra.flags & kAllOrNone) != 0 ? j.wish.lots : extra.terms.min_quantity;
  }
  if (j.is(kOrderBudget)) budget = j.beyond.extra.terms.budget;
  return {j,       *j.instrument,
          mode,    c.time_in_force == kFillOrKill,
          minimum, Purse{budget, j.rates.taker, j.rates.minimum_fee, j.instrument->unit}};
}

/// From offer to offer as matching goes, without a trade.
class TakerWalk {
 public:
  std::vector<std::pair<i64, i64>> trades;  // (ticks, lots) by price
  i64 left;                                 // of the taker
  OrderSums sums{};
  bool prevented = false;  // self-trade prevention would end it
  bool spent = false;      // its budget would not buy one lot more
  bool banded = false;     // it would stop at the band
  bool cut = false;        // it ended at its limits

  /// `certain_only`: as fill-or-kill and minimums are judged, so an own order ends it.
  TakerWalk(const State& state, const Taker& taker, bool certain_only)
      : left(taker.lots()),
        state_(state),
        taker_(taker),
        certain_only_(certain_only),
        shares_(!certain_only && !taker.fill_or_kill && (taker.instrument.rare & kRareShared) != 0),
        banded_((taker.instrument.rare & kRareBands) != 0),
        revocable_((taker.instrument.rare & (kRareLinked | kRareReducing)) != 0) {
    if (revocable_) ++state.walks;
  }

  void run() {
    const bool makers_sell = !taker_.judged.wish.sell;
    const i64 limit = key_of(makers_sell, taker_.judged.wish.price);
    const Ladder& shown = taker_.instrument.book.side(makers_sell);
    const Ladder& dark = state_.rare_of(taker_.instrument).dark[makers_sell ? 1 : 0];
    u32 lit = shown.best_level();
    u32 unlit = dark.best_level();
    while (lit != kNone || unlit != kNone) {
      const i64 lit_key = lit == kNone ? kMaxI64 : state_.pages.key_of_level(lit);
      const i64 unlit_key = unlit == kNone ? kMaxI64 : state_.pages.key_of_level(unlit);
      const bool lit_first = lit != kNone && (unlit == kNone || lit_key <= unlit_key);
      const i64 key = lit_first ? lit_key : unlit_key;
      if (key > limit) return;
      price_ = ticks_of(makers_sell, key);
      if (lit_first ? !shown_level(state_.pages.level(lit))
                    : !dark_level(state_.pages.level(unlit))) {
        return;
      }
      if (lit_first) {
        lit = shown.after(state_.pages, lit);
      } else {
        unlit = passed_ == kMostPassed ? kNone : dark.after(state_.pages, unlit);
      }
    }
  }

 private:
  bool is_own(const OrderNode& maker) const {
    return taker_.mode != kStpNone && state_.same_party(maker.account, taker_.judged.account);
  }
  bool allowed() const {
    return !banded_ || band_allows(state_, taker_.instrument, price_, state_.sequence);
  }
  /// What it wants here of what is left; nobody needs to know how much more than `enough`.
  i64 wanted(i64 enough) const {
    return taker_.wanted(sums, price_, left > enough ? enough + 1 : left);
  }

  /// Each level walk returns whether the walk goes on.
  bool shown_level(const Level& level) {
    if (!shown_in_turn(level)) return false;
    for (u32 slot = level.head; slot != kNone; slot = state_.orders.node(slot).next) {
      if ((state_.orders.node(slot).flags & kOrderIceberg) == 0) continue;
      const i64 reserve = state_.extra_of(slot).reserve;
      if (reserve > 0 && !offer(slot, reserve, true)) return false;
    }
    return true;
  }

  /// What a level shows, until what is wanted is less than others offer, where that is shared out
  /// among them.
  bool shown_in_turn(const Level& level) {
    i128 others = shares_ ? offered_by_others(level) : 0;
    if (cut) return false;
    for (u32 slot = level.head; slot != kNone; slot = state_.orders.node(slot).next) {
      const OrderNode& maker = state_.orders.node(slot);
      const i64 lots = others > 0 ? wanted(static_cast<i64>(std::min<i128>(others, kMaxI64))) : 0;
      if (lots > 0 && lots < others) {
        banded = !allowed();
        if (!banded) take(lots);
        return false;
      }
      if (!offer(slot, maker.leaves, false)) return false;
      if (!is_own(maker)) others -= maker.leaves;
    }
    return true;
  }

  bool dark_level(const Level& level) {
    for (u32 slot = level.head; slot != kNone && passed_ != kMostPassed;
         slot = state_.orders.node(slot).next) {
      if (!offer(slot, state_.orders.node(slot).leaves, false)) return false;
    }
    return true;
  }

  /// What is shown at a level by those with whom the taker may trade.
  i128 offered_by_others(const Level& level) {
    i128 lots = 0;
    for (u32 slot = level.head; slot != kNone; slot = state_.orders.node(slot).next) {
      if (++met_ > kPreviewOffers) {
        cut = true;
        break;
      }
      const OrderNode& maker = state_.orders.node(slot);
      if (!is_own(maker)) lots += maker.leaves;
    }
    return lots;
  }

  bool offer(u32 maker, i64 lots, bool again) {
    if (met_ >= kPreviewOffers) {
      cut = true;
      return false;
    }
    ++met_;
    const OrderNode& resting = state_.orders.node(maker);
    const i64 want = wanted(std::max(lots, resting.leaves));
    const bool may_trade = allowed();
    if (want == 0 || (certain_only_ && !may_trade)) {
      spent = want == 0;
      return false;
    }
    if ((resting.flags & kOrderMinimum) != 0 &&
        std::min(want, resting.leaves) < minimum_of(state_, maker)) {
      ++passed_;
      return true;
    }
    if (!may_trade) {
      banded = true;
      return false;
    }
    if (is_own(resting)) return goes_on_after_own(maker, again);
    if (revocable_ && !is_certain(state_, maker)) return true;
    if (!take(std::min(want, lots))) return false;
    if (lots < want) return true;
    spent = left > 0;  // all that it can pay for: prices only get worse
    return false;
  }

  /// Two orders of one party meet: what the taker's mode does, to the taker. `again`: the resting
  /// one is gone already.
  bool goes_on_after_own(u32 maker, bool again) {
    if (taker_.mode == kStpCancelOldest || again) return true;
    if (certain_only_) return false;
    const i64 lots = leaves_of(state_, maker);
    if (taker_.mode == kStpDecrement && lots < left) {
      left -= lots;
      return true;
    }
    prevented = true;
    return false;
  }

  /// Counts a trade; whether there was room to tell it.
  bool take(i64 lots) {
    if (!trades.empty() && trades.back().first == price_) {
      trades.back().second += lots;
    } else if (trades.size() == kPreviewLevels && !certain_only_) {
      cut = true;
      return false;
    } else {
      trades.emplace_back(price_, lots);
    }
    left -= lots;
    add_fill(sums, taker_.purse.rate, price_, lots);
    return true;
  }

  const State& state_;
  const Taker& taker_;
  const bool certain_only_;
  const bool shares_;
  const bool banded_;
  const bool revocable_;
  i64 price_ = 0;
  u32 met_ = 0;
  u32 passed_ = 0;
};

Course ends(CancelReason reason) {
  Course course;
  course.cancelled = static_cast<u16>(reason);
  return course;
}

Course stays(i64 lots) {
  Course course;
  course.left = lots;
  return course;
}

/// Whether an order that wants all, or a part, at once would trade nothing, as `course` says.
bool trades_nothing(const State& state, const Taker& taker, Course& course) {
  if (!taker.fill_or_kill && taker.minimum == 0) return false;
  TakerWalk walk(state, taker, true);
  walk.run();
  if (walk.cut) return false;
  const i64 lots = taker.lots() - walk.left;
  if (taker.fill_or_kill && walk.left > 0 && !(walk.spent && lots > 0)) {
    course = ends(CancelReason::fill_or_kill);
    return true;
  }
  if (lots >= taker.minimum) return false;
  course = taker.judged.rests ? stays(taker.lots()) : ends(CancelReason::minimum_not_met);
  return true;
}

/// How an order that was accepted, and is nowhere yet, would take and rest.
Course course_of(const State& state, const SubmitOrder& c, const Judged& j) {
  const Taker taker = taker_of(c, j);
  Course course;
  if (trades_nothing(state, taker, course)) return course;
  TakerWalk walk(state, taker, false);
  walk.run();
  course.complete = !walk.cut;
  if (walk.prevented) {
    course.cancelled = static_cast<u16>(CancelReason::self_trade_prevention);
  } else if (j.rests) {
    course.left = walk.left;
  } else if (walk.left > 0 && !walk.cut) {
    course.cancelled =
        static_cast<u16>(walk.banded ? CancelReason::band : CancelReason::immediate_or_cancel);
  }
  if (state.accounting() && !walk.trades.empty()) {
    const Unit& unit = taker.instrument.unit;
    const Quotient worth = units(walk.sums.notional, unit);
    course.amount = static_cast<i64>(j.wish.sell ? worth.floor : worth.ceil());
    course.fee = static_cast<i64>(worst_fee(j.rates, walk.sums, 0, unit));
  }
  course.trades = std::move(walk.trades);
  return course;
}

/// `named`: it has a client id.
void judge_submission(State& state, const SubmitOrder& c, const OrderTerms* terms, bool named,
                      Preview& preview) {
  Judged j;
  j.instrument = state.find_instrument(c.header.instrument);
  if (j.instrument == nullptr) {
    preview.why.no(Reason::unknown_symbol, Scope::instrument);
    return;
  }
  j.account = state.accounts.find(c.header.account);
  if (j.account == kNone) {
    preview.why.no(Reason::unknown_account, Scope::account);
    return;
  }
  if (state.accounting() && named) {
    const u32 entry =
        state.client_ids.find_tagged(id_tag(j.account, c.client_id), j.account, c.client_id);
    if (entry != kNone) {
      const Submission& first = state.client_ids[entry];
      preview.first_sequence = first.sequence;
      preview.first_slot = first.slot;
      if (!state.client_ids.same_body(entry, c, terms)) {
        preview.why.no(Reason::duplicate_id, Scope::none);
      }
      return;
    }
  }
  if (!judge_seated(state, c, terms, Seat{}, j, preview.why)) return;
  preview.why.reason = Reason::none;
  const u8 status = j.instrument->terms.status;
  preview.price = j.wish.price;
  preview.quantity = j.wish.lots;
  if (state.accounting()) {
    preview.hold = j.wish.hold;
    preview.hold_currency = held_currency(*j.instrument, j.wish.sell);
  }
  preview.waits = c.type == kPegged || is_triggered(c.type) || waits_in(status, c.time_in_force);
  const bool takes = !preview.waits && status == kContinuous && !j.wish.post_only;
  preview.course = takes ? course_of(state, c, j) : stays(j.wish.lots);
}

}  // namespace

Preview Engine::preview(std::span<const std::byte> command, std::int64_t time_ns) {
  demand_whole();
  SubmitAdvancedOrder c{};
  CommandHeader& header = c.order.header;
  const bool alone = count_commands(command) == 1;
  if (alone) std::memcpy(&c, command.data(), std::min(command.size(), sizeof c));
  const bool advanced = header.kind == static_cast<u8>(CommandKind::submit_advanced_order);
  if (!alone || (!advanced && header.kind != static_cast<u8>(CommandKind::submit_order))) {
    throw InvalidCommand("only a single submission has a preview");
  }
  const bool named = !is_zero_id(c.order.client_id);
  if (!named) c.order.client_id[0] = '-';
  Preview preview;
  preview.why.no(Reason::none, Scope::none);
  if (command.size() != (advanced ? sizeof c : sizeof c.order) || !content_is_good(c.order) ||
      !terms_are_good(c.terms)) {
    preview.why.no(Reason::bad_command, Scope::none);
    return preview;
  }
  const AsOfNext next(*state_, time_ns);
  judge_submission(*state_, c.order, is_empty(c.terms) ? nullptr : &c.terms, named, preview);
  return preview;
}

}  // namespace quantumcore
