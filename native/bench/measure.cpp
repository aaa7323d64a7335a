#include "measure.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <optional>
#include <thread>
#include <vector>

#include "clocks.hpp"

namespace quantumcore::bench {

namespace {

constexpr u64 kOverheadSamples = 10'001;

/// The size of `count` commands from the head of `rest` on, at most all of it.
std::size_t size_of(std::span<const std::byte> rest, u64 count) {
  std::size_t at = 0;
  for (u64 i = 0; i < count && at + kMinCommandSize <= rest.size(); ++i) {
    u16 size;
    std::memcpy(&size, rest.data() + at, sizeof size);
    at += size;
  }
  return std::min(at, rest.size());
}

std::vector<std::size_t> cut(std::span<const std::byte> commands, u64 per_step) {
  std::vector<std::size_t> sizes;
  for (std::size_t at = 0; at < commands.size(); at += sizes.back()) {
    sizes.push_back(size_of(commands.subspan(at), per_step));
  }
  return sizes;
}

/// Threads that read a feed as fast as they can, until their end.
class Listeners {
 public:
  Listeners(const std::optional<Feed>& feed, u32 readers) {
    for (u32 i = 0; feed && i < readers; ++i) {
      threads_.emplace_back([this, reader = feed->reader()]() mutable {
        FeedEvent event;
        while (!stop_) reader.take(event);
      });
    }
  }
  ~Listeners() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  Listeners(const Listeners&) = delete;
  Listeners& operator=(const Listeners&) = delete;

 private:
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

/// Throws InvariantViolation when the table does not show what the books show.
void demand_same(const Engine& engine, const Feed& feed) {
  const State& state = engine.state();
  for (u32 slot = 0; slot < std::min(state.instrument_count, kFeedRows); ++slot) {
    const Instrument& instrument = state.instruments[slot];
    TopOfBook top;
    QC_ASSERT(feed.top(instrument.id, top));
    for (const bool sell : {false, true}) {
      const i64 lots = sell ? top.ask_lots : top.bid_lots;
      QC_ASSERT(instrument.book.stands(sell) == (lots > 0));
      QC_ASSERT(lots == 0 || instrument.book.best(sell) == (sell ? top.ask : top.bid));
    }
  }
}

}  // namespace

Pace pace(Engine& engine, EventBuffer& events, std::span<const std::byte> commands, u64 per_step,
          const Audience& audience) {
  const u64 count = count_commands(commands);  // bad framing is found before anything is timed
  const std::vector<std::size_t> sizes = cut(commands, per_step);
  const i64 now = engine.time_ns();
  std::optional<Feed> feed;
  if (audience.slots > 0) feed.emplace(engine, FeedConfig{audience.slots, kFeedRows});
  Listeners listeners(feed, audience.readers);
  std::size_t at = 0;
  const double cpu = read_clock(CLOCK_THREAD_CPUTIME_ID);
  const double wall = read_clock(CLOCK_MONOTONIC);
  for (const std::size_t size : sizes) {
    events.clear();
    engine.step(commands.subspan(at, size), now, events);
    if (feed) feed->tell(engine, events.bytes());
    at += size;
  }
  const double each = count == 0 ? 0 : 1 / static_cast<double>(count);
  const double wall_ns = (read_clock(CLOCK_MONOTONIC) - wall) * each;
  const double cpu_ns = (read_clock(CLOCK_THREAD_CPUTIME_ID) - cpu) * each;
  if (feed) demand_same(engine, *feed);
  return {count, cpu_ns, wall_ns};
}

Latencies latencies(Engine& engine, EventBuffer& events, std::span<const std::byte> commands) {
  const u64 count = count_commands(commands);
  const std::vector<std::size_t> sizes = cut(commands, 1);
  std::vector<u64> taken(kOverheadSamples);
  for (u64& t : taken) {
    const u64 began = ticks();
    t = ticks() - began;
  }
  std::nth_element(taken.begin(), taken.begin() + kOverheadSamples / 2, taken.end());
  const u64 overhead = taken[kOverheadSamples / 2];
  taken.assign(sizes.size(), 0);
  const i64 now = engine.time_ns();
  std::size_t at = 0;
  const double wall = read_clock(CLOCK_MONOTONIC);
  const u64 first = ticks();
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    events.clear();
    const u64 began = ticks();
    engine.step(commands.subspan(at, sizes[i]), now, events);
    taken[i] = ticks() - began;
    at += sizes[i];
  }
  const u64 last = ticks();
  const double ns = (read_clock(CLOCK_MONOTONIC) - wall) / static_cast<double>(last - first);
  std::sort(taken.begin(), taken.end());
  return {count,
          below(taken, 0.5) * ns,
          below(taken, 0.99) * ns,
          below(taken, 0.999) * ns,
          below(taken, 0.9999) * ns,
          below(taken, 1) * ns,
          static_cast<double>(overhead) * ns};
}

}  // namespace quantumcore::bench
