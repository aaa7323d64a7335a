// Random commands in a narrow market, with accounting and without: the laws hold after every
// thousand, a restored engine goes on alike. Usage: engine_random [commands = 200000] [seed = 1]

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "market.hpp"

using namespace quantumcore;

namespace {

void compare(const Engine& a, const Engine& b) {
  if (a.state_hash() != b.state_hash() || a.sequence() != b.sequence() ||
      a.snapshot() != b.snapshot()) {
    std::fprintf(stderr, "a restored engine differs\n");
    std::exit(1);
  }
}

void run(u64 count, u64 seed, bool accounting) {
  EngineConfig config;
  config.accounting = accounting ? 1 : 0;
  config.max_orders = 5'000;
  config.max_accounts = 64;
  config.max_client_ids = 100'000;
  config.max_transfers = 1'000'000;
  config.max_balances = 1'000;
  config.max_windows = 64;
  auto engine = std::make_unique<Engine>(config);
  stress::Market market(seed);
  EventBuffer events;
  EventBuffer again;
  market.open(*engine, events);
  std::chrono::nanoseconds spent{0};
  u64 told = 0;
  for (u64 done = 0; done < count;) {
    market.commands.clear();
    const u64 batch = std::min<u64>(count - done, 1 + market.random.below(64));
    for (u64 i = 0; i < batch; ++i) market.anything();
    const i64 now = market.tick();
    const bool fork = market.random.below(200) == 0;
    std::unique_ptr<Engine> copy;
    if (fork) {
      const std::string bytes = engine->snapshot();
      copy = Engine::restore(std::as_bytes(std::span(bytes)));
      compare(*engine, *copy);
    }
    events.clear();
    const auto start = std::chrono::steady_clock::now();
    engine->step(market.commands, now, events);
    spent += std::chrono::steady_clock::now() - start;
    told += events.size();
    market.hear(events.bytes());
    if (fork) {
      again.clear();
      copy->step(market.commands, now, again);
      compare(*engine, *copy);
      copy->check();
      if (market.random.below(2) == 0) engine = std::move(copy);
    }
    if (market.random.below(40) == 0) engine->check();
    done += batch;
  }
  engine->check();
  std::printf("seed %llu, %s: %llu commands, %llu event bytes, %.1f ns per command, hash %016llx\n",
              static_cast<unsigned long long>(seed), accounting ? "accounting" : "book only",
              static_cast<unsigned long long>(count), static_cast<unsigned long long>(told),
              static_cast<double>(spent.count()) / static_cast<double>(count),
              static_cast<unsigned long long>(engine->state_hash()));
}

}  // namespace

int main(int argc, char** argv) {
  const u64 count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 200'000;
  const u64 seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  run(count, seed, true);
  run(count, seed, false);
  return 0;
}
