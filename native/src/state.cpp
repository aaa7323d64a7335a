#include "quantumcore/state.hpp"

#include <algorithm>

#include "quantumcore/act.hpp"

namespace quantumcore {

u32 symbol_tag(const char (&symbol)[24]) {
  u64 w[3];
  std::memcpy(w, symbol, sizeof w);
  const u64 h = mum(mum(w[0] ^ kHash1, w[1] ^ kHash2) ^ kHash0, w[2] ^ kHash3);
  return static_cast<u32>(h ^ (h >> 32));
}

namespace {

// The scratch of an act is words.
static_assert(sizeof(Judged) % sizeof(u64) == 0 && alignof(Judged) <= alignof(u64));
constexpr u16 kChart[kHousePlaces] = {100, 230, 240, 300, 310, 320, 330, 400, 410, 420, 430, 900};

/// With max_balances of them nothing more is accepted; the members of an act, and without
/// accounting what works then, may pass that.
u32 most_positions(const EngineConfig& c) {
  const u64 most = u64{c.max_balances} + c.max_orders;
  return static_cast<u32>(std::min<u64>(most, kNone - 1));
}

/// Orders instruments, so that the top of a heap has the least id.
struct HasHigherId {
  const Instrument* instruments;
  bool operator()(u32 a, u32 b) const { return instruments[a].id > instruments[b].id; }
};

}  // namespace

// A leaf exists only while an order rests in it, so max_orders leaves always suffice.
State::State(const EngineConfig& c)
    : config(c),
      orders(c.max_orders),
      extras(c.max_orders),
      links(c.max_orders),
      positions(most_positions(c)),
      group_positions(most_positions(c)),
      quantity_limits(c.max_limits),
      money_limits(c.max_limits),
      share_limits(c.max_limits),
      order_worth(c.max_orders),
      position_worth(most_positions(c)),
      balance_worth(c.max_balances),
      busts(kMaxBusts),
      actions(kMaxActions),
      pages(c.max_orders, c.max_windows, kMaxInstruments * 4),  // two of a book, two in the dark
      accounts(c.max_accounts, c.max_balances),
      client_ids(c.max_client_ids),
      transfer_ids(c.max_transfers),
      group_ids(c.max_groups, c.max_legs),
      currencies(kMaxCurrencies),
      houses(kMaxCurrencies),
      currency_slot_plus_1(65'536),
      instruments(kMaxInstruments),
      account_order(c.max_accounts),
      rare_books(kMaxInstruments),
      touched(kMaxInstruments),
      due(kMaxInstruments),
      due_now(kMaxInstruments),
      stop_heaps(c.max_orders),
      extreme_heaps(c.max_orders),
      expiry_heap(c.max_orders),
      timer_heap(c.max_accounts),
      day_links(c.max_orders),
      moved(c.max_orders),
      fired(c.max_orders),
      ending(c.max_orders),
      kept(c.max_orders),
      parts(c.max_orders),
      judged(kMostOfAct * sizeof(Judged) / sizeof(u64)),
      batch(kMaxCommandSize / sizeof(u64)),
      walk_marks(c.max_accounts),
      counted(c.max_orders),
      hold_ids(c.max_holds),
      guards(c.max_accounts),
      margin(kMaxInstruments),
      closing_rooms(most_positions(c)) {
  QC_ASSERT(c.max_orders < kNone / 64 && c.max_client_ids < kNone && c.max_accounts < kNone &&
            c.max_transfers < kNone && c.max_balances < kNone && c.accounting <= 1 &&
            c.max_groups < kNone && c.max_legs < kNone && c.max_holds < kNone &&
            c.max_limits < kNone);
}

Usage State::usage() const {
  return {orders.slots().used(),
          pages.leaves.used(),
          pages.windows.used(),
          accounts.count(),
          accounts.balance_count(),
          client_ids.used(),
          transfer_ids.count(),
          client_ids.terms_used(),
          extras.used(),
          positions.count(),
          links.rows.used(),
          group_ids.count(),
          group_ids.leg_count(),
          hold_ids.count(),
          std::max({quantity_limits.count(), money_limits.count(), share_limits.count()})};
}

void State::fill(const Usage& usage) {
  orders.fill(usage.orders);
  pages.leaves.fill(usage.leaves);
  pages.windows.fill(usage.windows);
  accounts.fill(usage.accounts, usage.balances);
  client_ids.fill(usage.submissions);
  transfer_ids.fill(usage.transfers);
  client_ids.fill_terms(usage.terms);
  extras.fill(usage.extras);
  positions.fill(usage.positions);
  links.rows.fill(usage.links);
  group_ids.fill(usage.groups, usage.legs);
  hold_ids.fill(usage.holds);
  quantity_limits.fill(usage.limits);
  money_limits.fill(usage.limits);
  share_limits.fill(usage.limits);
}

void State::copy(const State& other) {
  sequence = other.sequence;
  time_ns = other.time_ns;
  hash = other.hash;
  killed = other.killed;
  max_open_orders = other.max_open_orders;
  orders.copy(other.orders);
  extras.copy(other.extras);
  links.rows.copy(other.links.rows);
  positions.copy_rows(other.positions);
  quantity_limits.copy_rows(other.quantity_limits);
  money_limits.copy_rows(other.money_limits);
  share_limits.copy_rows(other.share_limits);
  busts.copy(other.busts, other.bust_count);
  bust_count = other.bust_count;
  actions.copy_entries(other.actions);
  pages.leaves.copy(other.pages.leaves);
  pages.windows.copy(other.pages.windows);
  accounts.copy_rows(other.accounts);
  client_ids.copy_entries(other.client_ids);
  transfer_ids.copy_entries(other.transfer_ids);
  group_ids.copy_entries(other.group_ids);
  hold_ids.copy_entries(other.hold_ids);
  guards.copy(other.guards, other.accounts.count());
  margin.copy(other.margin, other.instrument_count);
  currencies.copy(other.currencies, other.currency_count);
  houses.copy(other.houses, other.currency_count);
  currency_count = other.currency_count;
  instruments.copy(other.instruments, other.instrument_count);
  instrument_count = other.instrument_count;
  for (u32 i = 0; i < instrument_count; ++i) rare_books[i] = other.rare_books[i];
  pages.directory.copy(other.pages.directory, std::size_t{instrument_count} * 2 * kWindowsPerSide);
  for (u32 i = 0; i < instrument_count; ++i) {
    if ((instruments[i].rare & kRareDark) == 0) continue;
    for (const Ladder& ladder : rare_books[i].dark) ladder.copy_directory(pages, other.pages);
  }
}

u8 house_place(u16 code) {
  if (code == 110) return kBank;
  for (u8 place = 0; place < kHousePlaces; ++place) {
    if (kChart[place] == code) return place;
  }
  return kHousePlaces;
}

u16 house_code(u8 place) { return kChart[place]; }

i128 State::house_balance(u16 currency, u8 place) const {
  const Currency& c = currencies[currency];
  const i128 moved = houses[currency].moved[place];
  switch (place) {
    case kBank:
      return moved + c.owed;
    case kFeeIncome:
      return moved + c.fees - houses[currency].fees_back;
    case kRebatesPaid:
      return moved + c.rebates;
    case kRounding:
      return moved + c.rounding;
    default:
      return moved;
  }
}

void State::owe(u16 currency, i64 change) {
  i64& owed = currencies[currency].owed;
  const bool overflow = __builtin_add_overflow(owed, change, &owed);
  QC_ASSERT(!overflow);
  // It is part of what the bank's account says, and nothing that the bank has moved.
  houses[currency].moved[kBank] -= change;
}

i128 State::bound(u16 currency, i128 given, i128 deeper) const {
  const i128 owed = std::max<i128>(given + currencies[currency].owed, 0);
  return owed + deeper + houses[currency].floors;
}

void State::touch_rare(const Instrument& instrument) {
  const u32 slot = slot_of(instrument);
  if (rare_books[slot].touched) return;
  rare_books[slot].touched = true;
  touched[touched_count++] = slot;
  std::push_heap(touched.data(), touched.data() + touched_count, HasHigherId{instruments.data()});
}

u32 State::next_touched() {
  std::pop_heap(touched.data(), touched.data() + touched_count, HasHigherId{instruments.data()});
  const u32 slot = touched[--touched_count];
  rare_books[slot].touched = false;
  return slot;
}

u32 State::find_by_hash(u32 id) const {
  return instruments_by_id.find(tag_of(id), [&](u32 s) { return instruments[s].id == id; });
}

Currency& State::add_currency(u16 id, u8 scale, const char (&code)[12]) {
  Currency& currency = currencies[currency_count++];
  currency = Currency{};
  currency.id = id;
  currency.scale = scale;
  std::memcpy(currency.code, code, sizeof code);
  currency_slot_plus_1[id] = static_cast<u16>(currency_count);
  return currency;
}

Instrument& State::add_instrument(u32 id, const InstrumentTerms& terms) {
  const u32 slot = instrument_count++;
  Instrument& instrument = instruments[slot];
  instrument = Instrument{};
  instrument.id = id;
  instrument.base = static_cast<u16>(find_currency(terms.base));
  instrument.quote = static_cast<u16>(find_currency(terms.quote));
  instrument.terms = terms;
  instrument.book = Book(slot);
  if (terms.status != kContinuous) instrument.rare = kRarePhase;
  rare_books[slot] = make_rare_book(slot, kMaxInstruments);
  margin.instruments[slot] = kCommonMargin;
  const bool fits = make_unit(terms.tick, terms.lot, terms.multiplier,
                              static_cast<u32>(terms.tick_scale) + terms.lot_scale,
                              quote_of(instrument).scale, instrument.unit) &&
                    make_asset_per_lot(terms.lot, terms.lot_scale, base_of(instrument).scale,
                                       instrument.asset_per_lot);
  QC_ASSERT(fits);
  if (SmallIds::holds(id)) {
    instruments_by_small_id.insert(id, slot);
  } else {
    instruments_by_id.insert(tag_of(id), slot);
  }
  instruments_by_symbol.insert(symbol_tag(terms.symbol), slot);
  return instrument;
}

}  // namespace quantumcore
