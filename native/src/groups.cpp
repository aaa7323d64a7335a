#include "quantumcore/commands.hpp"
#include "quantumcore/exposure.hpp"

namespace quantumcore {

void set_group(State& state, const SetGroup& command, Teller& teller) {
  if (command.header.reserved != 0 || command.header.instrument != 0 || command.reserved != 0) {
    tell_bad(teller, command.header);
    return;
  }
  const u32 slot = named_account(state, command.header, teller);
  if (slot == kNone) return;
  count_in_group(state, slot, -1);
  join_group(state, state.accounts[slot], command.group);
  count_in_group(state, slot, 1);
  ++state.limits_version;
  // What rests unseen may find somebody to trade with now.
  for (u32 i = 0; i < state.instrument_count; ++i) {
    const Instrument& instrument = state.instruments[i];
    if ((instrument.rare & kRareDark) != 0) state.touch(instrument);
  }
  teller.tell<GroupChanged>(0, command.header.account).group = command.group;
}

void join_group(State& state, Account& account, u32 group) {
  if (account.group != 0) --state.grouped_accounts;
  if (group != 0) ++state.grouped_accounts;
  account.group = group;
}

}  // namespace quantumcore
