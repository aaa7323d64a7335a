#include "quantumcore/commands.hpp"

namespace quantumcore {

void set_group(State& state, const SetGroup& command, Teller& teller) {
  if (command.header.reserved != 0 || command.header.instrument != 0 || command.reserved != 0) {
    tell_bad(teller, command.header);
    return;
  }
  const u32 slot = state.accounts.find(command.header.account);
  if (slot == kNone) {
    Refusal why;
    why.no(Reason::unknown_account, Scope::account);
    tell_refused(teller, command.header, why);
    return;
  }
  join_group(state, state.accounts[slot], command.group);
  // What rests unseen may find somebody to trade with now.
  for (u32 i = 0; i < state.instrument_count; ++i) state.touch(state.instruments[i]);
  teller.tell<GroupChanged>(0, command.header.account).group = command.group;
}

void join_group(State& state, Account& account, u32 group) {
  if (account.group != 0) --state.grouped_accounts;
  if (group != 0) ++state.grouped_accounts;
  account.group = group;
}

}  // namespace quantumcore
