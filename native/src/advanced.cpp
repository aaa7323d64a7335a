#include "quantumcore/commands.hpp"
#include "quantumcore/gate.hpp"

namespace quantumcore {

namespace {

bool scales_are_good(const OrderTerms& t) {
  return t.stop_scale <= kMaxScale && t.trail_scale <= kMaxScale && t.offset_scale <= kMaxScale &&
         t.display_scale <= kMaxScale && t.min_quantity_scale <= kMaxScale &&
         t.budget_scale <= kMaxScale;
}

bool is_zero(const u8 (&bytes)[3]) { return (bytes[0] | bytes[1] | bytes[2]) == 0; }

}  // namespace

bool terms_are_good(const OrderTerms& t) {
  return scales_are_good(t) && t.trigger <= kTriggerMark && t.trail_unit <= kTrailTicks &&
         t.peg <= kPegMid && is_zero(t.reserved);
}

bool judge_terms(const OrderTerms& t, Refusal& why) {
  if ((t.display | t.display_range | t.display_scale | t.seed) != 0) {
    return why.no(Reason::bad_display, Scope::instrument);
  }
  if ((t.stop_price | t.stop_scale | t.trigger) != 0) {
    return why.no(Reason::bad_stop, Scope::instrument);
  }
  if ((t.trail | t.trail_scale | t.trail_unit) != 0) {
    return why.no(Reason::bad_trail, Scope::instrument);
  }
  if ((t.offset | t.offset_scale | t.peg) != 0) return why.no(Reason::bad_peg, Scope::instrument);
  if ((t.min_quantity | t.min_quantity_scale) != 0) {
    return why.no(Reason::bad_min_qty, Scope::instrument);
  }
  if ((t.budget | t.budget_scale) != 0) return why.no(Reason::bad_budget, Scope::instrument);
  return t.expires_ns == 0 ? true : why.no(Reason::expired, Scope::instrument);
}

}  // namespace quantumcore
