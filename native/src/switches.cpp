#include <algorithm>

#include "quantumcore/admission.hpp"
#include "quantumcore/rare.hpp"

/// Kill switches of the venue, firms, accounts, sessions and instruments
/// (docs/reference/engine.md section 15).
namespace quantumcore {

namespace {

/// A switch above an order.
struct Switch {
  Scope scope;
  u8 mode;
};
constexpr u32 kSwitches = 5;

u8 mode_of_firm(const State& state, u32 firm) {
  if ((state.guarded & kGuardFirms) == 0) return kSwitchOff;
  const u32 row = state.guards.firms.find({firm});
  return row == kNone ? kSwitchOff : static_cast<u8>(state.guards.firms[row].mode);
}

u8 mode_of_session(const State& state, u32 session) {
  if (session == 0 || state.guards.sessions_on == 0) return kSwitchOff;
  const u32 row = state.guards.sessions.find(session);
  return row == kNone ? kSwitchOff : static_cast<u8>(state.guards.sessions[row].mode);
}

/// Visits the switch of each level above an order, the widest first, until `visit` returns false.
template <class Visit>
void each_level(const State& state, const Sender& sender, Visit&& visit) {
  const Account& account = state.accounts[sender.account];
  const Switch levels[kSwitches] = {
      {Scope::venue, state.killed},
      {Scope::firm, mode_of_firm(state, account.firm)},
      {Scope::account, account.killed},
      {Scope::session, mode_of_session(state, sender.session)},
      {Scope::instrument, state.rare_of(sender.instrument).switch_mode},
  };
  for (const Switch& level : levels) {
    if (level.mode != kSwitchOff && !visit(level)) return;
  }
}

/// What a command sets: the orders under one switch.
struct Under {
  Scope scope;
  u32 subject;  // a firm or session
  u32 account;  // slot; kNone: not of one
  u32 instrument;
};

bool is_under(const State& state, u32 slot, const Under& under) {
  const OrderNode& node = state.orders.node(slot);
  switch (under.scope) {
    case Scope::instrument:
      return node.instrument == under.instrument;
    case Scope::firm:
      return state.accounts[node.account].firm == under.subject;
    case Scope::session:
      return session_of(state, slot) == under.subject;
    default:
      return true;
  }
}

/// What is left of the lots of a side that close the account's position; `none` where it has none.
i128& room_left(State& state, u32 account, u32 instrument, bool sell, u64 command, i128& none) {
  const u32 row = state.positions.find(account, instrument);
  if (row == kNone) return none;
  ClosingRoom& room = state.closing_rooms[row];
  if (room.command != command) {
    const i128 lots = state.positions[row].lots;
    room = ClosingRoom{{std::max<i128>(0, -lots), std::max<i128>(0, lots)}, command, 0};
  }
  return room.left[sell ? 1 : 0];
}

/// Lists the orders of an account that are `covered` and do not fit into what closes their
/// position, the oldest first, in State::ending; returns how many. The two of a pair follow each
/// other.
template <class Covered>
u32 list_not_reducing(State& state, u32 account, u64 mark, const Covered& covered) {
  u32 count = 0;
  u32 before = kNone;
  i128 kept_before = 0;
  for (u32 slot = state.accounts[account].first_order; slot != kNone;
       slot = state.orders.links(slot).next) {
    const OrderNode& node = state.orders.node(slot);
    const bool sell = is_sell(node);
    i128 none = 0;
    i128& left = room_left(state, account, node.instrument, sell, mark, none);
    const bool paired = before != kNone && sibling(state, slot) == before &&
                        is_sell(state.orders.node(before)) == sell;
    const i128 leaves = leaves_of(state, slot);
    const i128 shared = paired ? kept_before : 0;
    const i128 more = std::max<i128>(0, leaves - shared);
    before = slot;
    if (covered(slot) && more > left) {
      state.ending[count++] = slot;
      kept_before = 0;
    } else {
      kept_before = std::max(leaves, shared);
      left -= std::min(more, left);
    }
  }
  return count;
}

template <class Covered>
u32 end_not_reducing(State& state, u32 account, CancelReason reason, Teller& teller,
                     const Covered& covered) {
  const u32 before = state.accounts[account].open_orders;
  const u32 count = list_not_reducing(state, account, teller.sequence(), covered);
  cancel_listed(state, count, reason, teller);
  return before - state.accounts[account].open_orders;
}

u32 end_of_account(State& state, u32 account, u8 mode, const Under& under, Teller& teller) {
  const auto fits = [&](u32 slot) { return is_under(state, slot, under); };
  if (mode == kSwitchAll) {
    return cancel_each(state, account, CancelReason::kill_switch, teller, fits);
  }
  return end_not_reducing(state, account, CancelReason::kill_switch, teller, fits);
}

/// Ends what a switch does not let work, accounts in ascending order; returns how many ended.
u32 end_under(State& state, u8 mode, const Under& under, Teller& teller) {
  if (mode == kSwitchOff) return 0;
  if (under.account != kNone) return end_of_account(state, under.account, mode, under, teller);
  u32 busy = 0;
  for (u32 slot = 0; slot < state.accounts.count(); ++slot) {
    if (state.accounts[slot].open_orders > 0) state.account_order[busy++] = slot;
  }
  u32* const first = state.account_order.data();
  std::sort(first, first + busy,
            [&](u32 a, u32 b) { return state.accounts[a].id < state.accounts[b].id; });
  u32 count = 0;
  for (u32 i = 0; i < busy; ++i) count += end_of_account(state, first[i], mode, under, teller);
  return count;
}

bool content_is_good(const SetKill& c) {
  const auto is = [&](Scope scope) { return c.scope == static_cast<u8>(scope); };
  const bool by_number = is(Scope::firm) || is(Scope::session);
  return c.header.reserved == 0 && c.reserved == 0 && c.mode <= kSwitchReduceOnly &&
         (is(Scope::venue) || is(Scope::account) || is(Scope::instrument) || by_number) &&
         (c.header.account != 0) == is(Scope::account) &&
         (c.header.instrument != 0) == is(Scope::instrument) && (c.subject != 0) == by_number;
}

/// Sets the switch of a firm; CAPACITY when it is one too many.
bool switch_firm(State& state, u32 firm, u8 mode) {
  auto& firms = state.guards.firms;
  if (firms.full() && firms.find({firm}) == kNone) return false;
  FirmSwitch& row = firms.make({firm});
  state.guards.firms_on += (mode != kSwitchOff ? 1U : 0U) - (row.mode != kSwitchOff ? 1U : 0U);
  row.mode = mode;
  return true;
}

bool switch_session(State& state, u32 session, u8 mode) {
  const bool kept = state.guards.sessions.find(session) != kNone;
  if (!kept && mode == kSwitchOff) return true;
  if (!kept && !has_session_room(state)) return false;
  Session& row = keep_session(state, session);
  state.guards.sessions_on += (mode != kSwitchOff ? 1U : 0U) - (row.mode != kSwitchOff ? 1U : 0U);
  row.mode = mode;
  return true;
}

}  // namespace

u32 session_of(const State& state, u32 slot) {
  const OrderRecord& order = state.orders.record(slot);
  if (order.extra != kNone) return state.extras[order.extra].session;
  return state.accounting() ? state.client_ids[order.client_entry].session : order.client_entry;
}

bool judge_levels(const State& state, const Sender& sender, Refusal& why) {
  bool pass = true;
  each_level(state, sender, [&](const Switch& level) {
    pass = level.mode != kSwitchAll || why.no(Reason::killed, level.scope);
    return pass;
  });
  return pass;
}

bool may_only_reduce(const State& state, const Sender& sender) {
  bool reducing = state.accounts[sender.account].barred == kBarReducing;
  each_level(state, sender, [&](const Switch& level) {
    reducing = reducing || level.mode == kSwitchReduceOnly;
    return !reducing;
  });
  return reducing;
}

bool judge_reducing(const State& state, const Sender& sender, bool sell, i64 lots,
                    const Besides& besides, i128 before, Refusal& why) {
  const u32 slot = state.slot_of(sender.instrument);
  const i128 room = closing_room(state, sender.account, slot, sell, besides) - before;
  if (lots <= room) return true;
  // Whose it is: the first switch of its kind, else the account's state.
  const Grid grid = sender.instrument.lot_grid();
  const i128 limit = std::max<i128>(room, 0) * grid.step;
  why.no(Reason::halted, Scope::account, grid.scale, limit, on_grid(lots, grid));
  each_level(state, sender, [&](const Switch& level) {
    if (level.mode != kSwitchReduceOnly) return true;
    why.reason = Reason::killed;
    why.scope = level.scope;
    return false;
  });
  return false;
}

u32 cancel_not_reducing(State& state, u32 account, u16 currency, CancelReason reason,
                        Teller& teller) {
  return end_not_reducing(state, account, reason, teller, [&](u32 slot) {
    return state.instruments[state.orders.node(slot).instrument].quote == currency;
  });
}

void set_kill(State& state, const SetKill& command, Teller& teller) {
  if (!content_is_good(command)) {
    tell_bad(teller, command.header);
    return;
  }
  Under under{static_cast<Scope>(command.scope), command.subject, kNone, kNone};
  bool room = true;
  switch (under.scope) {
    case Scope::account:
      under.account = named_account(state, command.header, teller);
      if (under.account == kNone) return;
      state.accounts[under.account].killed = command.mode;
      break;
    case Scope::instrument: {
      Instrument* const instrument = named_instrument(state, command.header, teller);
      if (instrument == nullptr) return;
      under.instrument = state.slot_of(*instrument);
      state.rare_of(*instrument).switch_mode = command.mode;
      note_class(state, *instrument);
      break;
    }
    case Scope::firm:
      room = switch_firm(state, command.subject, command.mode);
      break;
    case Scope::session:
      room = switch_session(state, command.subject, command.mode);
      break;
    default:
      state.killed = command.mode;
  }
  if (!room) {
    refuse(teller, command.header, Reason::capacity, Scope::venue);
    return;
  }
  note_guards(state);
  const u32 count = end_under(state, command.mode, under, teller);
  KillChanged& event = teller.tell<KillChanged>(command.header.instrument, command.header.account);
  event.scope = command.scope;
  event.mode = command.mode;
  event.subject = command.subject;
  event.count = count;
}

void set_kill_switch(State& state, const SetKillSwitch& command, Teller& teller) {
  if (command.header.reserved != 0 || command.header.instrument != 0 || command.engaged > 1 ||
      !all_zero(command.reserved)) {
    tell_bad(teller, command.header);
    return;
  }
  Under under{Scope::venue, 0, kNone, kNone};
  if (command.header.account == 0) {
    state.killed = command.engaged;  // engaged: kSwitchAll
  } else {
    under.scope = Scope::account;
    under.account = named_account(state, command.header, teller);
    if (under.account == kNone) return;
    state.accounts[under.account].killed = command.engaged;
  }
  note_guards(state);
  const u32 count = end_under(state, command.engaged, under, teller);
  KillSwitchChanged& event = teller.tell<KillSwitchChanged>(0, command.header.account);
  event.engaged = command.engaged;
  event.count = count;
}

}  // namespace quantumcore
