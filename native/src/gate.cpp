#include "quantumcore/gate.hpp"

#include "quantumcore/exposure.hpp"
#include "quantumcore/phases.hpp"

#if defined(__SSSE3__)
#include <tmmintrin.h>
#endif

namespace quantumcore {

namespace {

/// ticks × lots of one order, over its life.
constexpr u128 kMostTicksLots = (u128{1} << 96) - 1;
constexpr u64 kMost = static_cast<u64>(kMaxI64);

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

}  // namespace

#if defined(__SSSE3__)

namespace {

/// What 16 bytes are: `classes` is 0 for those that are neither zero nor a letter, a digit, '-' or
/// '_'; `zero` has a bit for each zero.
struct IdBytes {
  __m128i classes;
  u64 zero;
};

/// The good bytes of each high nibble are a few runs of low nibbles: a byte is sound when both
/// nibbles have a class in common. Looking up takes the low nibble by itself, and 0 for a byte
/// above 127.
IdBytes id_bytes(const char* bytes) {
  constexpr char kNull = 1;
  constexpr char kMinus = 2;
  constexpr char kDigit = 4;
  constexpr char kFirst = 8;    // @ and ` are the only ones of their row that are no letters
  constexpr char kSecond = 16;  // p to z, P to Z
  constexpr char kLine = 32;
  const __m128i of_high = _mm_setr_epi8(kNull, 0, kMinus, kDigit, kFirst, kSecond | kLine, kFirst,
                                        kSecond, 0, 0, 0, 0, 0, 0, 0, 0);
  constexpr char kEach = kFirst | kSecond | kDigit;
  const __m128i of_low = _mm_setr_epi8(kNull | kSecond | kDigit, kEach, kEach, kEach, kEach, kEach,
                                       kEach, kEach, kEach, kEach, kFirst | kSecond, kFirst, kFirst,
                                       kFirst | kMinus, kFirst, kFirst | kLine);
  const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
  const __m128i nibble = _mm_set1_epi8(15);
  const __m128i low = _mm_shuffle_epi8(of_low, v);
  const __m128i high = _mm_shuffle_epi8(of_high, _mm_and_si128(_mm_srli_epi16(v, 4), nibble));
  return {_mm_and_si128(low, high),
          static_cast<u32>(_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_setzero_si128())))};
}

}  // namespace

/// All bytes at once: ids differ in length, and a loop's end that cannot be guessed costs more than
/// the rest of the judgement.
bool is_id(const char (&id)[kIdBytes]) {
  static_assert(kIdBytes == 36);
  const IdBytes a = id_bytes(id);
  const IdBytes b = id_bytes(id + 16);
  const IdBytes c = id_bytes(id + 20);  // its last 4 bytes are those that are missing
  const u64 zero = a.zero | b.zero << 16 | (c.zero >> 12) << 32;
  const u64 good = ~zero & ((u64{1} << kIdBytes) - 1);
  const __m128i least = _mm_min_epu8(_mm_min_epu8(a.classes, b.classes), c.classes);
  const int unsound = _mm_movemask_epi8(_mm_cmpeq_epi8(least, _mm_setzero_si128()));
  return ((good != 0) & ((good & (good + 1)) == 0) & (unsound == 0)) != 0;
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

bool judge_price(const Instrument& instrument, const Measured& price, Reason reason, i64& ticks,
                 Refusal& why) {
  const Grid grid = instrument.price_grid();
  const i64 low = instrument.terms.min_price;
  const i64 high = instrument.terms.max_price;
  if (price.count < low || price.count > high) {
    return why.no(reason, Scope::instrument, price.decimals,
                  on_grid(price.count < low ? low : high, grid), price.value);
  }
  ticks = static_cast<i64>(price.count);
  return true;
}

bool judge_shape_exactly(const Instrument& instrument, Given given, i64& ticks, i64& lots,
                         Refusal& why) {
  const Grid price_grid = instrument.price_grid();
  const Grid lot_grid = instrument.lot_grid();
  const bool measure_price = given.has_price && !given.market;
  Measured p{};
  Measured q{};
  if (measure_price) {
    p = measure_wide(given.price, price_grid);
    if (!p.on_grid) return why.no(Reason::bad_tick, Scope::instrument, p.decimals, p.step, p.value);
  }
  if (given.has_quantity) {
    q = measure_wide(given.quantity, lot_grid);
    if (!q.on_grid) return why.no(Reason::bad_lot, Scope::instrument, q.decimals, q.step, q.value);
    if (!judge_quantity(instrument, q, lots, why)) return false;
  }
  if (measure_price) return judge_price(instrument, p, Reason::bad_price, ticks, why);
  if (given.market && given.price.mantissa != 0) {
    p = measure_wide(given.price, price_grid);
    return why.no(Reason::bad_price, Scope::instrument, p.decimals, 0, p.value);
  }
  return true;
}

bool judge_phase_exactly(u8 status, u8 time_in_force, u16 flags, Refusal& why) {
  return phase_admits(status, time_in_force, flags) || why.no(Reason::halted, Scope::instrument);
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

u128 doubled_reference(const State& state, const Instrument& instrument) {
  static constexpr u64 kWidest = 5'000'000;  // 10^-8 of the mid: a wider quote is no reference
  const Book& book = instrument.book;
  if (book.stands(false) && book.stands(true) && book.best(false) < book.best(true)) {
    const u64 bid = static_cast<u64>(book.best(false));
    const u64 ask = static_cast<u64>(book.best(true));
    const u128 sum = static_cast<u128>(ask) + bid;
    if (static_cast<u128>(ask - bid) * (2 * kRateScale) <= kWidest * sum) return sum;
  }
  const i64 price =
      instrument.last_price != 0 ? instrument.last_price : state.rare_of(instrument).reference;
  return static_cast<u128>(static_cast<u64>(price)) * 2;
}

bool judge_reference(const State& state, const Instrument& instrument, bool sell, i64& price,
                     Refusal& why) {
  const u128 doubled = doubled_reference(state, instrument);
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

/// MAX_NOTIONAL and MIN_NOTIONAL of what is to work; `beside` null: without accounting.
bool judge_worth(const State& state, const Instrument& instrument, const Beside* beside,
                 const Wish& wish, const Quotient& working, Refusal& why) {
  const i128 dear = static_cast<i128>(working.ceil());
  const i128 cheap = static_cast<i128>(working.floor);
  Tightest most{instrument.terms.max_notional, Scope::instrument};
  if (beside != nullptr && dear > beside->position.order_notional) [[unlikely]] {
    most = least_money(state, beside->position, kOfAll, &MoneyLimits::max_order_notional, most);
  }
  if (!most.admits(dear)) [[unlikely]] {
    return why.no(Reason::max_notional, most.scope, state.quote_of(instrument).scale, most.limit,
                  dear);
  }
  if (cheap < instrument.terms.min_notional &&
      (beside == nullptr || !closes_whole(state, *beside, wish))) [[unlikely]] {
    return why.no(Reason::min_notional, Scope::instrument, state.quote_of(instrument).scale,
                  instrument.terms.min_notional, cheap);
  }
  return true;
}

}  // namespace

i64 dearest_price(const State& state, const Instrument& instrument, bool sell, i64 price) {
  if (!sell) return price;
  i64 dearest = price;
  if (instrument.book.stands(false)) dearest = std::max(dearest, instrument.book.best(false));
  if ((instrument.rare & kRareDark) != 0) {
    const Ladder& dark = state.rare_of(instrument).dark[0];
    if (!dark.empty()) dearest = std::max(dearest, ticks_of(false, dark.best_key()));
  }
  return dearest;
}

bool judge_product(const State& state, const Instrument& instrument, u128 ticks_lots,
                   Refusal& why) {
  return judge_overflow(state, instrument, ticks_lots, units(ticks_lots, instrument.unit), why);
}

bool product_fits(const Instrument& instrument, u128 ticks_lots) {
  return ticks_lots <= kMostTicksLots && units(ticks_lots, instrument.unit).ceil() <= kMost;
}

bool judge_notional_exactly(const State& state, const Instrument& instrument, const Wish& wish,
                            Refusal& why) {
  const u128 ticks_lots = ticks_times_lots(wish.price, wish.lots);
  const Quotient notional = units(ticks_lots, instrument.unit);
  return judge_overflow(state, instrument, ticks_lots, notional, why) &&
         judge_worth(state, instrument, nullptr, wish, notional, why);
}

bool judge_bounds(const State& state, const Instrument& instrument, const Rates& rates,
                  const OrderSums& sums, Wish& wish, Refusal& why) {
  const auto quote_scale = [&] { return state.quote_of(instrument).scale; };
  if (!state.accounting()) {
    return judge_product(state, instrument, ticks_times_lots(wish.price, wish.lots), why);
  }
  const u128 all =
      sums.notional +
      ticks_times_lots(dearest_price(state, instrument, wish.sell, wish.price), wish.lots);
  const Quotient notional = units(all, instrument.unit);
  if (!judge_overflow(state, instrument, all, notional, why)) return false;
  if (!wish.sell) {
    const u128 hold = buy_hold(rates, sums, wish.price, wish.lots, instrument.unit);
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

bool judge_amounts_exactly(const State& state, const Instrument& instrument, const Beside& beside,
                           const Rates& rates, const OrderSums& sums, Wish& wish, Refusal& why) {
  if (!judge_bounds(state, instrument, rates, sums, wish, why)) return false;
  const u128 rest = ticks_times_lots(wish.price, wish.lots);
  return judge_worth(state, instrument, &beside, wish, units(rest, instrument.unit), why);
}

bool judge_funds_exactly(const State& state, const Instrument& instrument, const Rates& rates,
                         const Wish& wish, i64 increase, i64 available, Refusal& why) {
  const auto quote_scale = [&] { return state.quote_of(instrument).scale; };
  // What is lowered, or holds nothing, needs nothing that must be there.
  if (increase > std::max<i64>(available, 0)) [[unlikely]] {
    return why.no(Reason::no_funds, Scope::account,
                  wish.sell ? state.base_of(instrument).scale : quote_scale(), available, increase);
  }
  if (!wish.sell) return true;
  // One lot must pay its own fee out of its proceeds, or settlement could overdraw the seller.
  const u128 price = static_cast<u64>(wish.price);
  const u128 proceeds = units(price, instrument.unit).floor;
  u128 fee = rated_units(price * static_cast<u64>(rates.worst()), instrument.unit).ceil();
  if (fee < static_cast<u64>(rates.minimum_fee)) fee = static_cast<u64>(rates.minimum_fee);
  if (fee > proceeds) [[unlikely]] {
    return why.no(Reason::no_funds, Scope::order, quote_scale(), static_cast<i128>(proceeds),
                  static_cast<i128>(fee));
  }
  return true;
}

}  // namespace quantumcore
