#pragma once

#include "quantumcore/integers.hpp"

namespace quantumcore {

/// Why the engine says no; the numbers are part of the layouts and never change meaning.
enum class Reason : u16 {
  none = 0,
  bad_command = 1,
  unknown_symbol = 2,
  unknown_account = 3,
  duplicate_id = 4,
  killed = 5,
  halted = 6,
  bad_tick = 7,
  bad_lot = 8,
  bad_qty = 9,
  bad_price = 10,
  bad_type = 11,
  bad_tif = 12,
  order_not_found = 13,
  order_final = 14,
  max_qty = 15,
  max_notional = 16,
  min_notional = 17,
  stale_ref = 18,
  max_open = 19,
  no_funds = 20,
  post_only = 21,
  qty_overflow = 22,
  amount_overflow = 23,
  replace_below_filled = 24,
  capacity = 25,
  insufficient = 26,
  id_already_failed = 27,
  unknown_currency = 28,
  exists_different = 29,
  order_filled = 30,
  bad_amount = 31,
  bad_definition = 32,
  bad_display = 33,
  expired = 34,
  bad_stop = 35,
  bad_trail = 36,
  bad_peg = 37,
  bad_min_qty = 38,
  bad_budget = 39,
  reduce_only = 40,
  price_band = 41,
  collar = 42,
  linked = 43,
  bad_link = 44,
  bad_rules = 45,
  bad_mark = 46,
  account_frozen = 47,
  account_closed = 48,
  account_not_empty = 49,
  group_not_found = 50,
  reversal_differs = 51,
  hold_not_found = 52,
  hold_closed = 53,
  hold_exceeded = 54,
  bad_expiry = 55,
  bad_action = 60,
  pos_limit = 64,
  credit = 65,
  not_entitled = 72,
  restricted = 73,
  throttled = 74,
  repeat_limit = 75,
  duplicate_order = 76,
  mmp = 77,
  exposure = 80,
  loss_limit = 81,
  drawdown = 82,
  greeks = 83,
  not_liquidated = 84,
};

enum class Scope : u8 {
  none = 0,
  venue = 1,
  account = 2,
  instrument = 3,
  order = 4,
  firm = 5,
  group = 6,
  session = 7,
};

/// One refusal: what was refused, whose limit it was, and both numbers with `decimals` places in
/// the units of the outside world (a price, a quantity, money; never ticks or lots). Only `no`
/// writes it: what nobody refuses does not pay for clearing one.
struct Refusal {
  Reason reason;
  Scope scope;
  u8 decimals;
  i128 limit;
  i128 actual;

  /// Fills this refusal and returns false, so that a check reads `return why.no(...)`. Not
  /// gnu::cold: behind a chain of checks that may end there the compiler took the rest of a
  /// command, too, for cold.
  bool no(Reason r, Scope s, u8 places = 0, i128 l = 0, i128 a = 0) {
    reason = r;
    scope = s;
    decimals = places;
    limit = l;
    actual = a;
    return false;
  }
};

}  // namespace quantumcore
