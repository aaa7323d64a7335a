#include "quantumcore/admission.hpp"
#include "quantumcore/commands.hpp"
#include "quantumcore/phases.hpp"
#include "quantumcore/rare.hpp"
#include "quantumcore/triggers.hpp"

namespace quantumcore {

namespace {

/// One thing that is due in an instrument, the first of orders.md section 2. Returns whether there
/// was one.
bool one_thing(State& state, Instrument& instrument, Teller& teller) {
  if (instrument.terms.status == kContinuous) {
    if (trigger_one(state, instrument, teller)) return true;
    if ((instrument.rare & kRareDark) != 0 && retry_dark(state, instrument, teller)) return true;
    if ((instrument.rare & kRarePegs) != 0 && move_pegs(state, instrument, teller)) return true;
  }
  return free_one(state, instrument, teller) || lift_limit_state(state, instrument, teller);
}

}  // namespace

void aftermath(State& state, Teller& teller) {
  end_tripped(state, teller);
  // Ascending by id, and an instrument that is touched again comes again: never recursion.
  while (state.touched_count != 0) {
    const u32 slot = state.next_touched();
    while (one_thing(state, state.instruments[slot], teller)) {
      end_tripped(state, teller);
    }
    tell_indicative(state, state.instruments[slot], teller);
  }
}

}  // namespace quantumcore
