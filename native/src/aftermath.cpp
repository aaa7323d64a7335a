#include <algorithm>

#include "quantumcore/commands.hpp"
#include "quantumcore/triggers.hpp"

namespace quantumcore {

namespace {

/// One thing that is due in an instrument, the first of orders.md section 2. Returns whether there
/// was one.
bool one_thing(State& state, Instrument& instrument, Teller& teller) {
  return trigger_one(state, instrument, teller) || free_one(state, instrument, teller);
}

}  // namespace

void aftermath(State& state, Teller& teller) {
  // Ascending by id, and an instrument that is touched again comes again: never recursion.
  while (state.touched_count != 0) {
    u32* const first = state.touched.data();
    u32* const end = first + state.touched_count;
    u32* const least = std::min_element(first, end, [&](u32 a, u32 b) {
      return state.instruments[a].id < state.instruments[b].id;
    });
    const u32 slot = *least;
    *least = *(end - 1);
    --state.touched_count;
    state.rare_books[slot].touched = false;
    while (one_thing(state, state.instruments[slot], teller)) {
    }
  }
}

}  // namespace quantumcore
