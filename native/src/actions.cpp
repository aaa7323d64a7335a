#include "quantumcore/actions.hpp"

#include <algorithm>

#include "quantumcore/holds.hpp"

/// Corporate actions, expiry, exercise and funding: one command that acts on all who hold, whole or
/// not at all. All are gone through twice, by number: to judge, and to give.
namespace quantumcore {

namespace {

/// What one balance gains.
struct Gain {
  u16 currency;  // slot
  i128 own;
  i128 aside;
};

/// The money, the base, and the target's base, which is nothing where there is no target.
struct Gains {
  Gain each[3];
  u32 count;
};

Gains gains_of(const ActionMeaning& m, const Share& s) {
  return {{{m.instrument.quote, s.money, 0},
           {m.instrument.base, s.asset, s.collateral},
           {m.got.base, s.target_asset, s.target_collateral}},
          m.moves_target() ? 3U : 2U};
}

/// How much further below its limit than ever a change would leave a balance: an action asks nobody
/// whether he can.
i128 deepened(const State& state, u32 row, i128 change) {
  if (change >= 0) return 0;
  i128 spare = 0;
  i128 overdrawn = 0;
  if (row != kNone) {
    const Balance& balance = state.accounts.balance(row);
    spare = state.accounts.spare_of(balance);
    if (balance.credit != 0) overdrawn = state.accounts.credit(balance.credit - 1).overdrawn;
  }
  return std::max<i128>(0, -(spare + change) - overdrawn);
}

/// What an action does to the house, before any of it is done; by the place of a Gain.
struct Draft {
  u32 count = 0;
  i128 counted = 0;
  i128 owed[3] = {};
  i128 deeper[3] = {};
  u64 balances = 0;  // that come into being
  u64 rows = 0;      // positions likewise

  void add(const State& state, const ActionMeaning& m, u32 account, const Share& s) {
    ++count;
    counted += s.counted;
    const Gains gains = gains_of(m, s);
    for (u32 i = 0; i < gains.count; ++i) {
      const Gain& gain = gains.each[i];
      const u32 row = state.accounts.find_balance(account, gain.currency);
      owed[i] += gain.own + gain.aside;
      deeper[i] += deepened(state, row, gain.own);
      if (gain.own != 0 && row == kNone) ++balances;
      const u16 kept = static_cast<u16>(gain.currency | kCollateral);
      if (gain.aside != 0 && state.accounts.find_balance(account, kept) == kNone) ++balances;
    }
    const auto missing = [&](const Instrument& instrument, i128 lots) {
      return lots != 0 && state.positions.find(account, state.slot_of(instrument)) == kNone;
    };
    if (missing(m.instrument, s.quantity - s.before)) ++rows;
    if (m.moves_target() && missing(m.got, s.target_quantity - s.target_before)) ++rows;
  }
  i128 given(const ActionMeaning& m) const { return m.worth.ceil(counted); }
};

u8 place_of(const ActionMeaning& m) { return m.kind() == kBorrowFee ? kInterest : kClearing; }

bool judge_can_give(const State& state, u32 account, u16 currency, i128 amount, Refusal& why) {
  return amount <= 0 || judge_available(state, account, currency, amount, why);
}

/// What is exercised must be there and free; a credit is no option.
bool judge_holds(const State& state, const ActionMeaning& m, u32 account, Refusal& why) {
  const u32 row = state.accounts.find_balance(account, m.instrument.base);
  const i128 there = row == kNone ? i128{0}
                                  : static_cast<i128>(state.accounts.balance(row).total) -
                                        state.accounts.balance(row).held;
  const i128 amount = static_cast<i128>(m.terms().quantity) * m.instrument.asset_per_lot;
  return judge_enough(state, m.instrument.base, there, amount, why);
}

/// Whether what is sent is what was done under its id.
bool same_action(const Action& first, const ApplyAction& again) {
  return first.instrument == again.header.instrument && first.account == again.header.account &&
         std::memcmp(&first.terms, &again.terms, sizeof first.terms) == 0;
}

class Doing {
 public:
  Doing(State& state, const ActionMeaning& meaning)
      : state_(state), m_(meaning), in_order_(state.account_order.data()) {}

  bool judge(ActionFault& fault) {
    put_in_order();
    if (!m_.for_all() && !judge_exercise(fault)) return false;
    Share share;
    const Touched found =
        each_share(share, fault, [&](u32 account) { draft_.add(state_, m_, account, share); });
    return found != Touched::refused && judge_house(fault.why);
  }

  void apply(Teller& teller) {
    state_.actions.remember({m_.terms(), teller.sequence(), m_.command.header.instrument,
                             static_cast<u32>(m_.command.header.account)});
    if (m_.changes_base() && m_.for_all()) end_what_holds(teller);
    Share share;
    ActionFault none;
    each_share(share, none, [&](u32 account) { give(account, share, teller); });
    keep();
    tell_applied(teller);
  }

 private:
  void put_in_order() {
    const u32 count = state_.accounts.count();
    for (u32 slot = 0; slot < count; ++slot) in_order_[slot] = slot;
    std::sort(in_order_, in_order_ + count,
              [&](u32 a, u32 b) { return state_.accounts[a].id < state_.accounts[b].id; });
  }

  /// Visits the share of everybody who is touched; ends at one that does not fit.
  template <class Visit>
  Touched each_share(Share& share, ActionFault& fault, const Visit& visit) {
    Assignment drawn(m_.terms().seed, std::max<i64>(short_, 1), m_.terms().quantity);
    for (u32 i = 0; i < state_.accounts.count(); ++i) {
      const u32 account = in_order_[i];
      const Touched touched =
          measure_share(state_, m_, account, exercised_of(account, drawn), share, fault);
      if (touched == Touched::refused) return touched;
      if (touched == Touched::yes) visit(account);
    }
    return Touched::yes;
  }

  i64 exercised_of(u32 account, Assignment& drawn) const {
    if (m_.for_all()) return 0;
    if (state_.accounts[account].id == m_.command.header.account) return m_.terms().quantity;
    return -drawn.next(short_lots(state_, m_, account));
  }

  bool judge_exercise(ActionFault& fault) {
    Refusal& why = fault.why;
    const i64 lots = m_.terms().quantity;
    const u32 account = state_.accounts.find(m_.command.header.account);
    if (account == kNone) return why.no(Reason::unknown_account, Scope::account);
    if (!judge_debit(state_.accounts[account], why) || !judge_holds(state_, m_, account, why)) {
      return false;
    }
    i128 there = 0;
    for (u32 i = 0; i < state_.accounts.count(); ++i) there += short_lots(state_, m_, i);
    if (there < lots) {
      const Grid grid = m_.instrument.lot_grid();
      return why.no(Reason::insufficient, Scope::instrument, grid.scale, there * grid.step,
                    on_grid(lots, grid));
    }
    short_ = static_cast<i64>(there);
    Share share;
    return measure_share(state_, m_, account, lots, share, fault) == Touched::yes &&
           judge_can_give(state_, account, m_.instrument.quote, -share.money, why) &&
           judge_can_give(state_, account, m_.got.base, -share.target_asset, why);
  }

  bool judge_house(Refusal& why) const {
    const u16 quote = m_.instrument.quote;
    const u8 scale = state_.currencies[quote].scale;
    const i128 given = draft_.given(m_);
    if (given > kMaxI64 || given < -i128{kMaxI64}) {
      return why.no(Reason::amount_overflow, Scope::venue, scale, kMaxI64,
                    given < 0 ? -given : given);
    }
    const i128 there = state_.house_balance(quote, place_of(m_));
    if (given > 0 && given > there) {
      return why.no(Reason::insufficient, Scope::venue, scale, there, given);
    }
    const u16 currencies[3] = {quote, m_.instrument.base, m_.got.base};
    for (u32 i = 0; i < (m_.moves_target() ? 3U : 2U); ++i) {
      if (!judge_bound(state_, currencies[i], draft_.owed[i], draft_.deeper[i], why)) return false;
    }
    if (state_.actions.full() || draft_.balances > state_.accounts.balances_left() ||
        state_.positions.count() + draft_.rows > state_.config.max_balances) {
      return why.no(Reason::capacity, Scope::venue);
    }
    return true;
  }

  // ---- applying ----

  /// Orders of the instrument, then holds of its base.
  void end_what_holds(Teller& teller) {
    const u32 slot = state_.slot_of(m_.instrument);
    for (u32 i = 0; i < state_.accounts.count(); ++i) {
      cancel_each(state_, in_order_[i], CancelReason::adjusted, teller,
                  [&](u32 order) { return state_.orders.node(order).instrument == slot; });
    }
    end_holds_of(state_, m_.instrument.base, teller);
  }

  void give(u32 account, const Share& s, Teller& teller) {
    const Gains gains = gains_of(m_, s);
    for (u32 i = 0; i < gains.count; ++i) gain(account, gains.each[i]);
    const u32 row = move(account, m_.instrument, s.quantity - s.before);
    const u32 other =
        m_.moves_target() ? move(account, m_.got, s.target_quantity - s.target_before) : kNone;
    tell_adjusted(account, s, teller);
    if (row != kNone) trim(state_, row, teller);
    if (other != kNone) trim(state_, other, teller);
  }

  void gain(u32 account, const Gain& gain) {
    if (gain.own != 0) {
      const u32 row = state_.accounts.make_balance(account, gain.currency);
      const i64 deeper = static_cast<i64>(deepened(state_, row, gain.own));
      add(row, gain.own);
      if (deeper != 0) {
        state_.accounts.credit_of(row).overdrawn += deeper;
        state_.houses[gain.currency].floors += deeper;
      }
    }
    if (gain.aside != 0) {
      add(state_.accounts.make_balance(account, static_cast<u16>(gain.currency | kCollateral)),
          gain.aside);
    }
  }

  void add(u32 row, i128 change) {
    i64& total = state_.accounts.balance(row).total;
    const bool overflow = __builtin_add_overflow(total, static_cast<i64>(change), &total);
    QC_ASSERT(!overflow);
  }

  /// The row of a position that has changed, else kNone.
  u32 move(u32 account, const Instrument& instrument, i128 lots) {
    if (lots == 0) return kNone;
    const u32 slot = state_.slot_of(instrument);
    state_.rare_books[slot].adjusted += lots;
    return move_position(state_, account, slot, lots);
  }

  /// Moves what the house bears: the clearing gives, the rounding keeps, custody takes in.
  void keep() {
    const u16 quote = m_.instrument.quote;
    House& house = state_.houses[quote];
    house.moved[place_of(m_)] -= draft_.given(m_);
    house.moved[kRounding] += draft_.given(m_) - draft_.owed[0];
    state_.owe(quote, static_cast<i64>(draft_.owed[0]));
    take_in(m_.instrument.base, draft_.owed[1]);
    if (m_.moves_target()) take_in(m_.got.base, draft_.owed[2]);
  }

  /// What has come in is owed, as of a deposit: the bank's account says it with that.
  void take_in(u16 currency, i128 amount) {
    state_.currencies[currency].owed += static_cast<i64>(amount);
  }

  void tell_adjusted(u32 account, const Share& s, Teller& teller) {
    PositionAdjusted& event =
        teller.tell<PositionAdjusted>(m_.instrument.id, state_.accounts[account].id);
    event.before = static_cast<i64>(s.before);
    event.quantity = static_cast<i64>(s.quantity);
    event.target_before = static_cast<i64>(s.target_before);
    event.target_quantity = static_cast<i64>(s.target_quantity);
    event.asset = static_cast<i64>(s.asset);
    event.collateral = static_cast<i64>(s.collateral);
    event.target_asset = static_cast<i64>(s.target_asset);
    event.target_collateral = static_cast<i64>(s.target_collateral);
    event.money = static_cast<i64>(s.money);
    event.numerator = static_cast<i64>(m_.lots_num);
    event.denominator = static_cast<i64>(m_.lots_den);
    event.price = m_.terms().price;
    event.rate = m_.terms().rate;
    event.target = m_.terms().target;
    event.base = m_.instrument.terms.base;
    event.quote = m_.instrument.terms.quote;
    event.target_base = m_.moves_target() ? m_.got.terms.base : u16{0};
    event.action = m_.kind();
    event.right = m_.terms().right;
  }

  void tell_applied(Teller& teller) {
    ActionApplied& event = teller.tell<ActionApplied>(m_.instrument.id, m_.command.header.account);
    event.terms = m_.terms();
    event.count = draft_.count;
    event.quote = m_.instrument.terms.quote;
    event.clearing = static_cast<i64>(draft_.given(m_));
    event.rounding = static_cast<i64>(draft_.given(m_) - draft_.owed[0]);
    event.asset = static_cast<i64>(draft_.owed[1]);
    event.target_asset = static_cast<i64>(draft_.owed[2]);
  }

  State& state_;
  const ActionMeaning& m_;
  u32* const in_order_;  // slots of accounts, by their numbers
  Draft draft_;
  i64 short_ = 0;  // lots of all who can be assigned
};

}  // namespace

void apply_action(State& state, const ApplyAction& command, Teller& teller) {
  if (!state.accounting() || !action_is_good(command)) {
    tell_bad(teller, command.header);
    return;
  }
  const ActionTerms& terms = command.terms;
  ActionFault fault;
  const auto refused = [&] {
    tell_refused(teller, command.header, fault.why, {0, fault.account, terms.action_id});
  };
  const u32 first = state.actions.find(kNone, terms.action_id);
  if (first != kNone) {
    const Action& known = state.actions[first];
    tell_again(teller, command.header, same_action(known, command) ? Known::same : Known::differs,
               {known.sequence, 0, terms.action_id});
    return;
  }
  Instrument* const instrument = state.find_instrument(command.header.instrument);
  Instrument* const target = terms.target == 0 ? instrument : state.find_instrument(terms.target);
  if (instrument == nullptr || target == nullptr) {
    fault.why.no(Reason::unknown_symbol, Scope::instrument);
    refused();
    return;
  }
  ActionMeaning meaning{command, *instrument, *target, 1, 1, {0, 1}, 1};
  Doing doing(state, meaning);
  if (!judge_action(state, meaning, fault.why) || !doing.judge(fault)) {
    refused();
    return;
  }
  doing.apply(teller);
}

}  // namespace quantumcore
