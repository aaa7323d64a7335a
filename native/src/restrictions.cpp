#include "quantumcore/admission.hpp"
#include "quantumcore/triggers.hpp"

/// What nobody on a list may trade, and what a sale of more than one has needs
/// (docs/reference/engine.md section 15).
namespace quantumcore {

namespace {

bool is_listed(const State& state, Scope scope, u32 subject, u32 instrument) {
  const u32 row = state.guards.restrictions.find({subject, instrument, static_cast<u32>(scope)});
  return row != kNone && state.guards.restrictions[row].restricted != 0;
}

bool content_is_good(const SetRestriction& c) {
  const RestrictionTerms& t = c.terms;
  const bool of_account = t.scope == static_cast<u8>(Scope::account);
  const bool of_group = t.scope == static_cast<u8>(Scope::group);
  return c.header.reserved == 0 && t.reserved == 0 && t.restricted <= 1 &&
         (of_account || of_group || t.scope == static_cast<u8>(Scope::venue)) &&
         (c.header.account != 0) == of_account && (t.group != 0) == of_group;
}

/// RESTRICTED: more would be sold short than is located.
bool judge_locate(const State& state, u32 account, const Instrument& instrument, i128 short_of,
                  Refusal& why) {
  const i128 lots = (short_of + instrument.asset_per_lot - 1) / instrument.asset_per_lot;
  const u32 row = state.guards.locates.find({account, state.slot_of(instrument)});
  const i64 located = row == kNone ? 0 : state.guards.locates[row].lots;
  if (lots <= located) return true;
  const Grid grid = instrument.lot_grid();
  return why.no(Reason::restricted, Scope::account, grid.scale, on_grid(located, grid),
                lots * grid.step);
}

/// RESTRICTED: below the best bid.
bool judge_price_test(const Instrument& instrument, const ShortSale& sale, Refusal& why) {
  if ((sale.flags & kShortExempt) != 0 || sale.type == kPegged) return true;
  if (is_triggered(sale.type)) return why.no(Reason::restricted, Scope::instrument);
  if (!instrument.book.stands(false) || sale.price >= instrument.book.best(false)) return true;
  const Grid grid = instrument.price_grid();
  return why.no(Reason::restricted, Scope::instrument, grid.scale,
                on_grid(instrument.book.best(false), grid), on_grid(sale.price, grid));
}

}  // namespace

bool judge_restriction(const State& state, const Sender& sender, Refusal& why) {
  if (state.rare_of(sender.instrument).restrictions == 0) return true;
  const u32 instrument = state.slot_of(sender.instrument);
  for (const auto& [scope, subject] : {std::pair{Scope::venue, 0U},
                                       {Scope::account, sender.account},
                                       {Scope::group, state.accounts[sender.account].group}}) {
    if (is_listed(state, scope, subject, instrument)) return why.no(Reason::restricted, scope);
  }
  return true;
}

bool judge_short(const State& state, u32 account, const Instrument& instrument,
                 const ShortSale& sale, Refusal& why) {
  const u8 flags = state.rare_of(instrument).class_terms.class_flags;
  if (flags == 0 || sale.need <= 0 || !state.accounting()) return true;
  const u32 row = state.accounts.find_balance(account, instrument.base);
  i128 short_of = sale.before + sale.need;
  if (row != kNone) {
    const Balance& balance = state.accounts.balance(row);
    short_of += static_cast<i128>(balance.held) - balance.total;
  }
  if (short_of <= 0) return true;
  return ((flags & kNeedsLocate) == 0 || judge_locate(state, account, instrument, short_of, why)) &&
         ((flags & kPriceTest) == 0 || judge_price_test(instrument, sale, why));
}

void set_restriction(State& state, const SetRestriction& command, Teller& teller) {
  if (!content_is_good(command)) {
    tell_bad(teller, command.header);
    return;
  }
  Instrument* const instrument = named_instrument(state, command.header, teller);
  if (instrument == nullptr) return;
  u32 subject = command.terms.group;
  if (command.header.account != 0) {
    subject = named_account(state, command.header, teller);
    if (subject == kNone) return;
  }
  auto& restrictions = state.guards.restrictions;
  const Restriction::Key key{subject, state.slot_of(*instrument), command.terms.scope};
  if (restrictions.full() && restrictions.find(key) == kNone) {
    refuse(teller, command.header, Reason::capacity, Scope::venue);
    return;
  }
  Restriction& row = restrictions.make(key);
  state.rare_of(*instrument).restrictions += command.terms.restricted - row.restricted;
  row.restricted = command.terms.restricted;
  note_class(state, *instrument);
  teller.tell<RestrictionChanged>(command.header.instrument, command.header.account).terms =
      command.terms;
}

void set_locate(State& state, const SetLocate& command, Teller& teller) {
  if (command.header.reserved != 0 || command.lots < 0) {
    tell_bad(teller, command.header);
    return;
  }
  const Instrument* const instrument = named_instrument(state, command.header, teller);
  if (instrument == nullptr) return;
  const u32 account = named_account(state, command.header, teller);
  if (account == kNone) return;
  const Locate::Key key{account, state.slot_of(*instrument)};
  if (state.guards.locates.full() && state.guards.locates.find(key) == kNone) {
    refuse(teller, command.header, Reason::capacity, Scope::venue);
    return;
  }
  state.guards.locates.make(key).lots = command.lots;
  teller.tell<LocateChanged>(command.header.instrument, command.header.account).lots = command.lots;
}

}  // namespace quantumcore
