// The engine without Python: link qc_core, hand it commands, read its events, in the thread that
// steps it and, through a feed, in another.
//
//   cmake -S . -B build/example -G Ninja -DQC_PYTHON=OFF -DQC_EXAMPLES=ON
//   cmake --build build/example --target embedded && build/example/embedded [orders = 1000000]
//
// The layouts of commands and events are those of docs/reference/engine.md, as structures in
// quantumcore/layout.hpp.

#include <atomic>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "quantumcore/feed.hpp"

using namespace quantumcore;

namespace {

constexpr u16 kDollar = 1;
constexpr u16 kShare = 2;
constexpr u32 kAcme = 1;
constexpr u64 kAccounts = 2;
constexpr u64 kPerStep = 64;

/// Commands one after another, as `Engine::step` wants them.
class Commands {
 public:
  template <class Command>
  void add(Command command, CommandKind kind, u32 instrument, u64 account) {
    command.header = {sizeof command, static_cast<u8>(kind), 0, instrument, account};
    const auto* const bytes = reinterpret_cast<const std::byte*>(&command);
    bytes_.insert(bytes_.end(), bytes, bytes + sizeof command);
  }
  std::span<const std::byte> bytes() const { return bytes_; }
  void clear() { bytes_.clear(); }

 private:
  std::vector<std::byte> bytes_;
};

void define_currency(Commands& out, u16 currency, u8 scale, const char* code) {
  DefineCurrency command{};
  command.currency = currency;
  command.scale = scale;
  std::memcpy(command.code, code, std::strlen(code));
  out.add(command, CommandKind::define_currency, 0, 0);
}

void define(Commands& out) {
  define_currency(out, kDollar, 2, "USD");
  define_currency(out, kShare, 0, "ACME");
  DefineInstrument acme{};
  acme.terms.kind = 1;
  acme.terms.status = kContinuous;
  acme.terms.base = kShare;
  acme.terms.quote = kDollar;
  acme.terms.tick_scale = 2;  // prices in cents, quantities in shares
  acme.terms.tick = acme.terms.lot = acme.terms.multiplier = 1;
  acme.terms.min_price = acme.terms.min_quantity = 1;
  acme.terms.max_price = acme.terms.max_quantity = 1'000'000;
  acme.terms.max_notional = kMaxI64;
  acme.terms.taker_fee = 100'000;  // 0.1 %
  acme.terms.collar = 5'000'000;   // 5 %
  std::memcpy(acme.terms.symbol, "ACME-USD", 8);
  out.add(acme, CommandKind::define_instrument, kAcme, 0);
  for (u64 account = 1; account <= kAccounts; ++account) {
    out.add(OpenAccount{}, CommandKind::open_account, 0, account);
    Transfer deposit{};
    deposit.kind = kDeposit;
    deposit.amount = 1'000'000'000'000'000;
    deposit.currency = kDollar;
    std::memcpy(deposit.transfer_id, "dollars", 7);
    out.add(deposit, CommandKind::transfer, 0, account);
    deposit.currency = kShare;
    std::memcpy(deposit.transfer_id, "shares-", 7);
    out.add(deposit, CommandKind::transfer, 0, account);
  }
}

void order(Commands& out, u64 id, bool sells, i64 price, i64 quantity) {
  SubmitOrder submit{};
  submit.price = price;
  submit.price_scale = 2;
  submit.quantity = quantity;
  submit.side = sells ? kSell : kBuy;
  submit.type = kLimit;
  submit.time_in_force = kGoodTillCancel;
  std::snprintf(submit.client_id, sizeof submit.client_id, "%" PRIu64, id);
  out.add(submit, CommandKind::submit_order, kAcme, sells ? 1 : 2);
}

/// Reads the feed in a thread of its own, and never holds up the one that steps the engine.
struct Follower {
  const Feed& feed;
  Feed::Reader reader = feed.reader();
  u64 seen = 0;
  u64 missed = 0;
  TopOfBook top{};

  void follow(const std::atomic<bool>& stop) {
    FeedEvent event;
    for (bool last = false; !last;) {
      last = stop;
      for (auto taken = reader.take(event); taken.found; taken = reader.take(event)) {
        seen += 1;
        missed += taken.missed;
      }
      feed.top(kAcme, top);
      std::this_thread::yield();
    }
  }
};

u64 count_trades(std::span<const std::byte> events) {
  u64 trades = 0;
  for (std::size_t at = 0; at < events.size();) {
    EventHeader header;
    std::memcpy(&header, events.data() + at, sizeof header);
    trades += header.kind == static_cast<u8>(EventKind::trade_printed) ? 1 : 0;
    at += header.size;
  }
  return trades;
}

}  // namespace

int main(int argc, char** argv) {
  const u64 orders = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  EngineConfig config;
  config.max_orders = 65'536;
  config.max_accounts = 1'024;
  Engine engine(config);
  engine.reserve(1'024, static_cast<u32>(orders + 2));
  EventBuffer events;
  Commands commands;
  define(commands);
  order(commands, orders, false, 9'900, 5);  // these two stay
  order(commands, orders + 1, true, 10'100, 7);
  engine.step(commands.bytes(), 1, events);

  Feed feed(engine);
  Follower follower{feed};
  std::atomic<bool> stop{false};
  std::thread reader([&] { follower.follow(stop); });
  u64 trades = 0;
  std::chrono::duration<double> stepping{};
  for (u64 number = 0; number < orders;) {
    commands.clear();
    for (u64 i = 0; i < kPerStep && number < orders; ++i, ++number) {
      // One account sells, the other buys; every second order trades with the one before it.
      order(commands, number, number % 2 == 0, 10'000 + static_cast<i64>(number / 2 % 50), 10);
    }
    events.clear();
    const auto began = std::chrono::steady_clock::now();
    engine.step(commands.bytes(), 1, events);
    feed.tell(engine, events.bytes());
    stepping += std::chrono::steady_clock::now() - began;
    trades += count_trades(events.bytes());
  }
  stop = true;
  reader.join();
  engine.check();
  const TopOfBook& top = follower.top;
  std::printf("%" PRIu64 " orders, %" PRIu64 " trades, %.0f orders/s, state %016" PRIx64
              "\nthe reader: %" PRIu64 " events of %" PRIu64 " seen, %" PRIu64
              " missed; bid %" PRIi64 " x %" PRIi64 ", ask %" PRIi64 " x %" PRIi64 "\n",
              orders, trades, static_cast<double>(orders) / stepping.count(), engine.state_hash(),
              follower.seen, feed.ring().written(), follower.missed, top.bid, top.bid_lots, top.ask,
              top.ask_lots);
  return trades == orders / 2 ? 0 : 1;
}
