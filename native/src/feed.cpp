#include "quantumcore/feed.hpp"

#include <bit>

namespace quantumcore {

/// Two cache lines each: what is written for one instrument disturbs no reader of another.
struct Feed::Row {
  alignas(128) Seqlock<TopOfBook> top;
  alignas(128) Seqlock<LastTrade> trade;
};

struct Feed::Known {
  u32 slot;       // of the instrument, in the engine
  u64 step;       // the last that named it
  TopOfBook top;  // as last written
  LastTrade trade;
  bool traded;  // in this step
};

namespace {

std::size_t hash_of(u32 instrument) { return instrument * 0x9E37'79B1ULL >> 16; }

TopOfBook top_of(const State& state, const Book& book) {
  TopOfBook top{};
  for (const bool sell : {false, true}) {
    if (!book.stands(sell)) continue;
    (sell ? top.ask : top.bid) = book.best(sell);
    (sell ? top.ask_lots : top.bid_lots) = state.pages.level(book.side(sell).best_level()).lots;
  }
  return top;
}

bool same_prices(const TopOfBook& a, const TopOfBook& b) {
  return a.bid == b.bid && a.bid_lots == b.bid_lots && a.ask == b.ask && a.ask_lots == b.ask_lots;
}

}  // namespace

Feed::Feed(const Engine& engine, const FeedConfig& config)
    : ring_(config.events),
      max_rows_(std::min(config.instruments, kMaxInstruments)),
      rows_(std::make_unique<Row[]>(max_rows_)),
      key_mask_(std::bit_ceil(std::size_t{2} * max_rows_ + 1) - 1),
      keys_(std::make_unique<std::atomic<u64>[]>(key_mask_ + 1)) {
  known_.reserve(max_rows_);
  touched_.reserve(max_rows_);
  const State& state = engine.state();
  for (u32 slot = 0; slot < state.instrument_count; ++slot) {
    const u32 row = note(state, state.instruments[slot].id);
    if (row != kNone) write_top(engine, row);
  }
  touched_.clear();
}

Feed::~Feed() = default;

void Feed::tell(const Engine& engine, std::span<const std::byte> events) {
  const State& state = engine.state();
  ++step_;
  u32 instrument = 0;  // of the event before: most steps are about few
  u32 row = kNone;
  for (std::size_t at = 0; at < events.size();) {
    EventHeader header;
    std::memcpy(&header, events.data() + at, sizeof header);
    QC_ASSERT(header.size >= sizeof header && header.size <= events.size() - at);
    ring_.publish(events.subspan(at, header.size));
    if (header.instrument != instrument) {
      instrument = header.instrument;
      row = note(state, instrument);
    }
    if (row != kNone && header.kind == static_cast<u8>(EventKind::trade_printed)) {
      TradePrinted trade;
      std::memcpy(&trade, events.data() + at, sizeof trade);
      known_[row].trade = {header.sequence, header.time_ns, trade.price,
                           trade.quantity,  trade.fill,     trade.taker_side};
      known_[row].traded = true;
    }
    at += header.size;
  }
  for (const u32 each : touched_) {
    write_top(engine, each);
    if (!known_[each].traded) continue;
    rows_[each].trade.write(known_[each].trade);
    known_[each].traded = false;
  }
  touched_.clear();
}

bool Feed::top(u32 instrument, TopOfBook& out) const {
  const u32 row = row_of(instrument);
  if (row == kNone) return false;
  rows_[row].top.read(out);
  return true;
}

bool Feed::last_trade(u32 instrument, LastTrade& out) const {
  const u32 row = row_of(instrument);
  if (row == kNone) return false;
  rows_[row].trade.read(out);
  return true;
}

u32 Feed::row_of(u32 instrument) const {
  for (std::size_t at = hash_of(instrument) & key_mask_;; at = (at + 1) & key_mask_) {
    // Relaxed: a row that is found is read under its own seqlock, and before it is written it reads
    // as not known.
    const u64 key = keys_[at].load(std::memory_order_relaxed);
    if (key == 0) return kNone;
    if (key >> 32 == instrument) return static_cast<u32>(key) - 1;
  }
}

/// The row of an instrument that this step names, made if need be, or kNone: none is left, or the
/// engine has no such instrument (a refused command may name any).
u32 Feed::note(const State& state, u32 instrument) {
  u32 row = row_of(instrument);
  if (row == kNone) {
    const Instrument* const found = state.find_instrument(instrument);
    if (found == nullptr) return kNone;
    row = add(instrument);
    if (row == kNone) return kNone;
    known_[row].slot = state.slot_of(*found);
  }
  if (known_[row].step != step_) {
    known_[row].step = step_;
    touched_.push_back(row);
  }
  return row;
}

u32 Feed::add(u32 instrument) {
  if (row_count_ == max_rows_) {
    ++without_row_;
    return kNone;
  }
  std::size_t at = hash_of(instrument) & key_mask_;
  while (keys_[at].load(std::memory_order_relaxed) != 0) at = (at + 1) & key_mask_;
  const u32 row = row_count_++;
  known_.push_back({0, ~u64{0}, {}, {}, false});
  keys_[at].store(u64{instrument} << 32 | (row + 1), std::memory_order_relaxed);
  return row;
}

void Feed::write_top(const Engine& engine, u32 row) {
  Known& known = known_[row];
  const State& state = engine.state();
  TopOfBook top = top_of(state, state.instruments[known.slot].book);
  if (known.top.sequence != 0 && same_prices(top, known.top)) return;
  top.sequence = engine.sequence();
  top.time_ns = engine.time_ns();
  known.top = top;
  rows_[row].top.write(top);
}

}  // namespace quantumcore
