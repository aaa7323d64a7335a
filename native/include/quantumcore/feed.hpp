#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "quantumcore/engine.hpp"
#include "quantumcore/ring.hpp"
#include "quantumcore/seqlock.hpp"

namespace quantumcore {

/// Bounds of a feed, whose memory is taken when it is made: 256 bytes for each slot of the ring,
/// 256 for each row of the table.
struct FeedConfig {
  std::uint32_t events = 16'384;      // slots of the ring: a power of two, at least 2
  std::uint32_t instruments = 4'096;  // rows of the table
};

/// An event as the engine told it (docs/reference/engine.md section 3). Bytes past its size are
/// not copied: they are what they were.
struct FeedEvent {
  alignas(8) std::byte bytes[kMaxEventSize];

  EventHeader header() const { return as<EventHeader>(); }
  /// The event as `E`, of which it must be.
  template <class E>
  E as() const {
    E event;
    std::memcpy(&event, bytes, sizeof event);
    return event;
  }
  /// Words of an event whose first is `first`, for the ring.
  static u32 words(u64 first) {
    return std::min<u32>(static_cast<u16>(first) / sizeof(u64), sizeof(FeedEvent) / sizeof(u64));
  }
};

/// The best prices of an instrument. In an auction's call they may cross.
struct TopOfBook {
  u64 sequence;  // the last command of the step that left them so; 0: not known
  i64 time_ns;   // of the engine then
  i64 bid;       // ticks
  i64 bid_lots;  // shown at that price; 0: nobody bids, and `bid` is 0
  i64 ask;
  i64 ask_lots;
};

/// The last trade that was printed; a bust does not take it back.
struct LastTrade {
  u64 sequence;  // of its command; 0: none since the feed began
  i64 time_ns;
  i64 price;  // ticks
  i64 lots;
  u32 fill;  // within its command, from 0
  u32 taker_side;
};

/// What an engine tells, for readers in other threads of the process: every event in a ring, and
/// per instrument the newest best prices and the last trade in a table.
///
/// One thread writes, the one that steps the engine; it never waits, never looks at readers, and
/// allocates nothing after construction. Any number of threads read: `top`, `last_trade`, and a
/// Reader each. They must end before the feed does.
///
/// At the limits: a reader that falls more than the ring behind goes on with the newest event and
/// is told how many it missed. An instrument past `instruments` has no row; its events are in the
/// ring all the same, and `without_row` says that it happened.
class Feed {
 public:
  using EventRing = Ring<FeedEvent>;
  using Reader = EventRing::Reader;

  /// The table begins with what stands in the books of `engine`. Throws std::invalid_argument for a
  /// ring that is none.
  explicit Feed(const Engine& engine, const FeedConfig& config = {});
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;
  ~Feed();

  /// Tells the events of the step that `engine` has just done, then writes the rows that it
  /// changed: who reads a row of sequence s finds all events up to s in the ring. Cost: the bytes
  /// of the events, and a row for each instrument that they name.
  void tell(const Engine& engine, std::span<const std::byte> events);

  /// The newest best prices: of one step, whole. False, and nothing is written: no row.
  bool top(u32 instrument, TopOfBook& out) const;
  bool last_trade(u32 instrument, LastTrade& out) const;
  /// A reader that begins with the next event.
  Reader reader() const { return Reader(ring_); }
  const EventRing& ring() const { return ring_; }

  /// How often an instrument that has no row was named; 0: the table is large enough. The writing
  /// thread's.
  u64 without_row() const { return without_row_; }

 private:
  struct Row;
  struct Known;

  u32 row_of(u32 instrument) const;
  u32 note(const State& state, u32 instrument);
  u32 add(u32 instrument);
  void write_top(const Engine& engine, u32 row);

  EventRing ring_;
  const u32 max_rows_;
  const std::unique_ptr<Row[]> rows_;
  // Open addressing, never more than half full: id in the upper half, row + 1 in the lower; 0:
  // free.
  const std::size_t key_mask_;
  const std::unique_ptr<std::atomic<u64>[]> keys_;
  // The writer's own, apart from what readers read.
  alignas(128) std::vector<Known> known_;  // by row
  std::vector<u32> touched_;               // rows that the step's events name
  u32 row_count_ = 0;
  u64 without_row_ = 0;
  u64 step_ = 0;
};

}  // namespace quantumcore
