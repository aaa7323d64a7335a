#include "quantumcore/act.hpp"
#include "quantumcore/admission.hpp"
#include "quantumcore/advanced.hpp"
#include "quantumcore/commands.hpp"
#include "quantumcore/exposure.hpp"
#include "quantumcore/phases.hpp"
#include "quantumcore/rare.hpp"
#include "quantumcore/submission.hpp"

namespace quantumcore {

namespace {

constexpr Seat kAlone{};

/// Scales, side, type, time in force, self-trade prevention and flags, from the lowest byte on.
u64 ways_of(const SubmitOrder& c) {
  static_assert(offsetof(SubmitOrder, price_scale) == 32 && offsetof(SubmitOrder, flags) == 38);
  return load_u64(reinterpret_cast<const std::byte*>(&c) + offsetof(SubmitOrder, price_scale));
}
/// The same word of single values.
constexpr u64 ways(u8 scales, u8 side, u8 type, u8 time_in_force, u8 prevention, u16 flags) {
  return scales | u64{scales} << 8 | u64{side} << 16 | u64{type} << 24 | u64{time_in_force} << 32 |
         u64{prevention} << 40 | u64{flags} << 48;
}

/// Always inline into its two callers. All ranges at once: alone each costs two instructions and a
/// branch.
[[gnu::always_inline]] inline bool is_good(const SubmitOrder& c) {
  constexpr u64 kEach = 0x0101'0101'0101'0101;
  constexpr u64 kMost = ways(kMaxScale, kSell, 0, 0, kStpNone, kSubmitFlags);
  static_assert((kSubmitFlags & (kSubmitFlags + 1)) == 0 && kSubmitFlags < 128);  // all or nothing
  const u64 word = ways_of(c) & ~ways(0, 0, 0xFF, 0xFF, 0, 0);  // those two have their own reasons
  const bool in_range = ((word | (word + (127 * kEach - kMost))) & (128 * kEach)) == 0;
  return in_range && c.side != 0 && c.header.reserved == 0 && is_id(c.client_id);
}

/// Whether an order is of the commonest kind: limit, good till cancelled or immediate or cancel,
/// without a flag beyond post_only. Such a one is plain.
bool is_common(const SubmitOrder& c) {
  constexpr u8 kEither = kGoodTillCancel ^ kImmediateOrCancel;
  static_assert((kGoodTillCancel & kEither) == 0 && (kEither & (kEither - 1)) == 0);
  constexpr u64 kAsked =
      ways(0, 0, 0xFF, static_cast<u8>(~kEither), 0, static_cast<u16>(~kPostOnly));
  return (ways_of(c) & kAsked) == ways(0, 0, kLimit, kGoodTillCancel, 0, 0);
}

/// BAD_TYPE, BAD_TIF of a plain order: post_only where nothing could rest.
bool judge_plain(const SubmitOrder& c, Refusal& why) {
  if ((c.flags & kPostOnly) == 0) return true;
  if (c.type == kMarket) return why.no(Reason::bad_type, Scope::instrument);
  return c.time_in_force == kGoodTillCancel ? true : why.no(Reason::bad_tif, Scope::instrument);
}

bool judge_kind_and_terms(const State& state, const SubmitOrder& c, const OrderTerms* terms,
                          Judged& j, Refusal& why) {
  if (j.plain) [[likely]] {
    return judge_plain(c, why);
  }
  return judge_beyond(state, *j.instrument, c, terms, j.wish.lots, j.beyond, why);
}

bool judge_open_orders(const State& state, const Account& account, u32 before, Refusal& why) {
  const u32 most = state.max_open_of(account);
  const u64 working = u64{account.open_orders} + before;
  if (working < most) [[likely]] {
    return true;
  }
  return why.no(Reason::max_open, Scope::account, 0, most, static_cast<i128>(working) + 1);
}

/// QTY_OVERFLOW, and whether a window is left, of an order that is not plain or comes with others.
[[gnu::noinline]] bool judge_rare_room(const State& state, const Seat& seat, Judged& j, bool& room,
                                       Refusal& why) {
  if (seat.act != nullptr) return judge_room_beside(state, seat, j, room, why);
  const Standing at =
      standing_at(state, *j.instrument, j.is(kOrderDark), j.wish.sell, j.wish.price);
  room = room && at.room;
  return judge_level(*j.instrument, at.there, j.shown(), why);
}

/// QTY_OVERFLOW and CAPACITY; finds the level that a plain order would join.
[[gnu::always_inline]] inline bool judge_room(const State& state, const Instrument& instrument,
                                              const Seat& seat, Judged& j, Refusal& why) {
  Wish& wish = j.wish;
  const u64 balances = seat.act == nullptr ? 2 : balances_of_act(seat, j);
  bool room = state.orders.slots().left() > seat.before &&
              state.positions.count() < state.config.max_balances &&
              (!state.accounting() || (state.client_ids.left() > seat.before &&
                                       state.accounts.balances_left() >= balances));
  wish.level = kNone;
  if (!wish.may_rest || seat.waits) {
    // it joins no level now
  } else if (!j.plain || seat.act != nullptr) [[unlikely]] {
    if (j.stands() && !judge_rare_room(state, seat, j, room, why)) return false;
  } else {
    const Ladder& side = instrument.book.side(wish.sell);
    const Ladder::Place place = side.place(state.pages, key_of(wish.sell, wish.price));
    wish.level = place.level;
    const i64 there = place.level == kNone ? 0 : state.pages.level(place.level).lots;
    if (!judge_level(instrument, there, wish.lots, why)) return false;
    room = room && side.has_room(state.pages, place);
  }
  return room ? true : why.no(Reason::capacity, Scope::venue);
}

/// What may be held in `currency`; keeps the row, for accepting.
i64 available(const State& state, const Seat& seat, const Position& position, Judged& j,
              u16 currency) {
  j.paying = j.wish.sell ? position.base_balance : position.quote_balance;
  if (j.paying == kNone) [[unlikely]] {
    j.paying = state.accounts.find_balance(j.account, currency);
  }
  const i64 before = seat.act == nullptr ? 0 : held_beside(seat, currency);
  return (j.paying == kNone ? 0 : state.accounts.available(state.accounts.balance(j.paying))) -
         before;
}

/// The price of an order that names none, or that slides.
bool judge_entry_price(const State& state, const Instrument& instrument, const SubmitOrder& c,
                       Judged& j, Refusal& why) {
  if (!j.plain) [[unlikely]] {
    return judge_price_beyond(state, instrument, c, j.beyond, j.wish, why);
  }
  return !j.wish.market || judge_reference(state, instrument, j.wish.sell, j.wish.price, why);
}

/// A budget bounds the hold.
bool cap_hold(Judged& j) {
  if (j.is(kOrderBudget)) [[unlikely]] {
    j.wish.hold = std::min(j.wish.hold, j.beyond.extra.terms.budget);
  }
  return true;
}

/// REDUCE_ONLY: cuts what the order asks for to what there is room for.
bool judge_reduce(const State& state, const Instrument& instrument, const Seat& seat, Judged& j,
                  Refusal& why) {
  const i128 whole = reducing_room(state, j.account, state.slot_of(instrument), j.wish.sell);
  const i128 room =
      seat.act == nullptr ? whole : std::max<i128>(0, whole - reducing_beside(seat, j));
  if (room < j.wish.lots && room > 0) j.wish.lots = static_cast<i64>(room);
  return judge_reduce_only(instrument, room, j.wish.lots, why);
}

/// What the type, the time in force and the phase say of where it goes.
[[gnu::noinline]] void find_way(const SubmitOrder& c, u8 status, Judged& j) {
  const bool triggered = !j.plain && is_triggered(c.type);
  j.wish.market = is_unpriced(c.type);
  j.rests = may_rest(c.type, c.time_in_force);
  j.wish.may_rest = may_rest_in(status, c.time_in_force, j.rests) && !triggered;
  j.has_row = !j.plain || (status != kContinuous && !j.rests);
}

/// Steps 3 to 14 of engine.md section 5. `straight`, a constant: a common order alone, in an
/// instrument that trades continuously and has no rare parts. Always inline: such a one pays
/// nothing for what others may need.
[[gnu::always_inline]] inline bool judge(const State& state, const SubmitOrder& c,
                                         const OrderTerms* further, bool straight, const Seat& seat,
                                         const Position& position, Judged& j, Refusal& why) {
  const Account& account = state.accounts[j.account];
  const Instrument& instrument = *j.instrument;
  Wish& wish = j.wish;
  wish.sell = c.side == kSell;
  wish.market = !straight && c.type == kMarket;
  j.plain = straight || (further == nullptr && is_plain(c));
  j.rests = wish.may_rest = (straight || c.type == kLimit) && c.time_in_force == kGoodTillCancel;
  j.has_row = false;
  if (!straight && (!j.plain || instrument.terms.status != kContinuous)) {
    find_way(c, instrument.terms.status, j);
  }
  wish.post_only = (c.flags & kPostOnly) != 0;
  const InstrumentTerms& terms = instrument.terms;
  j.rates = Rates{terms.minimum_fee, static_cast<i32>(terms.taker_fee),
                  static_cast<i32>(terms.maker_fee)};
  const Given given{
      true, true, wish.market, {c.price, c.price_scale}, {c.quantity, c.quantity_scale}};
  const u16 held_currency = wish.sell ? instrument.base : instrument.quote;
  const auto beside = [&] {
    return Beside{position, kNone, seat.act == nullptr ? nullptr : &seat, &j};
  };
  j.counts = false;
  j.due = 0;
  const bool guarded = is_guarded(state, account) || (!straight && is_guarded(instrument));
  return (guarded ? judge_admission(state, c, j, why)
                  : straight || judge_phase(instrument, c.time_in_force, c.flags, why)) &&
         judge_shape(instrument, given, wish.price, wish.lots, why) &&
         (straight ? judge_plain(c, why) : judge_kind_and_terms(state, c, further, j, why)) &&
         judge_order_lots(state, instrument, position, wish.lots, why) &&
         (straight || (c.flags & kReduceOnly) == 0 ||
          judge_reduce(state, instrument, seat, j, why)) &&
         ((j.due & kDueReducing) == 0 || judge_due_reducing(state, c, seat, j, why)) &&
         (straight || judge_entry_price(state, instrument, c, j, why)) &&
         (straight || (instrument.rare & kRareBands) == 0 || wish.market ||
          judge_bands(state, instrument, wish.sell, wish.price, why)) &&
         (straight || !is_guarded(instrument) || judge_restricted(state, c, seat, j, why)) &&
         judge_amounts(state, instrument, position, beside, j.rates, kNoSums, wish, why) &&
         (straight || cap_hold(j)) && judge_open_orders(state, account, seat.before, why) &&
         (!state.accounting() ||
          ((seat.act == nullptr ? judge_working(state, instrument, position, wish, why)
                                : judge_working_exactly(state, instrument, beside(), wish, why)) &&
           (seat.act == nullptr || judge_product_beside(state, seat, j, why)) &&
           judge_funds(state, instrument, j.rates, wish, seat.waits ? 0 : wish.hold,
                       available(state, seat, position, j, held_currency), why) &&
           judge_credit(state, instrument, position, beside, wish, why))) &&
         ((j.due & kDueProtection) == 0 ||
          judge_protection(state, {j.account, c.session, instrument}, why)) &&
         (seat.act == nullptr ? judge_post_only(instrument, wish, why)
                              : judge_post_only_beside(seat, j, why)) &&
         judge_room(state, instrument, seat, j, why);
}

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
  tell_repeat(teller, c.header, first);
}

[[gnu::noinline]] void reject(const SubmitOrder& c, Reason reason, Scope scope, Teller& teller) {
  Refusal why;
  why.no(reason, scope);
  tell_rejected(c, why, teller);
}

/// Writes what an order needs of money, but for its hold, and of its client id.
void account_for(State& state, const SubmitOrder& c, const OrderTerms* terms, const Judged& j,
                 u32 slot, const Teller& teller) {
  const Instrument& instrument = *j.instrument;
  OrderRecord& order = state.orders.record(slot);
  Position& position = state.positions[order.position];
  if (position.base_balance == kNone || position.quote_balance == kNone) [[unlikely]] {
    position.base_balance = state.accounts.make_balance(j.account, instrument.base);
    position.quote_balance = state.accounts.make_balance(j.account, instrument.quote);
  }
  order.held_balance = j.wish.sell ? position.base_balance : position.quote_balance;
  order.rates = j.rates;
  order.hold = 0;
  order.client_entry = remember(state, c, terms, j, slot, Fate::working, teller);
}

/// Always inline into its two callers, as is what tells of it.
[[gnu::always_inline]] inline void write_order(State& state, const SubmitOrder& c, const Judged& j,
                                               u32 slot, const Teller& teller) {
  OrderRecord& order = state.orders.record(slot);
  order.sequence = teller.sequence();
  order.price = j.wish.price;
  order.quantity = j.wish.lots;
  order.extra = kNone;
  const u32 instrument = state.slot_of(*j.instrument);
  order.position = j.position;
  if (state.accounting()) {
    if (j.position == kNone) [[unlikely]] {
      order.position = make_position(state, j.account, instrument);
    }
    begin_working(state, state.positions[order.position], j.wish.sell, j.wish.lots);
  } else {
    order.client_entry = c.session;  // which no client id remembers
  }
  const u32 mode =
      c.self_trade_prevention == kStpDefault ? kStpCancelNewest : c.self_trade_prevention;
  const u32 flags = kOrderLive | (j.wish.sell ? kOrderSell : 0U) |
                    (j.wish.post_only ? kOrderPostOnly : 0U) | (j.rests ? 0U : kOrderNeverRests) |
                    (c.time_in_force == kFillOrKill ? kOrderFillOrKill : 0U) |
                    (mode << kOrderStpShift);
  state.orders.node(slot) =
      OrderNode{kNone, kNone, j.wish.lots, kNone, j.account, instrument, flags};
}

[[gnu::always_inline]] inline void tell_order(const State& state, const SubmitOrder& c, u32 slot,
                                              i64 hold, Teller& teller) {
  const OrderNode& node = state.orders.node(slot);
  const OrderRecord& order = state.orders.record(slot);
  OrderAccepted& event = teller.tell<OrderAccepted>(c.header.instrument, c.header.account);
  event.price = order.price;
  event.quantity = order.quantity;
  u64 ways;  // side, type, time in force, self-trade prevention and flags, in both layouts
  static_assert(offsetof(SubmitOrder, side) == 34 && offsetof(OrderAccepted, side) == 68);
  std::memcpy(&ways, reinterpret_cast<const std::byte*>(&c) + 32, sizeof ways);
  u64 id;
  std::memcpy(&id, c.client_id, sizeof id);
  u64 currency = 0;
  if (state.accounting()) {
    event.hold = hold;
    currency = held_currency(state.instruments[node.instrument], is_sell(node));
  }
  set_word(event, offsetof(OrderAccepted, order_slot), slot | ways << 16 >> 32 << 32);
  set_word(event, offsetof(OrderAccepted, flags), ways >> 48 | currency << 16 | id << 32);
  std::memcpy(event.client_id + 4, c.client_id + 4, kIdBytes - 4);
  set_word(event, offsetof(OrderAccepted, session), c.session);
}

[[gnu::always_inline]] inline u32 accept(State& state, const SubmitOrder& c,
                                         const OrderTerms* terms, const Judged& j, Teller& teller) {
  const u32 slot = state.orders.acquire();
  write_order(state, c, j, slot, teller);
  // Told before the tables are written, whose lines may be far away: the hash reads the event soon.
  tell_order(state, c, slot, j.wish.hold, teller);
  if (state.accounting()) {
    account_for(state, c, terms, j, slot, teller);
    set_hold(state, slot, j.wish.hold);
  }
  return slot;
}

/// Gives the accepted order its row. From now on it is in its account's list, because it may wait,
/// or be looked for while it takes.
void add_row(State& state, u32 slot, const SubmitOrder& c, const Judged& j) {
  add_extra(state, slot, j.plain ? Beyond{row_of(c), kOrderRare} : j.beyond);
}

/// Whether an order that is accepted now waits for something else than its parent before it takes
/// and rests.
bool waits_at_first(const Instrument& instrument, const SubmitOrder& c) {
  return c.type == kPegged || is_triggered(c.type) ||
         waits_in(instrument.terms.status, c.time_in_force);
}

void start_rare(State& state, const SubmitOrder& c, const Judged& j, u32 slot, Teller& teller) {
  add_row(state, slot, c, j);
  if (!j.plain) tell_terms(state, slot, waits_at_first(*j.instrument, c), teller);
  begin(state, slot, teller);
}

/// Loads the order that a taker meets first: nothing else comes near it before they trade.
void prefetch_best(const State& state, const Instrument& instrument, const SubmitOrder& c) {
  const u32 best = instrument.book.side(c.side != kSell).best_level();
  if (c.time_in_force == kImmediateOrCancel && best != kNone) {
    state.orders.prefetch_maker(state.pages.level(best).head);
  }
}

/// Accepts or rejects, or answers a repeat as the first time. It is judged before its id is looked
/// for, which changes nothing: meanwhile the place where that id would stand is loaded, as a rule
/// the farthest of all that a submission alone waits for. Always inline into the two below.
[[gnu::always_inline]] inline void place(State& state, const SubmitOrder& command,
                                         const OrderTerms* terms, bool straight, Judged& judged,
                                         Teller& teller) {
  Refusal why;
  const Position& position =
      position_to_judge(state, judged.account, state.slot_of(*judged.instrument), judged.position);
  const bool good = judge(state, command, terms, straight, kAlone, position, judged, why);
  if (state.accounting()) {
    const u32 first = state.client_ids.find_tagged(judged.tag, judged.account, command.client_id);
    if (first != kNone) [[unlikely]] {
      answer_again(state, first, command, terms, teller);
      return;
    }
  }
  if (judged.counts) [[unlikely]] {
    count_rate(state, judged.account, command.session, kThrottleNew, &command);
  }
  if (!good) {
    // A full table refuses accepting, but must not change the reason of a refusal.
    if (state.accounting() && why.reason != Reason::capacity && !state.client_ids.full()) {
      remember(state, command, terms, judged, kNone, Fate::rejected, teller);
    }
    tell_rejected(command, why, teller);
    return;
  }
  const u32 slot = accept(state, command, terms, judged, teller);
  if (straight) {
    work_plain(state, *judged.instrument, slot, judged.wish.level, teller);
  } else if (judged.has_row) {
    start_rare(state, command, judged, slot, teller);
  } else {
    work(state, slot, judged.wish.level, teller);
  }
}

[[gnu::noinline]] void place_rarely(State& state, const SubmitOrder& command,
                                    const OrderTerms* terms, Judged& judged, Teller& teller) {
  place(state, command, terms, false, judged, teller);
}

/// `terms` null: a plain submission. Always inline into its two callers, so that the plain one
/// never asks for terms.
[[gnu::always_inline]] inline void submit_with(State& state, const SubmitOrder& command,
                                               const OrderTerms* terms, Teller& teller) {
  if (!is_good(command)) [[unlikely]] {
    tell_bad(teller, command.header);
    return;
  }
  Judged judged;
  judged.instrument = state.find_instrument(command.header.instrument);
  if (judged.instrument == nullptr) [[unlikely]] {
    reject(command, Reason::unknown_symbol, Scope::instrument, teller);
    return;
  }
  judged.account = state.accounts.find(command.header.account);
  if (judged.account == kNone) [[unlikely]] {
    reject(command, Reason::unknown_account, Scope::account, teller);
    return;
  }
  if (state.accounting()) {
    state.client_ids.prefetch_next(teller.sequence());
    prefetch_best(state, *judged.instrument, command);
    judged.tag = id_tag(judged.account, command.client_id);
  }
  const Instrument& instrument = *judged.instrument;
  if (terms == nullptr && is_common(command) && instrument.terms.status == kContinuous &&
      instrument.rare == 0) [[likely]] {
    place(state, command, nullptr, true, judged, teller);
  } else {
    place_rarely(state, command, terms, judged, teller);
  }
}

}  // namespace

bool content_is_good(const SubmitOrder& c) { return is_good(c); }

void tell_repeat(Teller& teller, const CommandHeader& header, const Submission& first) {
  CommandDone& done = tell_done(teller, header, kRepeat);
  done.order_sequence = first.sequence;
  done.order_slot = first.slot;
}

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

bool judge_seated(State& state, const SubmitOrder& c, const OrderTerms* terms, const Seat& seat,
                  Judged& j, Refusal& why) {
  const Position& position =
      position_to_judge(state, j.account, state.slot_of(*j.instrument), j.position);
  return judge(state, c, terms, false, seat, position, j, why);
}

void make_order(State& state, const SubmitOrder& c, const OrderTerms* terms, const Judged& j,
                u32 slot, bool waits, Teller& teller) {
  write_order(state, c, j, slot, teller);
  if (state.accounting()) account_for(state, c, terms, j, slot, teller);
  add_row(state, slot, c, j);
  if (waits) state.orders.node(slot).flags |= kOrderWaits;
}

void tell_accepted(const State& state, const SubmitOrder& c, const Judged& j, u32 slot,
                   Teller& teller) {
  const OrderRecord& order = state.orders.record(slot);
  tell_order(state, c, slot, state.accounting() ? order.hold : 0, teller);
  const bool for_parent = (state.orders.node(slot).flags & kOrderWaits) != 0;
  if (for_parent || !j.plain) {
    tell_terms(state, slot, for_parent || waits_at_first(*j.instrument, c), teller);
  }
}

void submit(State& state, const SubmitOrder& command, Teller& teller) {
  submit_with(state, command, nullptr, teller);
}

void submit_advanced(State& state, const SubmitAdvancedOrder& command, Teller& teller) {
  if (!terms_are_good(command.terms)) {
    tell_bad(teller, command.order.header);
    return;
  }
  if (is_empty(command.terms)) {
    submit(state, command.order, teller);
  } else {
    submit_with(state, command.order, &command.terms, teller);
  }
}

}  // namespace quantumcore
