// Seqlock and ring under a memory model (model.hpp): every schedule of small cases, and 20,000
// drawn ones of larger cases; then each order weakened by itself, which must go wrong: those of the
// seqlock within a few seeds.
// Usage: memory_model [seeds = 20000] [first seed = 1]; exit 1 when something is not so.

#include <cstdio>
#include <cstdlib>

#include "model.hpp"
#include "quantumcore/ring.hpp"
#include "quantumcore/seqlock.hpp"

using namespace quantumcore;

namespace {

constexpr u64 kFewSeeds = 1'000;
constexpr u64 kMostItems = 6;
constexpr auto kRelaxed = std::memory_order_relaxed;

u64 seeds = 20'000;
u64 first_seed = 1;
bool good = true;

/// Two words that belong together, and tell of which publication they are.
struct Value {
  u64 number;
  u64 twin;
};

Value value_of(u64 number) { return {number, number * 2}; }
bool whole(const Value& value) { return value.twin == value.number * 2; }

void say(bool so, const char* what, const std::string& found) {
  std::printf("%s %-44s %s\n", so ? "ok  " : "FAIL", what, found.c_str());
  good = good && so;
}

std::string text(double number) {
  char out[32];
  std::snprintf(out, sizeof out, "%.0f", number);
  return out;
}

/// Every thread says 1 when all that it saw was right.
bool all_right(const std::vector<u64>& seen) {
  for (const u64 each : seen) {
    if (each != 1) return false;
  }
  return true;
}

void must_hold(const char* what, model::Checker checker) {
  const model::Walked all = checker.walk();
  say(all.failures == 0 && all.schedules > 0, what,
      "all " + text(all.schedules) + " schedules (" + std::to_string(all.states) + " states), " +
          text(all.failures) + " wrong");
}

void must_hold_drawn(const char* what, model::Checker checker) {
  u64 wrong = 0;
  for (u64 i = 0; i < seeds; ++i) wrong += checker.run(first_seed + i) ? 0 : 1;
  say(wrong == 0, what,
      std::to_string(seeds) + " drawn schedules, " + std::to_string(wrong) + " wrong");
}

/// A weakened order: drawing finds a wrong schedule soon.
void must_fail(const char* what, model::Checker checker) {
  u64 tried = 1;
  while (tried <= kFewSeeds && checker.run(first_seed + tried - 1)) ++tried;
  say(tried <= kFewSeeds, what,
      tried <= kFewSeeds ? "wrong in drawn schedule " + std::to_string(tried) : "never wrong");
}

/// The same where what is wrong is rare: the walk comes to it.
void must_fail_somewhere(const char* what, model::Checker checker) {
  const model::Walked some = checker.walk(true);
  say(some.failures > 0, what,
      some.failures > 0 ? "wrong after " + std::to_string(some.states) + " states" : "never wrong");
}

// ---- The model itself: what C++ allows is found, what it forbids is not.

struct Two {
  model::atomic<u64> x;
  model::atomic<u64> y;
};

template <std::memory_order kStore, std::memory_order kLoad>
model::Checker message() {
  return model::check<Two>({[](Two& s) {
                              s.x.store(1, kRelaxed);
                              s.y.store(1, kStore);
                              return u64{1};
                            },
                            [](Two& s) {
                              const u64 y = s.y.load(kLoad);
                              return y == 0 || s.x.load(kRelaxed) == 1 ? u64{1} : u64{0};
                            }},
                           all_right);
}

template <std::memory_order kStore, std::memory_order kLoad>
model::Checker both_late() {
  return model::check<Two>({[](Two& s) {
                              s.x.store(1, kStore);
                              return s.y.load(kLoad);
                            },
                            [](Two& s) {
                              s.y.store(1, kStore);
                              return s.x.load(kLoad);
                            }},
                           [](const std::vector<u64>& seen) { return seen[0] + seen[1] > 0; });
}

model::Checker never_back() {
  return model::check<Two>({[](Two& s) {
                              s.x.store(1, kRelaxed);
                              s.x.store(2, kRelaxed);
                              return u64{1};
                            },
                            [](Two& s) {
                              const u64 before = s.x.load(kRelaxed);
                              return s.x.load(kRelaxed) >= before ? u64{1} : u64{0};
                            }},
                           all_right);
}

void check_model() {
  constexpr auto kRelease = std::memory_order_release;
  constexpr auto kAcquire = std::memory_order_acquire;
  must_hold("model: a message, release and acquire", message<kRelease, kAcquire>());
  must_fail("model: a message, stored relaxed", message<kRelaxed, kAcquire>());
  must_fail("model: a message, loaded relaxed", message<kRelease, kRelaxed>());
  must_fail("model: two stores seen by neither", both_late<kRelease, kAcquire>());
  must_hold("model: one place never goes back", never_back());
}

// ---- The seqlock: what is read is one publication, and never an older one after a newer.

template <class Orders>
using ModelSeqlock = Seqlock<Value, model::atomic, Orders>;

template <class Orders, u64 kWrites>
u64 write_values(ModelSeqlock<Orders>& shared) {
  for (u64 n = 1; n <= kWrites; ++n) shared.write(value_of(n));
  return 1;
}

template <class Orders, u64 kReads>
u64 read_values(ModelSeqlock<Orders>& shared) {
  u64 last = 0;
  for (u64 i = 0; i < kReads; ++i) {
    Value value;
    u64 number = 0;
    if (!shared.try_read(value, number)) continue;
    if (!whole(value) || value.number != number || number < last) return 0;
    last = number;
  }
  return 1;
}

template <class Orders>
model::Checker seqlock() {
  return model::check<ModelSeqlock<Orders>>({write_values<Orders, 2>, read_values<Orders, 2>},
                                            all_right);
}

model::Checker large_seqlock() {
  using Orders = SeqlockOrders;
  constexpr auto reader = read_values<Orders, 4>;
  return model::check<ModelSeqlock<Orders>>({write_values<Orders, 4>, reader, reader}, all_right);
}

struct WeakEnd : SeqlockOrders {
  static constexpr std::memory_order end = kRelaxed;
};
struct WeakFirst : SeqlockOrders {
  static constexpr std::memory_order first = kRelaxed;
};
struct WeakWordStore : SeqlockOrders {
  static constexpr std::memory_order word_store = kRelaxed;
};
struct WeakWordLoad : SeqlockOrders {
  static constexpr std::memory_order word_load = kRelaxed;
};

void check_seqlock() {
  must_hold("seqlock: 2 writes, 2 reads", seqlock<SeqlockOrders>());
  must_hold_drawn("seqlock: 4 writes, 2 readers of 4", large_seqlock());
  must_fail("seqlock: end relaxed", seqlock<WeakEnd>());
  must_fail("seqlock: first relaxed", seqlock<WeakFirst>());
  must_fail("seqlock: words stored relaxed", seqlock<WeakWordStore>());
  must_fail("seqlock: words loaded relaxed", seqlock<WeakWordLoad>());
}

// ---- The ring: each item is whole and the next, or as many further as were told missed.

template <class Orders>
struct ModelRing {
  Ring<Value, model::atomic, Orders> ring{2};
};

template <class Orders, u64 kWrites>
u64 publish_items(ModelRing<Orders>& shared) {
  for (u64 n = 0; n < kWrites; ++n) shared.ring.publish(value_of(n));
  return 1;
}

template <class Orders, u64 kTakes>
u64 take_items(ModelRing<Orders>& shared) {
  typename Ring<Value, model::atomic, Orders>::Reader reader(shared.ring, 0);
  u64 wanted = 0;
  for (u64 i = 0; i < kTakes; ++i) {
    Value value;
    const auto taken = reader.take(value);
    if (!taken.found && taken.missed == 0) continue;
    if (!taken.found) return 0;  // who was lapped finds the newest
    wanted += taken.missed;
    if (taken.missed > kMostItems || !whole(value) || value.number != wanted) return 0;
    ++wanted;
  }
  return 1;
}

template <class Orders, u64 kItems>
model::Checker ring() {
  return model::check<ModelRing<Orders>>({publish_items<Orders, kItems>, take_items<Orders, 2>},
                                         all_right);
}

model::Checker large_ring() {
  using Orders = RingOrders;
  constexpr auto reader = take_items<Orders, 4>;
  return model::check<ModelRing<Orders>>({publish_items<Orders, kMostItems>, reader, reader},
                                         all_right);
}

struct RingWeakBegin : RingOrders {
  static constexpr std::memory_order begin = kRelaxed;
};
struct RingWeakAgain : RingOrders {
  static constexpr std::memory_order again = kRelaxed;
};
struct RingWeakWordStore : RingOrders {
  static constexpr std::memory_order word_store = kRelaxed;
};
struct RingWeakWordLoad : RingOrders {
  static constexpr std::memory_order word_load = kRelaxed;
};
struct RingWeakEnd : RingOrders {
  static constexpr std::memory_order end = kRelaxed;
};
struct RingWeakFirst : RingOrders {
  static constexpr std::memory_order first = kRelaxed;
};
struct RingWeakWrittenStore : RingOrders {
  static constexpr std::memory_order written_store = kRelaxed;
};
struct RingWeakWrittenLoad : RingOrders {
  static constexpr std::memory_order written_load = kRelaxed;
};

void check_ring() {
  must_hold("ring of 2: 4 items, 2 takes", ring<RingOrders, 4>());
  must_hold_drawn("ring of 2: 6 items, 2 readers of 4", large_ring());
  must_fail_somewhere("ring: begin relaxed", ring<RingWeakBegin, 3>());
  must_fail_somewhere("ring: again relaxed", ring<RingWeakAgain, 3>());
  must_fail_somewhere("ring: words stored relaxed", ring<RingWeakWordStore, 3>());
  must_fail_somewhere("ring: words loaded relaxed", ring<RingWeakWordLoad, 3>());
  must_fail_somewhere("ring: end relaxed", ring<RingWeakEnd, 3>());
  must_fail_somewhere("ring: first relaxed", ring<RingWeakFirst, 3>());
  must_fail_somewhere("ring: written stored relaxed", ring<RingWeakWrittenStore, 3>());
  must_fail_somewhere("ring: written loaded relaxed", ring<RingWeakWrittenLoad, 3>());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) seeds = std::strtoull(argv[1], nullptr, 10);
  if (argc > 2) first_seed = std::strtoull(argv[2], nullptr, 10);
  check_model();
  check_seqlock();
  check_ring();
  return good ? 0 : 1;
}
