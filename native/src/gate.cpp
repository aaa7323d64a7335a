#include "quantumcore/gate.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace quantumcore {

namespace {

/// ticks × lots of one order, over its life.
constexpr u128 kMostTicksLots = (u128{1} << 96) - 1;
constexpr u64 kMost = static_cast<u64>(kMaxI64);

/// The dearest price at which the order can trade: a sell takes bids that may stand far above it.
i64 dearest_price(const Instrument& instrument, const Wish& wish) {
  const bool takes_bids = wish.sell && instrument.book.crosses(false, wish.price);
  return takes_bids ? instrument.book.best(false) : wish.price;
}

/// Numbers told to the outside end at 2^126, which no bound comes near.
i128 told(u128 amount) { return static_cast<i128>(amount < kHuge ? amount : kHuge); }

bool judge_quantity(const Instrument& instrument, const Measured& quantity, i64& lots,
                    Refusal& why) {
  const Grid grid = instrument.lot_grid();
  if (quantity.count > kMaxI64) {
    return why.no(Reason::bad_qty, Scope::instrument, quantity.decimals, on_grid(kMaxI64, grid),
                  quantity.value);
  }
  const i64 least = instrument.terms.min_quantity;
  if (quantity.count < least) {
    return why.no(Reason::bad_qty, Scope::instrument, quantity.decimals, on_grid(least, grid),
                  quantity.value);
  }
  lots = static_cast<i64>(quantity.count);
  return true;
}

bool judge_price(const Instrument& instrument, const Measured& price, i64& ticks, Refusal& why) {
  const Grid grid = instrument.price_grid();
  const i64 low = instrument.terms.min_price;
  const i64 high = instrument.terms.max_price;
  if (price.count < low || price.count > high) {
    return why.no(Reason::bad_price, Scope::instrument, price.decimals,
                  on_grid(price.count < low ? low : high, grid), price.value);
  }
  ticks = static_cast<i64>(price.count);
  return true;
}

}  // namespace

#if defined(__SSE2__)

namespace {

/// One bit for each of 16 bytes: a letter, a digit, '-' or '_'; and whether it is that or zero.
struct IdBits {
  u64 good;
  u64 sound;
};

IdBits id_bits(const char* bytes) {
  const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
  const auto below = [](__m128i x, char n) {
    return _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(static_cast<char>(n - 1))), x);
  };
  const __m128i small = _mm_or_si128(v, _mm_set1_epi8(0x20));
  const __m128i letter = below(_mm_sub_epi8(small, _mm_set1_epi8('a')), 26);
  const __m128i digit = below(_mm_sub_epi8(v, _mm_set1_epi8('0')), 10);
  const __m128i mark =
      _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('-')), _mm_cmpeq_epi8(v, _mm_set1_epi8('_')));
  const __m128i good = _mm_or_si128(_mm_or_si128(letter, digit), mark);
  const __m128i sound = _mm_or_si128(good, _mm_cmpeq_epi8(v, _mm_setzero_si128()));
  return {static_cast<u32>(_mm_movemask_epi8(good)), static_cast<u32>(_mm_movemask_epi8(sound))};
}

}  // namespace

/// All bytes at once: ids differ in length, and a loop's end that cannot be guessed costs more than
/// the rest of the judgement.
bool is_id(const char (&id)[kIdBytes]) {
  static_assert(kIdBytes == 36);
  const IdBits a = id_bits(id);
  const IdBits b = id_bits(id + 16);
  const IdBits c = id_bits(id + 20);  // its last 4 bytes are those that are missing
  const u64 good = a.good | b.good << 16 | (c.good >> 12) << 32;
  const u64 sound = a.sound | b.sound << 16 | (c.sound >> 12) << 32;
  return ((good != 0) & (sound == (u64{1} << kIdBytes) - 1) & ((good & (good + 1)) == 0)) != 0;
}

#else

namespace {

struct IdTable {
  bool good[256];
};

constexpr IdTable make_id_table() {
  IdTable table{};
  for (char c = '0'; c <= '9'; ++c) table.good[static_cast<u8>(c)] = true;
  for (char c = 'A'; c <= 'Z'; ++c) table.good[static_cast<u8>(c)] = true;
  for (char c = 'a'; c <= 'z'; ++c) table.good[static_cast<u8>(c)] = true;
  table.good[static_cast<u8>('_')] = true;
  table.good[static_cast<u8>('-')] = true;
  return table;
}

constexpr IdTable kIdTable = make_id_table();

}  // namespace

bool is_id(const char (&id)[kIdBytes]) {
  std::size_t length = 0;
  while (length < kIdBytes && kIdTable.good[static_cast<u8>(id[length])]) ++length;
  if (length == 0) return false;
  for (std::size_t i = length; i < kIdBytes; ++i) {
    if (id[i] != 0) return false;
  }
  return true;
}

#endif

bool judge_shape_exactly(const Instrument& instrument, const Decimal* price,
                         const Decimal* quantity, bool market, i64& ticks, i64& lots,
                         Refusal& why) {
  const Grid price_grid = instrument.price_grid();
  const Grid lot_grid = instrument.lot_grid();
  const bool measure_price = price != nullptr && !market;
  Measured p{};
  Measured q{};
  if (measure_price) {
    p = measure_wide(*price, price_grid);
    if (!p.on_grid) return why.no(Reason::bad_tick, Scope::instrument, p.decimals, p.step, p.value);
  }
  if (quantity != nullptr) {
    q = measure_wide(*quantity, lot_grid);
    if (!q.on_grid) return why.no(Reason::bad_lot, Scope::instrument, q.decimals, q.step, q.value);
    if (!judge_quantity(instrument, q, lots, why)) return false;
  }
  if (measure_price) return judge_price(instrument, p, ticks, why);
  if (market && price->mantissa != 0) {
    p = measure_wide(*price, price_grid);
    return why.no(Reason::bad_price, Scope::instrument, p.decimals, 0, p.value);
  }
  return true;
}

i64 collar_around(const Instrument& instrument, bool sell, u128 doubled) {
  const u64 collar = static_cast<u64>(instrument.terms.collar);
  const u128 ticks =
      sell ? (doubled * (kRateScale - collar) + (2 * kRateScale - 1)) / (2 * kRateScale)
           : doubled * (kRateScale + collar) / (2 * kRateScale);
  const u128 low = static_cast<u64>(instrument.terms.min_price);
  const u128 high = static_cast<u64>(instrument.terms.max_price);
  return static_cast<i64>(ticks < low ? low : ticks > high ? high : ticks);
}

bool judge_reference(const Instrument& instrument, bool sell, i64& price, Refusal& why) {
  static constexpr u64 kWidest = 5'000'000;  // 10^-8 of the mid: a wider quote is no reference
  const Book& book = instrument.book;
  u128 doubled = 0;  // twice the reference, so that a mid between ticks stays exact
  if (book.stands(false) && book.stands(true)) {
    const u64 bid = static_cast<u64>(book.best(false));
    const u64 ask = static_cast<u64>(book.best(true));
    const u128 sum = static_cast<u128>(ask) + bid;
    if (static_cast<u128>(ask - bid) * (2 * kRateScale) <= kWidest * sum) doubled = sum;
  }
  if (doubled == 0) doubled = static_cast<u128>(static_cast<u64>(instrument.last_price)) * 2;
  if (doubled == 0) return why.no(Reason::stale_ref, Scope::instrument);
  price = collar_around(instrument, sell, doubled);
  return true;
}

namespace {

/// AMOUNT_OVERFLOW of a sum of ticks × lots that are worth `notional`.
bool judge_overflow(const State& state, const Instrument& instrument, u128 ticks_lots,
                    const Quotient& notional, Refusal& why) {
  if (ticks_lots <= kMostTicksLots && notional.ceil() <= kMost) [[likely]] {
    return true;
  }
  const u128 most = std::min(units(kMostTicksLots, instrument.unit).floor, u128{kMost});
  return why.no(Reason::amount_overflow, Scope::order, state.quote_of(instrument).scale,
                static_cast<i128>(most), told(notional.ceil()));
}

/// MAX_NOTIONAL and MIN_NOTIONAL of what is to work.
bool judge_worth(const State& state, const Instrument& instrument, const Quotient& working,
                 Refusal& why) {
  const i128 dear = static_cast<i128>(working.ceil());
  const i128 cheap = static_cast<i128>(working.floor);
  if (dear > instrument.terms.max_notional) [[unlikely]] {
    return why.no(Reason::max_notional, Scope::instrument, state.quote_of(instrument).scale,
                  instrument.terms.max_notional, dear);
  }
  if (cheap < instrument.terms.min_notional) [[unlikely]] {
    return why.no(Reason::min_notional, Scope::instrument, state.quote_of(instrument).scale,
                  instrument.terms.min_notional, cheap);
  }
  return true;
}

}  // namespace

bool judge_notional_exactly(const State& state, const Instrument& instrument, const Wish& wish,
                            Refusal& why) {
  const u128 ticks_lots = ticks_times_lots(wish.price, wish.lots);
  const Quotient notional = units(ticks_lots, instrument.unit);
  return judge_overflow(state, instrument, ticks_lots, notional, why) &&
         judge_worth(state, instrument, notional, why);
}

bool judge_bounds(const State& state, const Instrument& instrument, const OrderRecord& order,
                  const OrderSums& sums, Wish& wish, Refusal& why) {
  const auto quote_scale = [&] { return state.quote_of(instrument).scale; };
  if (!state.accounting()) {
    const u128 ticks_lots = ticks_times_lots(wish.price, wish.lots);
    return judge_overflow(state, instrument, ticks_lots, units(ticks_lots, instrument.unit), why);
  }
  const u128 all = sums.notional + ticks_times_lots(dearest_price(instrument, wish), wish.lots);
  const Quotient notional = units(all, instrument.unit);
  if (!judge_overflow(state, instrument, all, notional, why)) return false;
  if (!wish.sell) {
    const u128 hold = buy_hold(order, sums, wish.price, wish.lots, instrument.unit);
    if (hold > kMost) [[unlikely]] {
      return why.no(Reason::amount_overflow, Scope::order, quote_scale(), kMaxI64, told(hold));
    }
    wish.hold = static_cast<i64>(hold);
  }
  const u128 asset = ticks_times_lots(instrument.asset_per_lot, wish.lots);
  if (asset > kMost) [[unlikely]] {
    return why.no(Reason::amount_overflow, Scope::order, state.base_of(instrument).scale, kMaxI64,
                  told(asset));
  }
  if (wish.sell) wish.hold = static_cast<i64>(asset);
  return true;
}

bool judge_amounts_exactly(const State& state, const Instrument& instrument,
                           const OrderRecord& order, const OrderSums& sums, Wish& wish,
                           Refusal& why) {
  if (!judge_bounds(state, instrument, order, sums, wish, why)) return false;
  const u128 rest = ticks_times_lots(wish.price, wish.lots);
  return judge_worth(state, instrument, units(rest, instrument.unit), why);
}

bool judge_funds_exactly(const State& state, const Instrument& instrument, const OrderRecord& order,
                         const Wish& wish, i64 increase, i64 available, Refusal& why) {
  const auto quote_scale = [&] { return state.quote_of(instrument).scale; };
  if (increase > available) [[unlikely]] {
    return why.no(Reason::no_funds, Scope::account,
                  wish.sell ? state.base_of(instrument).scale : quote_scale(), available, increase);
  }
  if (!wish.sell) return true;
  // One lot must pay its own fee out of its proceeds, or settlement could overdraw the seller.
  const u128 price = static_cast<u64>(wish.price);
  const u128 proceeds = units(price, instrument.unit).floor;
  u128 fee = rated_units(price * static_cast<u64>(order.worst_rate()), instrument.unit).ceil();
  if (fee < static_cast<u64>(order.minimum_fee)) fee = static_cast<u64>(order.minimum_fee);
  if (fee > proceeds) [[unlikely]] {
    return why.no(Reason::no_funds, Scope::order, quote_scale(), static_cast<i128>(proceeds),
                  static_cast<i128>(fee));
  }
  return true;
}

}  // namespace quantumcore
