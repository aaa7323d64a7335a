// The common mix of matching-engine benchmarks: 9 % new gtc, 3 % ioc, 6 % cancel, 82 % replace by a
// tick, around a thousand resting orders, several accounts, every check and every hold in force.
// Usage: engine_mix [commands = 1000000] [runs = 5] [commands per step = 64]

#include <time.h>

#include <chrono>
#include <map>

#include "market.hpp"

using namespace quantumcore;

namespace {

struct Resting {
  u64 sequence;
  u32 slot;
  u64 account;
  i64 price;
  bool sell;
};

/// Plays the mix against its own engine once, and keeps the commands as one buffer per step.
class Script {
 public:
  explicit Script(u64 seed) : market_(seed) {}

  static EngineConfig config() {
    EngineConfig c;
    c.max_orders = 65'536;
    c.max_accounts = 1'024;
    c.max_client_ids = 4'194'304;
    c.max_balances = 4'096;
    return c;
  }

  std::vector<std::byte> setup;
  std::vector<std::byte> commands;     // all of them
  std::vector<std::size_t> step_ends;  // where each step's commands end

  void write(u64 count, u64 per_step) {
    Engine engine(config());
    EventBuffer events;
    open(engine, events);
    for (u64 done = 0; done < count;) {
      market_.commands.clear();
      for (u64 i = 0; i < per_step && done < count; ++i, ++done) draw();
      commands.insert(commands.end(), market_.commands.begin(), market_.commands.end());
      step_ends.push_back(commands.size());
      events.clear();
      engine.step(market_.commands, 1'000 + static_cast<i64>(done), events);
      hear(events.bytes());
    }
    engine.check();
    for (const auto& [reason, n] : refused_) {
      std::printf("  refused %u: %llu\n", reason, static_cast<unsigned long long>(n));
    }
    std::printf("  %zu resting, %llu trades in %llu commands\n", resting_.size(),
                static_cast<unsigned long long>(trades_), static_cast<unsigned long long>(count));
  }

 private:
  void open(Engine& engine, EventBuffer& events) {
    market_.define_currency(1, 2, "USD");
    market_.define_currency(2, 0, "ACME");
    market_.define_instrument(2, "ACME", 2, 0, 2, 100'000, 50'000);
    for (u64 account = 1; account <= 8; ++account) {
      OpenAccount command{};
      market_.add(command, CommandKind::open_account, 0, account);
      market_.transfer(account, kDeposit, 1, 1'000'000'000'000'000, 0);
      market_.transfer(account, kDeposit, 2, 1'000'000'000'000, 0);
    }
    for (u64 i = 0; i < 1'000; ++i) new_order(kGoodTillCancel);
    setup = market_.commands;
    engine.step(setup, 1, events);
    hear(events.bytes());
  }

  void new_order(u8 tif) {
    stress::Random& random = market_.random;
    const bool sell = random.below(2) == 0;
    const i64 away = random.between(1, 100);
    // An ioc crosses by a few ticks; a new order mostly joins its own side.
    const i64 price =
        tif == kImmediateOrCancel ? 100'000 + (sell ? -3 : 3) : 100'000 + (sell ? away : -away);
    market_.submit(1 + random.below(8), 2, sell ? kSell : kBuy, price, random.between(1, 50),
                   kLimit, tif, kStpCancelOldest, 0, next_id_++);
  }

  void draw() {
    const u64 dice = market_.random.below(100);
    const bool few = resting_.size() < 900;
    const bool many = resting_.size() > 1'100;
    if (dice < 9) {
      if (!many) return new_order(kGoodTillCancel);
    } else if (dice < 12) {
      return new_order(kImmediateOrCancel);
    } else if (dice < 18) {
      if (!few) return cancel();
    }
    replace();
  }

  void replace() {
    Resting& order = resting_[market_.random.below(resting_.size())];
    ReplaceOrder command{};
    i64 price = order.price + (market_.random.below(2) == 0 ? 1 : -1);
    if (order.sell && price <= 100'000) price = order.price + 1;
    if (!order.sell && price >= 100'000) price = order.price - 1;
    order.price = price;
    command.price = price;
    command.price_scale = 2;
    command.fields = kPriceGiven;
    command.order_sequence = order.sequence;
    command.order_slot = order.slot;
    market_.add(command, CommandKind::replace_order, 0, order.account);
  }

  void cancel() {
    const std::size_t i = market_.random.below(resting_.size());
    CancelOrder command{};
    command.order_sequence = resting_[i].sequence;
    command.order_slot = resting_[i].slot;
    market_.add(command, CommandKind::cancel_order, 0, resting_[i].account);
    drop(i);
  }

  void drop(std::size_t i) {
    resting_[i] = resting_.back();
    resting_.pop_back();
  }
  void drop_sequence(u64 sequence) {
    for (std::size_t i = 0; i < resting_.size(); ++i) {
      if (resting_[i].sequence == sequence) return drop(i);
    }
  }

  void hear(std::span<const std::byte> events) {
    for (std::size_t at = 0; at < events.size();) {
      EventHeader header;
      std::memcpy(&header, events.data() + at, sizeof header);
      switch (static_cast<EventKind>(header.kind)) {
        case EventKind::order_accepted: {
          const auto e = read<OrderAccepted>(events, at);
          if (e.time_in_force == kGoodTillCancel) {
            resting_.push_back(
                {header.sequence, e.order_slot, header.account, e.price, e.side == kSell});
          }
          break;
        }
        case EventKind::order_cancelled:
          drop_sequence(read<OrderCancelled>(events, at).order_sequence);
          break;
        case EventKind::trade_printed: {
          const auto e = read<TradePrinted>(events, at);
          ++trades_;
          if (e.maker_leaves == 0) drop_sequence(e.maker_order_sequence);
          if (e.taker_leaves == 0) drop_sequence(e.taker_order_sequence);
          break;
        }
        case EventKind::command_refused:
          ++refused_[read<CommandRefused>(events, at).reason];
          break;
        case EventKind::order_rejected:
          ++refused_[read<OrderRejected>(events, at).reason];
          break;
        default:
          break;
      }
      at += header.size;
    }
  }

  template <class E>
  static E read(std::span<const std::byte> events, std::size_t at) {
    E event;
    std::memcpy(&event, events.data() + at, sizeof event);
    return event;
  }

  stress::Market market_;
  std::vector<Resting> resting_;
  std::map<u32, u64> refused_;
  u64 trades_ = 0;
  u64 next_id_ = 1;
};

/// Time of this process on a CPU: what neighbours do on a shared machine is not in it.
double cpu_ns() {
  timespec t;
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

}  // namespace

int main(int argc, char** argv) {
  const u64 count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  const u64 runs = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 5;
  const u64 per_step = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 64;
  Script script(42);
  script.write(count, per_step);
  std::vector<double> figures;
  std::vector<double> walls;
  u64 hash = 0;
  for (u64 run = 0; run < runs; ++run) {
    Engine engine(Script::config());
    EventBuffer events;
    engine.step(script.setup, 1, events);
    i64 now = 1'000;
    std::size_t at = 0;
    const std::span<const std::byte> all(script.commands);
    const double cpu = cpu_ns();
    const auto start = std::chrono::steady_clock::now();
    for (const std::size_t end : script.step_ends) {
      events.clear();
      engine.step(all.subspan(at, end - at), ++now, events);
      at = end;
    }
    const std::chrono::duration<double, std::nano> wall = std::chrono::steady_clock::now() - start;
    figures.push_back((cpu_ns() - cpu) / static_cast<double>(count));
    walls.push_back(wall.count() / static_cast<double>(count));
    hash = engine.state_hash();
  }
  std::sort(walls.begin(), walls.end());
  std::sort(figures.begin(), figures.end());
  std::printf(
      "%.1f ns per command (CPU; median of %zu; best %.1f, worst %.1f; wall %.1f), hash %016llx\n",
      figures[figures.size() / 2], figures.size(), figures.front(), figures.back(),
      walls[walls.size() / 2], static_cast<unsigned long long>(hash));
  return 0;
}
