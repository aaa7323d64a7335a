// A step allocates nothing once its tables have their size, and telling it to a feed nothing at
// all: malloc is replaced and counted. Usage: engine_allocations [commands = 200000]; exit 1 when a
// step called malloc after the warm-up, or a tell ever. The sanitizers replace malloc themselves:
//
// sanitize: plain

#include <atomic>

#include "market.hpp"
#include "quantumcore/feed.hpp"

extern "C" void* __libc_malloc(std::size_t);
extern "C" void* __libc_calloc(std::size_t, std::size_t);
extern "C" void* __libc_realloc(void*, std::size_t);

namespace {
std::atomic<unsigned long long> calls{0};
}

extern "C" void* malloc(std::size_t size) {
  calls.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(size);
}
extern "C" void* calloc(std::size_t n, std::size_t size) {
  calls.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(n, size);
}
extern "C" void* realloc(void* p, std::size_t size) {
  calls.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(p, size);
}

using namespace quantumcore;

int main(int argc, char** argv) {
  const unsigned long long count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 200'000;
  EngineConfig config;
  config.max_orders = 100'000;
  config.max_accounts = 64;
  config.max_balances = 1'000;
  Engine engine(config);
  stress::Market market(7);
  EventBuffer events;
  market.open(engine, events);
  Feed feed(engine, {.events = 256, .instruments = 8});
  unsigned long long inside = 0;
  unsigned long long telling = 0;
  for (unsigned long long done = 0; done < count; done += 64) {
    market.commands.clear();
    for (u64 i = 0; i < 32; ++i) market.submit_random();
    for (u64 i = 0; i < 16; ++i) market.replace_random();
    for (u64 i = 0; i < 12; ++i) market.cancel_random();
    for (u64 i = 0; i < 3; ++i) market.transfer_random();
    for (u64 i = 0; i < 6; ++i) market.auction_random();
    market.post_random();
    market.hold_random();
    market.kill_random();
    market.margin_random();
    events.clear();
    const i64 now = market.tick();
    const unsigned long long before = calls.load();
    engine.step(market.commands, now, events);
    const unsigned long long stepped = calls.load();
    if (done > count / 10) inside += stepped - before;
    feed.tell(engine, events.bytes());
    telling += calls.load() - stepped;
    market.hear(events.bytes());
  }
  engine.check();
  std::printf(
      "%llu commands, %llu calls of malloc inside steps after the warm-up, %llu while telling "
      "(%llu outside)\n",
      count, inside, telling, calls.load() - inside - telling);
  return inside == 0 && telling == 0 && calls.load() > 0 ? 0 : 1;
}
