#include "quantumcore/act.hpp"
#include "quantumcore/admission.hpp"

/// What docs/reference/engine.md section 15 says of a submission, where anything of it may stop the
/// order.
namespace quantumcore {

bool judge_admission(const State& state, const SubmitOrder& c, Judged& j, Refusal& why) {
  const Sender sender{j.account, c.session, *j.instrument};
  j.counts = (is_only_throttled(state, sender) || judge_sender(state, sender, j.due, why)) &&
             judge_phase(*j.instrument, c.time_in_force, c.flags, why) &&
             judge_rate(state, sender, kThrottleNew, &c, why);
  return j.counts;
}

bool judge_due_reducing(const State& state, const SubmitOrder& c, const Seat& seat, const Judged& j,
                        Refusal& why) {
  const i128 before = seat.act == nullptr ? 0 : closing_beside(seat, j);
  return judge_reducing(state, {j.account, c.session, *j.instrument}, j.wish.sell, j.wish.lots, {},
                        before, why);
}

bool judge_restricted(const State& state, const SubmitOrder& c, const Seat& seat, const Judged& j,
                      Refusal& why) {
  const Instrument& instrument = *j.instrument;
  if (!judge_restriction(state, {j.account, c.session, instrument}, why)) return false;
  if (!j.wish.sell || seat.waits) return true;
  const i64 before = seat.act == nullptr ? 0 : held_beside(seat, instrument.base);
  const ShortSale sale{c.type, c.flags, j.wish.price, base_need(instrument, j.wish.lots), before};
  return judge_short(state, j.account, instrument, sale, why);
}

}  // namespace quantumcore
