// Engines share nothing: threads that run the same stream, each on its own engine, end with one
// hash. Usage: engine_threads [commands = 20000] [threads = 4]

#include <thread>

#include "market.hpp"

using namespace quantumcore;

namespace {

u64 run(u64 count) {
  EngineConfig config;
  config.max_orders = 20'000;
  config.max_accounts = 64;
  config.max_balances = 1'000;
  Engine engine(config);
  stress::Market market(3);
  EventBuffer events;
  market.open(engine, events);
  for (u64 done = 0; done < count; done += 16) {
    market.commands.clear();
    for (u64 i = 0; i < 10; ++i) market.submit_random();
    for (u64 i = 0; i < 4; ++i) market.replace_random();
    for (u64 i = 0; i < 2; ++i) market.cancel_random();
    events.clear();
    engine.step(market.commands, market.tick(), events);
    market.hear(events.bytes());
  }
  engine.check();
  return engine.state_hash();
}

}  // namespace

int main(int argc, char** argv) {
  const u64 count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 20'000;
  const u64 threads = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 4;
  std::vector<u64> hashes(threads);
  std::vector<std::thread> running;
  for (u64 i = 0; i < threads; ++i) running.emplace_back([&, i] { hashes[i] = run(count); });
  for (std::thread& thread : running) thread.join();
  for (const u64 hash : hashes) {
    if (hash != hashes[0]) return 1;
  }
  std::printf("%zu engines, one hash %016llx\n", hashes.size(),
              static_cast<unsigned long long>(hashes[0]));
  return 0;
}
