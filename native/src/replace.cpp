#include "quantumcore/commands.hpp"
#include "quantumcore/exposure.hpp"
#include "quantumcore/phases.hpp"
#include "quantumcore/rare.hpp"

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

/// `known`: the bits of fields that the kind of command has. Always inline, as it was with one
/// caller.
[[gnu::always_inline]] inline bool replace_content_is_good(const ReplaceOrder& c, u16 known) {
  const u16 fields = c.fields;
  const bool price_given = (fields & kPriceGiven) != 0;
  const bool quantity_given = (fields & kQuantityGiven) != 0;
  return c.header.reserved == 0 && c.header.instrument == 0 && fields >= 1 && fields <= known &&
         c.price_scale <= kMaxScale && c.quantity_scale <= kMaxScale &&
         (price_given || (c.price == 0 && c.price_scale == 0)) &&
         (quantity_given || (c.quantity == 0 && c.quantity_scale == 0)) &&
         is_named(c.order_sequence, c.client_id);
}

/// What judging a replacement found out: it writes what applying it reads, and no more.
struct Change {
  Wish wish;
  i64 total;  // new quantity, lots
  bool keeps_place;
};

[[gnu::always_inline]] inline bool judge_change(const State& state, u32 slot, const ReplaceOrder& c,
                                                const Position& position, Change& change,
                                                Refusal& why) {
  const OrderNode& node = state.orders.node(slot);
  const OrderRecord& order = state.orders.record(slot);
  const Instrument& instrument = state.instruments[node.instrument];
  const Account& account = state.accounts[node.account];
  Wish& wish = change.wish;
  wish.sell = is_sell(node);
  wish.post_only = (node.flags & kOrderPostOnly) != 0;
  wish.price = order.price;
  const bool price_given = (c.fields & kPriceGiven) != 0;
  change.total = order.quantity;
  const Given given{price_given,
                    (c.fields & kQuantityGiven) != 0,
                    false,
                    {c.price, c.price_scale},
                    {c.quantity, c.quantity_scale}};
  if (!judge_switches(state, account, why) || !judge_phase_of(state, instrument, slot, why) ||
      !judge_shape(instrument, given, wish.price, change.total, why)) {
    return false;
  }
  const i64 filled = order.quantity - node.leaves;
  const Grid lots = instrument.lot_grid();
  if (change.total <= filled) [[unlikely]] {
    return why.no(Reason::replace_below_filled, Scope::order, lots.scale, on_grid(filled, lots),
                  on_grid(change.total, lots));
  }
  wish.lots = change.total - filled;
  const auto beside = [&] { return Beside{position, slot}; };
  if (!judge_order_lots(state, instrument, position, change.total, why) ||
      ((instrument.rare & kRareBands) != 0 && price_given &&
       !judge_bands(state, instrument, wish.sell, wish.price, why)) ||
      !judge_amounts(state, instrument, position, beside, order.rates, state.orders.sums(slot),
                     wish, why)) {
    return false;
  }
  if (state.accounting()) {
    const Balance& balance = state.accounts.balance(order.held_balance);
    if (!judge_working_anew(state, instrument, position, beside, wish, node.leaves, why) ||
        !judge_funds(state, instrument, order.rates, wish, wish.hold - order.hold,
                     state.accounts.available(balance), why) ||
        !judge_credit(state, instrument, position, beside, wish, why)) {
      return false;
    }
  }
  if (!judge_post_only(instrument, wish, why)) {
    return false;
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

[[gnu::always_inline]] inline void apply_change(State& state, u32 slot, const Change& change,
                                                Teller& teller) {
  OrderNode& node = state.orders.node(slot);
  OrderRecord& order = state.orders.record(slot);
  Instrument& instrument = state.instruments[node.instrument];
  if (change.wish.lots != node.leaves) {
    change_working(state, slot, static_cast<i128>(change.wish.lots) - node.leaves);
  }
  if (!change.keeps_place) {
    instrument.book.remove(state.pages, state.orders, slot);
    node.leaves = change.wish.lots;
  } else {
    state.touch(instrument);
    if (change.wish.lots < node.leaves) {
      Book::reduce(state.pages, node, node.leaves - change.wish.lots);
    }
  }
  order.price = change.wish.price;
  order.quantity = change.total;
  if (state.accounting()) set_hold(state, slot, change.wish.hold);
  write_replaced(state, slot, node.leaves, ReplaceReason::asked_for, change.keeps_place, teller);
  if (!change.keeps_place) work(state, slot, change.wish.level, teller);
}

/// The working order that a replacement names, or kNone: then its refusal is told. Always inline
/// into its two callers.
[[gnu::always_inline]] inline u32 find_working(State& state, const ReplaceOrder& command,
                                               const Named& named, Teller& teller) {
  const u32 account = state.accounts.find(command.header.account);
  if (account == kNone) {
    Refusal why;
    why.no(Reason::unknown_account, Scope::account);
    tell_refused(teller, command.header, why, named);
    return kNone;
  }
  const Found found =
      find_order(state, account, command.order_sequence, command.order_slot, command.client_id);
  if (found.slot == kNone) tell_refused(teller, command.header, why_not(found), named);
  return found.slot;
}

bool more_is_good(const ReplaceAdvancedOrder& c) {
  const bool stop_fits =
      (c.order.fields & kStopGiven) != 0 || (c.stop_price == 0 && c.stop_scale == 0);
  const bool display_fits =
      (c.order.fields & kDisplayGiven) != 0 || (c.display == 0 && c.display_scale == 0);
  return all_zero(c.reserved) && stop_fits && display_fits && c.stop_scale <= kMaxScale &&
         c.display_scale <= kMaxScale;
}

}  // namespace

void replace(State& state, const ReplaceOrder& command, Teller& teller) {
  if (!replace_content_is_good(command, kPriceGiven | kQuantityGiven)) {
    tell_bad(teller, command.header);
    return;
  }
  const Named named{command.order_sequence, command.order_slot, command.client_id};
  const u32 slot = find_working(state, command, named, teller);
  if (slot == kNone) return;
  if (state.orders.record(slot).extra != kNone) [[unlikely]] {
    replace_rarely(state, slot, command, nullptr, named, teller);
    return;
  }
  Refusal why;
  Change change;
  if (!judge_change(state, slot, command, position_of(state, slot), change, why)) {
    tell_refused(teller, command.header, why, named);
    return;
  }
  apply_change(state, slot, change, teller);
}

void replace_advanced(State& state, const ReplaceAdvancedOrder& command, Teller& teller) {
  static constexpr u16 kKnown = kPriceGiven | kQuantityGiven | kStopGiven | kDisplayGiven;
  const ReplaceOrder& plain = command.order;
  if (!replace_content_is_good(plain, kKnown) || !more_is_good(command)) {
    tell_bad(teller, plain.header);
    return;
  }
  const Named named{plain.order_sequence, plain.order_slot, plain.client_id};
  const u32 slot = find_working(state, plain, named, teller);
  if (slot != kNone) replace_rarely(state, slot, plain, &command, named, teller);
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
