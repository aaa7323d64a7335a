#include <algorithm>

#include "quantumcore/commands.hpp"
#include "quantumcore/exposure.hpp"
#include "quantumcore/fees.hpp"
#include "quantumcore/rare.hpp"

namespace quantumcore {

namespace {

/// The principal that falls due on this fill: the buyer has paid ceil, the seller received floor,
/// of the order's cumulative notional (money.md 1.4), so nobody gains by cutting small.
i64 move_principal(OrderSums& order, bool sell, u128 ticks_lots, const Unit& unit) {
  order.notional += ticks_lots;
  const Quotient sum = units(order.notional, unit);
  const u128 exact = sell ? sum.floor : sum.ceil();
  QC_ASSERT(exact <= static_cast<u64>(kMaxI64));
  const i64 now = static_cast<i64>(exact);
  const i64 due = now - order.moved;
  order.moved = now;
  return due;
}

/// total += change, checked: an amount that wraps must stop the engine, not travel.
void add(i64& total, i64 change) {
  const bool overflow = __builtin_add_overflow(total, change, &total);
  QC_ASSERT(!overflow);
}

}  // namespace

i64 hold_now(const State& state, u32 slot) {
  const u32 extra = state.orders.record(slot).extra;
  if (extra != kNone && state.extras[extra].link != kNone) [[unlikely]] {
    return linked_hold(state, slot);
  }
  return own_need(state, slot);
}

i64 own_need(const State& state, u32 slot) {
  const OrderNode& node = state.orders.node(slot);
  if ((node.flags & kOrderRare) != 0) [[unlikely]] {
    return rare_hold_now(state, slot);
  }
  if (node.leaves == 0) return 0;
  const OrderRecord& order = state.orders.record(slot);
  const Instrument& instrument = state.instruments[node.instrument];
  if (is_sell(node)) return node.leaves * instrument.asset_per_lot;
  const u128 hold =
      buy_hold(order.rates, state.orders.sums(slot), order.price, node.leaves, instrument.unit);
  QC_ASSERT(hold <= static_cast<u64>(kMaxI64));
  return static_cast<i64>(hold);
}

void set_hold(State& state, u32 slot, i64 hold) {
  OrderRecord& order = state.orders.record(slot);
  Balance& balance = state.accounts.balance(order.held_balance);
  balance.held += hold - order.hold;
  QC_ASSERT(balance.held >= 0 && (balance.held <= balance.total || balance.credit != 0));
  order.hold = hold;
  if (state.watches_worth) [[unlikely]] {
    note_worth(state, slot, worth_of(state, slot));
  }
}

void settle_fill(State& state, Instrument& instrument, u32 maker, u32 taker, i64 price, i64 lots,
                 TradePrinted& event) {
  OrderRecord& maker_order = state.orders.record(maker);
  OrderRecord& taker_order = state.orders.record(taker);
  const bool taker_sells = is_sell(state.orders.node(taker));
  const u32 buyer = taker_sells ? maker : taker;
  const u32 seller = taker_sells ? taker : maker;
  OrderRecord& buy = state.orders.record(buyer);
  OrderRecord& sell = state.orders.record(seller);
  OrderSums& maker_sums = state.orders.open_sums(maker);
  OrderSums& taker_sums = state.orders.open_sums(taker);
  const u128 ticks_lots = ticks_times_lots(price, lots);

  const i64 paid =
      move_principal(taker_sells ? maker_sums : taker_sums, false, ticks_lots, instrument.unit);
  const i64 received =
      move_principal(taker_sells ? taker_sums : maker_sums, true, ticks_lots, instrument.unit);
  const i64 asset = lots * instrument.asset_per_lot;
  // An order never pays a dearer rate than the one its hold foresaw.
  const InstrumentTerms& terms = instrument.terms;
  const i64 taker_rate = std::min<i64>(terms.taker_fee, taker_order.rates.taker);
  // A rebate is at most the taker's fee: what the customers of a currency have never passes what
  // is owed to them, so no balance can pass 63 bits.
  const i64 maker_rate =
      std::max(std::min<i64>(terms.maker_fee, maker_order.rates.maker), -taker_rate);
  const Charge of_maker =
      charge_fill(maker_order.rates, maker_sums, maker_rate, ticks_lots, instrument.unit);
  const Charge of_taker =
      charge_fill(taker_order.rates, taker_sums, taker_rate, ticks_lots, instrument.unit);

  const i64 buyer_fee = taker_sells ? of_maker.net() : of_taker.net();
  const i64 seller_fee = taker_sells ? of_taker.net() : of_maker.net();
  // Holds first fall, then totals: a total never stands below what is held of it.
  const i64 buy_hold_after = hold_now(state, buyer);
  const i64 sell_hold_after = hold_now(state, seller);
  set_hold(state, buyer, 0);
  set_hold(state, seller, 0);
  // What leaves comes before what arrives: an account on both sides never stands above what it
  // owns.
  add(state.accounts.balance(buy.held_balance).total, -(paid + buyer_fee));
  add(state.accounts.balance(state.positions[sell.position].quote_balance).total,
      received - seller_fee);
  add(state.accounts.balance(sell.held_balance).total, -asset);
  add(state.accounts.balance(state.positions[buy.position].base_balance).total, asset);
  set_hold(state, buyer, buy_hold_after);
  set_hold(state, seller, sell_hold_after);

  if (state.watches_worth) [[unlikely]] {
    note_filled(state, buyer, ticks_lots);
    note_filled(state, seller, ticks_lots);
  }

  Currency& quote = state.quote_of(instrument);
  // What the event says is what the house books: both sums of an order move when its minimum meets
  // a later rebate.
  for (const i64 net : {of_maker.net(), of_taker.net()}) {
    (net > 0 ? quote.fees : quote.rebates) += net > 0 ? net : -net;
  }
  quote.rounding += paid - received;
  QC_ASSERT(quote.rounding >= 0);

  event.paid = paid;
  event.received = received;
  event.maker_fee = of_maker.net();
  event.taker_fee = of_taker.net();
  event.asset = asset;
  event.maker_hold = maker_order.hold;
  event.taker_hold = taker_order.hold;
}

}  // namespace quantumcore
