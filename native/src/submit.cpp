#include "quantumcore/advanced.hpp"
#include "quantumcore/commands.hpp"
#include "quantumcore/submission.hpp"
#include "quantumcore/triggers.hpp"

namespace quantumcore {

bool content_is_good(const SubmitOrder& c) {
  return c.header.reserved == 0 && c.price_scale <= kMaxScale && c.quantity_scale <= kMaxScale &&
         (c.side == kBuy || c.side == kSell) && c.self_trade_prevention <= kStpNone &&
         (c.flags & ~kSubmitFlags) == 0 && is_id(c.client_id);
}

namespace {

/// BAD_TYPE, BAD_TIF of a plain order.
bool judge_plain(const SubmitOrder& c, Refusal& why) {
  if ((c.flags & kPostOnly) == 0) return true;
  if (c.type == kMarket) return why.no(Reason::bad_type, Scope::instrument);
  return c.time_in_force == kGoodTillCancel ? true : why.no(Reason::bad_tif, Scope::instrument);
}

/// The same of one that is not, and its terms.
[[gnu::noinline]] bool judge_rare(const State& state, const SubmitOrder& c, const OrderTerms* terms,
                                  Judged& j, Refusal& why) {
  static constexpr OrderTerms kNoTerms{};
  return judge_advanced(state, *j.instrument, c, terms == nullptr ? kNoTerms : *terms, j.terms,
                        why);
}

bool judge_open_orders(const State& state, const Account& account, u32 before, Refusal& why) {
  const u32 most = state.max_open_of(account);
  const u64 working = u64{account.open_orders} + before;
  if (working < most) [[likely]] {
    return true;
  }
  return why.no(Reason::max_open, Scope::account, 0, most, static_cast<i128>(working) + 1);
}

/// What the order before it in the same act brings to the level that it would join.
i64 joining_lots(const Seat& seat, const Wish& wish) {
  const Wish* const other = seat.joining;
  const bool joins = other != nullptr && other->sell == wish.sell && other->price == wish.price;
  return joins ? other->lots : 0;
}

/// QTY_OVERFLOW and CAPACITY; finds the level that the order would join.
bool judge_room(const State& state, const Instrument& instrument, const Seat& seat, Wish& wish,
                Refusal& why) {
  bool room = state.orders.slots().left() > seat.before &&
              state.positions.count() < state.config.max_balances &&
              (!state.accounting() ||
               (state.client_ids.left() > seat.before && state.accounts.balances_left() >= 2));
  wish.level = kNone;
  if (wish.may_rest && !seat.waits) {
    const Ladder& side = instrument.book.side(wish.sell);
    const Ladder::Place place = side.place(state.pages, key_of(wish.sell, wish.price));
    wish.level = place.level;
    const i64 there = place.level == kNone ? 0 : state.pages.level(place.level).lots;
    if (seat.joining != nullptr) [[unlikely]] {
      // Two lots of one act can pass what a level counts only together with each other.
      const i64 more = joining_lots(seat, wish);
      if (!judge_joined_level(instrument, there, more, wish.lots, why)) return false;
    } else if (!judge_level(instrument, there, wish.lots, why)) {
      return false;
    }
    room = room && side.has_room(state.pages, place, seat.windows);
  }
  return room ? true : why.no(Reason::capacity, Scope::venue);
}

/// What may be held in `currency`; keeps the row, for accepting.
i64 available(const State& state, Judged& j, u16 currency) {
  j.paying = state.accounts.find_balance(j.account, currency);
  return j.paying == kNone ? 0 : state.accounts.balance(j.paying).available();
}

/// REDUCE_ONLY: cuts what the order asks for to what there is room for.
bool judge_reduce(const State& state, const Instrument& instrument, Judged& j, Refusal& why) {
  const i128 room = reducing_room(state, j.account, state.slot_of(instrument), j.wish.sell);
  if (room < j.wish.lots && room > 0) j.wish.lots = static_cast<i64>(room);
  return judge_reduce_only(instrument, room, j.wish.lots, why);
}

/// Always inline: who submits one order alone pays nothing for seats.
[[gnu::always_inline]] inline bool judge(const State& state, const SubmitOrder& c,
                                         const OrderTerms* terms, const Seat& seat, Judged& j,
                                         Refusal& why) {
  const Account& account = state.accounts[j.account];
  const Instrument& instrument = *j.instrument;
  Wish& wish = j.wish;
  wish.sell = c.side == kSell;
  wish.market = c.type == kMarket;
  wish.may_rest = c.type == kLimit && c.time_in_force == kGoodTillCancel;
  j.plain = terms == nullptr && is_plain(c);
  j.rests = wish.may_rest;
  if (!j.plain) [[unlikely]] {
    wish.market = c.type == kMarket || is_priced_by_stop(c.type);
    j.rests = may_rest(c.type, c.time_in_force);
    wish.may_rest = j.rests && !is_triggered(c.type);
  }
  wish.post_only = (c.flags & kPostOnly) != 0;
  if (state.accounting()) {
    j.order.taker_rate = static_cast<i32>(instrument.terms.taker_fee);
    j.order.maker_rate = static_cast<i32>(instrument.terms.maker_fee);
    j.order.minimum_fee = instrument.terms.minimum_fee;
  }
  const Decimal price{c.price, c.price_scale};
  const Decimal quantity{c.quantity, c.quantity_scale};
  const u16 held_currency = wish.sell ? instrument.base : instrument.quote;
  return judge_switches(state, account, why) && judge_trading(instrument, why) &&
         judge_shape(instrument, &price, &quantity, wish.market, wish.price, wish.lots, why) &&
         (j.plain ? judge_plain(c, why) : judge_rare(state, c, terms, j, why)) &&
         judge_max_quantity(instrument, wish.lots, why) &&
         ((c.flags & kReduceOnly) == 0 || judge_reduce(state, instrument, j, why)) &&
         (!wish.market ||
          (j.plain ? judge_reference(instrument, wish.sell, wish.price, why)
                   : judge_own_price(state, instrument, c, j.terms, wish.price, why))) &&
         judge_amounts(state, instrument, j.order, kNoSums, wish, why) &&
         judge_open_orders(state, account, seat.before, why) &&
         (!state.accounting() ||
          judge_funds(state, instrument, j.order, wish, seat.waits ? 0 : wish.hold,
                      available(state, j, held_currency), why)) &&
         judge_post_only(instrument, wish, why) && judge_room(state, instrument, seat, wish, why);
}

constexpr Seat kAlone{};

/// The client id is known: the first answer stands, or another body is refused.
void answer_again(const State& state, u32 entry, const SubmitOrder& c, const OrderTerms* terms,
                  Teller& teller) {
  const Submission& first = state.client_ids[entry];
  if (!state.client_ids.same_body(entry, c, terms)) {
    Refusal why;
    why.no(Reason::duplicate_id, Scope::none);
    tell_refused(teller, c.header, why, {first.sequence, first.slot, c.client_id});
    return;
  }
  CommandDone& done = tell_done(teller, c.header, kRepeat);
  done.order_sequence = first.sequence;
  done.order_slot = first.slot;
}

/// Writes what an order needs of money and of its client id.
void account_for(State& state, const SubmitOrder& c, const OrderTerms* terms, const Judged& j,
                 u32 slot, const Teller& teller) {
  const Instrument& instrument = *j.instrument;
  OrderRecord& order = state.orders.record(slot);
  const bool pays_base = j.wish.sell && j.paying != kNone;
  const bool pays_quote = !j.wish.sell && j.paying != kNone;
  order.base_balance =
      pays_base ? j.paying : state.accounts.make_balance(j.account, instrument.base);
  order.quote_balance =
      pays_quote ? j.paying : state.accounts.make_balance(j.account, instrument.quote);
  order.taker_rate = j.order.taker_rate;
  order.maker_rate = j.order.maker_rate;
  order.minimum_fee = j.order.minimum_fee;
  order.hold = 0;
  order.client_entry = remember(state, c, terms, j, slot, Fate::working, teller);
}

[[gnu::always_inline]] inline void write_order(State& state, const SubmitOrder& c,
                                               const OrderTerms* terms, const Judged& j, u32 slot,
                                               const Teller& teller) {
  const Instrument& instrument = *j.instrument;
  OrderRecord& order = state.orders.record(slot);
  order.sequence = teller.sequence();
  order.price = j.wish.price;
  order.quantity = j.wish.lots;
  order.extra = kNone;
  const u32 mode =
      c.self_trade_prevention == kStpDefault ? kStpCancelNewest : c.self_trade_prevention;
  const u32 flags = kOrderLive | (j.wish.sell ? kOrderSell : 0U) |
                    (j.wish.post_only ? kOrderPostOnly : 0U) | (j.rests ? 0U : kOrderNeverRests) |
                    (c.time_in_force == kFillOrKill ? kOrderFillOrKill : 0U) |
                    (mode << kOrderStpShift);
  state.orders.node(slot) =
      OrderNode{kNone, kNone, j.wish.lots, kNone, j.account, state.slot_of(instrument), flags};
  if (state.accounting()) account_for(state, c, terms, j, slot, teller);
}

[[gnu::always_inline]] inline void tell_order(const State& state, const SubmitOrder& c, u32 slot,
                                              Teller& teller) {
  const OrderNode& node = state.orders.node(slot);
  const OrderRecord& order = state.orders.record(slot);
  OrderAccepted& event = teller.tell<OrderAccepted>(c.header.instrument, c.header.account);
  event.price = order.price;
  event.quantity = order.quantity;
  event.order_slot = slot;
  event.side = c.side;
  event.type = c.type;
  event.time_in_force = c.time_in_force;
  event.self_trade_prevention = c.self_trade_prevention;
  event.flags = c.flags;
  if (state.accounting()) {
    event.hold = order.hold;
    event.hold_currency = held_currency(state.instruments[node.instrument], is_sell(node));
  }
  std::memcpy(event.client_id, c.client_id, kIdBytes);
  event.session = c.session;
}

/// `terms` null: a plain submission. Always inline into its two callers, so that the plain one
/// never asks for terms.
[[gnu::always_inline]] inline void submit_with(State& state, const SubmitOrder& command,
                                               const OrderTerms* terms, Teller& teller) {
  if (!content_is_good(command)) {
    tell_bad(teller, command.header);
    return;
  }
  Refusal why;
  Judged judged;
  judged.instrument = state.find_instrument(command.header.instrument);
  if (judged.instrument == nullptr) {
    why.no(Reason::unknown_symbol, Scope::instrument);
    tell_rejected(command, why, teller);
    return;
  }
  judged.account = state.accounts.find(command.header.account);
  if (judged.account == kNone) {
    why.no(Reason::unknown_account, Scope::account);
    tell_rejected(command, why, teller);
    return;
  }
  if (state.accounting()) {
    judged.tag = id_tag(judged.account, command.client_id);
    const u32 first = state.client_ids.find_tagged(judged.tag, judged.account, command.client_id);
    if (first != kNone) {
      answer_again(state, first, command, terms, teller);
      return;
    }
  }
  if (!judge(state, command, terms, kAlone, judged, why)) {
    // A full table refuses accepting, but must not change the reason of a refusal.
    if (state.accounting() && why.reason != Reason::capacity && !state.client_ids.full()) {
      remember(state, command, terms, judged, kNone, Fate::rejected, teller);
    }
    tell_rejected(command, why, teller);
    return;
  }
  const u32 slot = state.orders.acquire();
  write_order(state, command, terms, judged, slot, teller);
  if (state.accounting()) set_hold(state, slot, judged.wish.hold);
  if (judged.plain) [[likely]] {
    tell_order(state, command, slot, teller);
    work(state, slot, judged.wish.level, teller);
    return;
  }
  add_extra(state, slot, command, judged.terms);
  tell_order(state, command, slot, teller);
  tell_terms(state, state.orders.record(slot).extra, is_triggered(command.type), teller);
  start_advanced(state, slot, judged.wish.level, teller);
}

}  // namespace

u32 remember(State& state, const SubmitOrder& c, const OrderTerms* terms, const Judged& j, u32 slot,
             Fate fate, const Teller& teller) {
  const u32 entry =
      state.client_ids.remember(j.tag, j.account, teller.sequence(), c.client_id, fate);
  Submission& s = state.client_ids[entry];
  s.time_ns = teller.time_ns();
  s.price = c.price;
  s.quantity = c.quantity;
  s.instrument = c.header.instrument;
  s.slot = slot;
  s.flags = c.flags;
  s.price_scale = c.price_scale;
  s.quantity_scale = c.quantity_scale;
  s.side = c.side;
  s.type = c.type;
  s.time_in_force = c.time_in_force;
  s.self_trade_prevention = c.self_trade_prevention;
  s.session = c.session;
  s.fate = fate;  // as remembered; ClientIds::fate goes on
  s.terms = terms == nullptr ? kNone : state.client_ids.keep_terms(*terms);
  std::memset(s.reserved, 0, sizeof s.reserved);
  return entry;
}

void tell_rejected(const SubmitOrder& c, const Refusal& why, Teller& teller) {
  OrderRejected& event = teller.tell<OrderRejected>(c.header.instrument, c.header.account);
  event.price = c.price;
  event.quantity = c.quantity;
  event.price_scale = c.price_scale;
  event.quantity_scale = c.quantity_scale;
  event.side = c.side;
  event.type = c.type;
  event.time_in_force = c.time_in_force;
  event.self_trade_prevention = c.self_trade_prevention;
  event.flags = c.flags;
  event.limit = why.limit;
  event.actual = why.actual;
  event.reason = static_cast<u16>(why.reason);
  event.scope = static_cast<u8>(why.scope);
  event.decimals = why.decimals;
  event.order_slot = kNone;
  std::memcpy(event.client_id, c.client_id, kIdBytes);
  event.session = c.session;
}

bool judge_seated(const State& state, const SubmitOrder& c, const OrderTerms* terms,
                  const Seat& seat, Judged& j, Refusal& why) {
  return judge(state, c, terms, seat, j, why);
}

void make_order(State& state, const SubmitOrder& c, const OrderTerms* terms, const Judged& j,
                u32 slot, bool waits, const Teller& teller) {
  static constexpr OrderTerms kNoTerms{};
  write_order(state, c, terms, j, slot, teller);
  if (waits) state.orders.node(slot).flags |= kOrderForParent;
  add_extra(state, slot, c, j.plain ? kNoTerms : j.terms);
}

void tell_accepted(State& state, const SubmitOrder& c, bool plain, u32 slot, Teller& teller) {
  tell_order(state, c, slot, teller);
  const bool for_parent = (state.orders.node(slot).flags & kOrderForParent) != 0;
  if (plain && !for_parent) return;
  tell_terms(state, state.orders.record(slot).extra, for_parent || is_triggered(c.type), teller);
}

void submit(State& state, const SubmitOrder& command, Teller& teller) {
  submit_with(state, command, nullptr, teller);
}

void submit_advanced(State& state, const SubmitAdvancedOrder& command, Teller& teller) {
  static constexpr OrderTerms kNoTerms{};
  if (!terms_are_good(command.terms)) {
    tell_bad(teller, command.order.header);
    return;
  }
  const bool plain = std::memcmp(&command.terms, &kNoTerms, sizeof kNoTerms) == 0;
  submit_with(state, command.order, plain ? nullptr : &command.terms, teller);
}

}  // namespace quantumcore
