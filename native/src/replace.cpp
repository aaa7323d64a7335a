#include "quantumcore/advanced.hpp"
#include "quantumcore/commands.hpp"
#include "quantumcore/gate.hpp"
#include "quantumcore/triggers.hpp"

namespace quantumcore {

namespace {

/// What naming an order found: a working order's slot, or how its story ended.
struct Found {
  u32 slot = kNone;
  const Submission* ended = nullptr;
  Fate fate = Fate::working;
};

/// By (sequence, slot), or by client id when the sequence is 0; only orders of `account`. Always
/// inline, as is `work`: together 4 % of a command.
[[gnu::always_inline]] inline Found find_order(const State& state, u32 account, u64 sequence,
                                               u32 slot, const char (&client_id)[kIdBytes]) {
  if (sequence != 0) {
    if (state.orders.is(slot, sequence)) {
      return state.orders.node(slot).account == account ? Found{slot, nullptr} : Found{};
    }
    const u32 entry = state.client_ids.find_order(sequence, slot);
    if (entry == kNone) return {};
    const Submission& s = state.client_ids[entry];
    return s.account == account ? Found{kNone, &s, state.client_ids.fate(entry)} : Found{};
  }
  const u32 entry = state.client_ids.find(account, client_id);
  if (entry == kNone) return {};
  const Submission& s = state.client_ids[entry];
  const Fate fate = state.client_ids.fate(entry);
  return fate == Fate::working ? Found{s.slot, nullptr} : Found{kNone, &s, fate};
}

bool is_named(u64 sequence, const char (&client_id)[kIdBytes]) {
  return sequence == 0 ? is_id(client_id) : is_zero_id(client_id);
}

/// The refusal of what is not working. A cancelled order answers a cancel as done; the caller's
/// business.
Refusal why_not(const Found& found) {
  Refusal why;
  if (found.ended == nullptr) {
    why.no(Reason::order_not_found, Scope::none);
  } else if (found.fate == Fate::filled) {
    why.no(Reason::order_filled, Scope::none);
  } else {
    why.no(Reason::order_final, Scope::none);
  }
  return why;
}

/// `known`: the fields that the kind of command has.
bool replace_content_is_good(const ReplaceOrder& c, u16 known = kPriceGiven | kQuantityGiven) {
  const u16 fields = c.fields;
  const bool price_given = (fields & kPriceGiven) != 0;
  const bool quantity_given = (fields & kQuantityGiven) != 0;
  return c.header.reserved == 0 && c.header.instrument == 0 && fields >= 1 &&
         (fields & ~known) == 0 && c.price_scale <= kMaxScale && c.quantity_scale <= kMaxScale &&
         (price_given || (c.price == 0 && c.price_scale == 0)) &&
         (quantity_given || (c.quantity == 0 && c.quantity_scale == 0)) &&
         is_named(c.order_sequence, c.client_id);
}

bool more_content_is_good(const ReplaceAdvancedOrder& c) {
  static constexpr u8 kZeros[sizeof c.reserved] = {};
  const u16 fields = c.order.fields;
  return c.stop_scale <= kMaxScale && c.display_scale <= kMaxScale &&
         ((fields & kStopGiven) != 0 || (c.stop_price == 0 && c.stop_scale == 0)) &&
         ((fields & kDisplayGiven) != 0 || (c.display == 0 && c.display_scale == 0)) &&
         std::memcmp(c.reserved, kZeros, sizeof kZeros) == 0;
}

struct Change {
  Wish wish{};
  i64 total = 0;  // new quantity, lots
  i64 stop = 0;   // new stop, ticks; 0: as it is
  bool keeps_place = false;
};

/// Whether an order is in no book.
bool is_waiting(const OrderNode& node) { return (node.flags & kOrderInNoBook) != 0; }

/// What only an order that is not plain can change; `more` null: nothing of it is asked for.
[[gnu::noinline]] bool judge_more(const State& state, u32 slot, const ReplaceAdvancedOrder* more,
                                  Change& change, Refusal& why) {
  if (more == nullptr) return true;
  const u16 fields = more->order.fields;
  if ((fields & kDisplayGiven) != 0) return why.no(Reason::bad_display, Scope::instrument);
  if ((fields & kStopGiven) == 0) return true;
  const OrderNode& node = state.orders.node(slot);
  const u32 row = state.orders.record(slot).extra;
  const bool has_stop = is_waiting(node) && state.extras[row].fired_at == 0 &&
                        is_triggered(state.extras[row].type) &&
                        !is_trailing(state.extras[row].type);
  if (!has_stop) return why.no(Reason::bad_stop, Scope::instrument);
  const Instrument& instrument = state.instruments[node.instrument];
  if (!judge_stop(instrument, more->stop_price, more->stop_scale, change.stop, why)) return false;
  const u8 type = state.extras[row].type;
  if (!is_priced_by_stop(type)) return true;
  OrderTerms terms = state.extras[row].terms;
  terms.stop_price = change.stop;
  change.wish.price = price_by_stop(instrument, type, is_sell(node), terms);
  return true;
}

/// Whether the order enters with a price of its own and is given none.
bool is_priceless(const State& state, const OrderRecord& order) {
  if (order.extra == kNone) return false;
  const u8 type = state.extras[order.extra].type;
  return type == kMarket || is_priced_by_stop(type);
}

bool judge_change(const State& state, u32 slot, const ReplaceOrder& c,
                  const ReplaceAdvancedOrder* more, Change& change, Refusal& why) {
  const OrderNode& node = state.orders.node(slot);
  const OrderRecord& order = state.orders.record(slot);
  const Instrument& instrument = state.instruments[node.instrument];
  const Account& account = state.accounts[node.account];
  Wish& wish = change.wish;
  wish.sell = is_sell(node);
  wish.may_rest = true;
  wish.post_only = (node.flags & kOrderPostOnly) != 0;
  wish.price = order.price;
  change.total = order.quantity;
  const Decimal price{c.price, c.price_scale};
  const Decimal quantity{c.quantity, c.quantity_scale};
  const bool price_given = (c.fields & kPriceGiven) != 0;
  const bool priceless = price_given && is_priceless(state, order);
  if (!judge_switches(state, account, why) || !judge_trading(instrument, why) ||
      !judge_shape(instrument, price_given ? &price : nullptr,
                   (c.fields & kQuantityGiven) != 0 ? &quantity : nullptr, priceless, wish.price,
                   change.total, why) ||
      !judge_more(state, slot, more, change, why)) {
    return false;
  }
  const i64 filled = order.quantity - node.leaves;
  const Grid lots = instrument.lot_grid();
  if (change.total <= filled) [[unlikely]] {
    return why.no(Reason::replace_below_filled, Scope::order, lots.scale, on_grid(filled, lots),
                  on_grid(change.total, lots));
  }
  wish.lots = change.total - filled;
  if (!judge_max_quantity(instrument, change.total, why) ||
      ((node.flags & kOrderReduceOnly) != 0 &&
       !judge_reduce_only(instrument,
                          reducing_room(state, node.account, node.instrument, wish.sell, slot),
                          wish.lots, why)) ||
      !judge_amounts(state, instrument, order, state.orders.sums(slot), wish, why)) {
    return false;
  }
  if (state.accounting()) {
    const u32 row = wish.sell ? order.base_balance : order.quote_balance;
    const PairHold pair = pair_hold(state, slot, wish.hold);
    if (!judge_funds(state, instrument, order, wish, pair.needed - pair.held,
                     state.accounts.balance(row).available(), why)) {
      return false;
    }
  }
  if (!judge_post_only(instrument, wish, why)) {
    return false;
  }
  if (is_waiting(node)) [[unlikely]] {
    change.keeps_place = true;
    return true;  // where it will rest is judged when it becomes active
  }
  const bool moves = wish.price != order.price;
  change.keeps_place = !moves && change.total <= order.quantity;
  if (change.keeps_place) return true;
  const Ladder& side = instrument.book.side(wish.sell);
  const Ladder::Place place = side.place(state.pages, key_of(wish.sell, wish.price));
  const i64 there = place.level == kNone ? 0 : state.pages.level(place.level).lots;
  if (!judge_level(instrument, there, moves ? wish.lots : wish.lots - node.leaves, why)) {
    return false;
  }
  // A level that the order only leaves and joins again may end with it.
  wish.level = moves ? place.level : kNone;
  if (!moves || side.has_room(state.pages, place)) return true;
  return why.no(Reason::capacity, Scope::venue);
}

void apply_change(State& state, u32 slot, const Change& change, Teller& teller) {
  OrderNode& node = state.orders.node(slot);
  OrderRecord& order = state.orders.record(slot);
  Instrument& instrument = state.instruments[node.instrument];
  const bool waits = is_waiting(node);
  if (waits) [[unlikely]] {
    node.leaves = change.wish.lots;
    if (change.stop != 0 && (node.flags & kOrderForParent) != 0) {
      state.extras[order.extra].terms.stop_price = change.stop;
    } else if (change.stop != 0) {
      move_stop(state, order.extra, change.stop);
    }
    state.touch(instrument);  // its trigger may now be met
  } else if (!change.keeps_place) {
    instrument.book.remove(state.pages, state.orders, slot);
    node.leaves = change.wish.lots;
  } else if (change.wish.lots < node.leaves) {
    Book::reduce(state.pages, node, node.leaves - change.wish.lots);
  }
  order.price = change.wish.price;
  order.quantity = change.total;
  if (state.accounting()) {
    set_hold(state, slot, order.extra == kNone ? change.wish.hold : hold_now(state, slot));
  }
  tell_replaced(state, slot, ReplaceReason::asked_for, change.keeps_place, teller);
  if (waits) [[unlikely]] {
    tell_terms(state, order.extra, true, teller);
  }
  if (!change.keeps_place) work(state, slot, change.wish.level, teller);
}

/// `more` null: a plain replacement. Always inline into its two callers, as in submit.
[[gnu::always_inline]] inline void replace_with(State& state, const ReplaceOrder& command,
                                                const ReplaceAdvancedOrder* more, Teller& teller) {
  const Named named{command.order_sequence, command.order_slot, command.client_id};
  Refusal why;
  const u32 account = state.accounts.find(command.header.account);
  if (account == kNone) {
    why.no(Reason::unknown_account, Scope::account);
    tell_refused(teller, command.header, why, named);
    return;
  }
  const Found found =
      find_order(state, account, command.order_sequence, command.order_slot, command.client_id);
  if (found.slot == kNone) {
    tell_refused(teller, command.header, why_not(found), named);
    return;
  }
  Change change;
  if (!judge_change(state, found.slot, command, more, change, why)) {
    tell_refused(teller, command.header, why, named);
    return;
  }
  apply_change(state, found.slot, change, teller);
}

}  // namespace

void replace(State& state, const ReplaceOrder& command, Teller& teller) {
  if (!replace_content_is_good(command)) {
    tell_bad(teller, command.header);
    return;
  }
  replace_with(state, command, nullptr, teller);
}

void replace_advanced(State& state, const ReplaceAdvancedOrder& command, Teller& teller) {
  static constexpr u16 kFields = kPriceGiven | kQuantityGiven | kStopGiven | kDisplayGiven;
  if (!replace_content_is_good(command.order, kFields) || !more_content_is_good(command)) {
    tell_bad(teller, command.order.header);
    return;
  }
  replace_with(state, command.order, &command, teller);
}

void cancel(State& state, const CancelOrder& command, Teller& teller) {
  if (command.header.reserved != 0 || command.header.instrument != 0 || command.reserved != 0 ||
      !is_named(command.order_sequence, command.client_id)) {
    tell_bad(teller, command.header);
    return;
  }
  const Named named{command.order_sequence, command.order_slot, command.client_id};
  const u32 account = state.accounts.find(command.header.account);
  if (account == kNone) {
    Refusal why;
    why.no(Reason::unknown_account, Scope::account);
    tell_refused(teller, command.header, why, named);
    return;
  }
  const Found found =
      find_order(state, account, command.order_sequence, command.order_slot, command.client_id);
  if (found.slot != kNone) {
    cancel_order(state, found.slot, CancelReason::requested, teller);
  } else if (found.ended != nullptr && found.fate == Fate::cancelled) {
    CommandDone& done = tell_done(teller, command.header, kAlreadyCancelled);
    done.order_sequence = found.ended->sequence;
    done.order_slot = found.ended->slot;
  } else {
    tell_refused(teller, command.header, why_not(found), named);
  }
}

}  // namespace quantumcore
