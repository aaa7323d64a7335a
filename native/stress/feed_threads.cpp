// A live engine in one thread, readers of its feed in others: every event that they get is the one
// that was told, in order, or they are told how many are gone; best prices and last trade are those
// of one step, and its events are there when they are. What must come is learnt from an engine that
// steps the same before.
//
//   feed_threads [commands = 100000] [seed = 1] [readers = 2]
//
// sanitize: asan tsan valgrind plain
// arguments of valgrind: 10000

#include <array>
#include <atomic>
#include <thread>

#include "market.hpp"
#include "quantumcore/feed.hpp"
#include "quantumcore/queries.hpp"
#include "require.hpp"

using namespace quantumcore;

namespace {

constexpr u32 kInstruments = stress::kInstruments;
constexpr u64 kMaxStep = 32;
constexpr u64 kBreath = 16;    // steps, after which the writer lets others run
constexpr u64 kPause = 1'000;  // turns between steps, in which readers catch up beside it
constexpr u32 kLooks = 300;    // at rows, before a reader that has all events lets others run

template <class T>
bool same(const T& a, const T& b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

u64 hash_of(const std::byte* event, std::size_t size) { return hash_events(kHash0, event, size); }

/// The best prices as the engine's queries tell them.
TopOfBook asked(const Engine& engine, u32 instrument) {
  TopOfBook top{};
  for (const auto& [price, lots, orders] : depth(engine.state(), instrument, kBuy, 1)) {
    top.bid = price;
    top.bid_lots = lots;
  }
  for (const auto& [price, lots, orders] : depth(engine.state(), instrument, kSell, 1)) {
    top.ask = price;
    top.ask_lots = lots;
  }
  return top;
}

/// One step: what the engine is given.
struct Given {
  std::vector<std::byte> commands;
  i64 time_ns;
};

/// What is told, learnt from an engine that steps the same before any thread begins.
struct Told {
  explicit Told(u64 commands) : upto(commands), tops(commands), trades(commands) {}

  std::vector<Given> given;
  std::vector<u64> events;  // hash of each, by number
  // By sequence of a step's last command: how many events until then, and the best prices, where
  // they changed.
  std::vector<u64> upto;
  std::vector<std::array<TopOfBook, kInstruments>> tops;
  // By sequence of a command: its last trade.
  std::vector<std::array<LastTrade, kInstruments>> trades;

  void note(const Engine& engine, std::span<const std::byte> bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
      EventHeader header;
      std::memcpy(&header, bytes.data() + at, sizeof header);
      REQUIRE(header.sequence < upto.size());
      events.push_back(hash_of(bytes.data() + at, header.size));
      if (header.kind == static_cast<u8>(EventKind::trade_printed)) {
        TradePrinted t;
        std::memcpy(&t, bytes.data() + at, sizeof t);
        trades[header.sequence][header.instrument - 1] = {
            header.sequence, header.time_ns, t.price, t.quantity, t.fill, t.taker_side};
      }
      at += header.size;
    }
    upto[engine.sequence()] = events.size();
    for (u32 i = 0; i < kInstruments; ++i) {
      TopOfBook top = asked(engine, i + 1);
      top.sequence = engine.sequence();
      top.time_ns = engine.time_ns();
      tops[engine.sequence()][i] = top;
    }
  }
};

struct Seen {
  u64 events = 0;
  u64 missed = 0;
  u64 tops = 0;
  u64 trades = 0;
};

class Follower {
 public:
  Follower(const Feed& feed, const Told& told, const std::vector<u64>& stepped)
      : feed_(feed), told_(told), stepped_(stepped), reader_(feed.reader()) {}

  /// Reads until `stop` is set and nothing is left.
  void follow(const std::atomic<bool>& stop) {
    for (bool last = false; !last;) {
      last = stop;
      while (take()) look(static_cast<u32>(seen.events % kInstruments));
      for (u32 i = 0; i < kLooks; ++i) look(i % kInstruments);
      std::this_thread::yield();
    }
  }

  Seen seen;

 private:
  bool take() {
    FeedEvent event;
    const u64 wanted = reader_.next();
    const auto taken = reader_.take(event);
    if (!taken.found) return false;
    const EventHeader header = event.header();
    REQUIRE(reader_.next() == wanted + taken.missed + 1);
    REQUIRE(hash_of(event.bytes, header.size) == told_.events[reader_.next() - 1]);
    const bool follows = header.sequence == sequence_
                             ? header.index == index_ + 1
                             : header.sequence == sequence_ + 1 && header.index == 0;
    REQUIRE(follows || taken.missed > 0 || seen.events == 0);
    sequence_ = header.sequence;
    index_ = header.index;
    seen.events += 1;
    seen.missed += taken.missed;
    return true;
  }

  void look(u32 i) {
    TopOfBook top;
    LastTrade trade;
    REQUIRE(feed_.top(i + 1, top) && feed_.last_trade(i + 1, trade));
    REQUIRE(top.sequence >= tops_[i] && trade.sequence >= trades_[i]);
    if (top.sequence != tops_[i]) {
      REQUIRE(same(top, told_.tops[top.sequence][i]));
      REQUIRE(stepped_[top.sequence] == top.sequence);
      REQUIRE(feed_.ring().written() >= told_.upto[top.sequence]);
      seen.tops += 1;
    }
    if (trade.sequence != trades_[i]) {
      REQUIRE(same(trade, told_.trades[trade.sequence][i]));
      seen.trades += 1;
    }
    tops_[i] = top.sequence;
    trades_[i] = trade.sequence;
  }

  const Feed& feed_;
  const Told& told_;
  // By sequence: itself, written without a lock before the step is told. That reading it is no race
  // is part of what is shown.
  const std::vector<u64>& stepped_;
  Feed::Reader reader_;
  u64 sequence_ = 0;
  u32 index_ = 0;
  u64 tops_[kInstruments] = {};
  u64 trades_[kInstruments] = {};
};

/// Every row shows what the book shows.
void compare(const Engine& engine, const Feed& feed) {
  for (u32 instrument = 1; instrument <= kInstruments; ++instrument) {
    TopOfBook top;
    REQUIRE(feed.top(instrument, top));
    TopOfBook book = asked(engine, instrument);
    REQUIRE(top.sequence > 0 && top.sequence <= engine.sequence());
    book.sequence = top.sequence;
    book.time_ns = top.time_ns;
    REQUIRE(same(top, book));
  }
  TopOfBook none;
  REQUIRE(!feed.top(kInstruments + 1, none) && !feed.top(0, none));
}

/// A feed of an engine that was restored begins with its books; one without room for all
/// instruments keeps those that came first, and says so.
void begin_again(const Engine& engine) {
  const std::string bytes = engine.snapshot();
  const auto restored = Engine::restore(std::as_bytes(std::span(bytes)));
  compare(*restored, Feed(*restored));
  const Feed narrow(engine, {.events = 2, .instruments = 1});
  TopOfBook top;
  REQUIRE(narrow.top(1, top) && !narrow.top(2, top) && !narrow.top(3, top));
  REQUIRE(narrow.without_row() == kInstruments - 1);
}

/// Steps random commands and notes what they tell; a feed beside it shows the same after each step.
Told learn(Engine& engine, stress::Market& market, u64 commands) {
  Told told(engine.sequence() + 2 * commands + 2 * kMaxStep);  // some draws are two commands
  told.note(engine, {});
  Feed feed(engine);
  EventBuffer events;
  for (u64 done = 0; done < commands;) {
    const u64 step = 1 + market.random.below(kMaxStep);
    for (u64 i = 0; i < step; ++i) market.anything();
    const i64 now = market.tick();
    events.clear();
    engine.step(market.commands, now, events);
    told.given.push_back({std::move(market.commands), now});
    market.commands.clear();
    told.note(engine, events.bytes());
    feed.tell(engine, events.bytes());
    compare(engine, feed);
    market.hear(events.bytes());
    done += step;
  }
  return told;
}

void run(u64 commands, u64 seed, u64 readers) {
  EngineConfig config;
  config.max_orders = 20'000;
  config.max_accounts = 64;
  config.max_balances = 1'000;
  Engine first(config);
  stress::Market market(seed);
  EventBuffer events;
  market.open(first, events);
  const std::string opened = first.snapshot();
  const Told told = learn(first, market, commands);

  const auto restored = Engine::restore(std::as_bytes(std::span(opened)));
  Engine& engine = *restored;
  Feed feed(engine, {.events = 1'024, .instruments = kInstruments});
  std::vector<u64> stepped(told.upto.size());
  stepped[engine.sequence()] = engine.sequence();
  std::vector<Follower> followers(readers, Follower(feed, told, stepped));
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (Follower& follower : followers) {
    threads.emplace_back([&follower, &stop] { follower.follow(stop); });
  }
  for (u64 step = 0; step < told.given.size(); ++step) {
    events.clear();
    engine.step(told.given[step].commands, told.given[step].time_ns, events);
    stepped[engine.sequence()] = engine.sequence();
    feed.tell(engine, events.bytes());
    for (u64 turn = 0; turn < kPause; ++turn) std::atomic_signal_fence(std::memory_order_seq_cst);
    if (step % kBreath == 0) std::this_thread::yield();
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  REQUIRE(feed.without_row() == 0 && feed.ring().written() == told.events.size());
  Seen sum;
  for (const Follower& follower : followers) {
    const Seen& seen = follower.seen;
    REQUIRE(seen.events + seen.missed == told.events.size() && seen.events > 0 && seen.tops > 0);
    sum.events += seen.events;
    sum.missed += seen.missed;
    sum.tops += seen.tops;
    sum.trades += seen.trades;
  }
  compare(engine, feed);
  begin_again(engine);
  std::printf(
      "%llu events of %llu commands, %llu readers: %llu read, none torn; %llu missed and told; "
      "%llu best prices and %llu last trades, each of its step\n",
      static_cast<unsigned long long>(told.events.size()),
      static_cast<unsigned long long>(engine.sequence()), static_cast<unsigned long long>(readers),
      static_cast<unsigned long long>(sum.events), static_cast<unsigned long long>(sum.missed),
      static_cast<unsigned long long>(sum.tops), static_cast<unsigned long long>(sum.trades));
}

}  // namespace

int main(int argc, char** argv) {
  const u64 commands = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100'000;
  const u64 seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  const u64 readers = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 2;
  run(commands, seed, readers);
  return 0;
}
