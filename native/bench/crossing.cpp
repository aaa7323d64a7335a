#include "crossing.hpp"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#include <atomic>
#include <thread>

#include "clocks.hpp"
#include "quantumcore/feed.hpp"

namespace quantumcore::bench {

namespace {

constexpr u32 kSlots = FeedConfig{}.events;
constexpr u32 kCrossingSlots = 4'096;

template <class Act>
double cpu_each(u64 times, Act&& act) {
  const double began = read_clock(CLOCK_THREAD_CPUTIME_ID);
  for (u64 i = 0; i < times; ++i) act(i);
  return (read_clock(CLOCK_THREAD_CPUTIME_ID) - began) /
         static_cast<double>(std::max<u64>(times, 1));
}

/// Keeps the compiler from leaving out what nobody looks at.
template <class T>
void use(T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

/// The first two cores that this process may use; fewer than two: false.
bool two_cores(int (&cores)[2]) {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return false;
  u32 found = 0;
  for (int core = 0; core < CPU_SETSIZE && found < 2; ++core) {
    if (CPU_ISSET(core, &allowed)) cores[found++] = core;
  }
  return found == 2;
}

void stay_on(int core) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(core, &only);
  ::pthread_setaffinity_np(::pthread_self(), sizeof only, &only);
}

u64 preemptions() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return static_cast<u64>(usage.ru_nivcsw);
}

struct Stamped {
  u64 number;
  u64 sent;  // ticks
};

}  // namespace

FeedCosts feed_costs(u64 times) {
  const auto ring = std::make_unique<Ring<FeedEvent>>(kSlots);
  FeedEvent event{};
  const EventHeader header{
      sizeof(OrderReplaced), static_cast<u8>(EventKind::order_replaced), 0, 0, 1, 1, 1, 0, 1};
  std::memcpy(event.bytes, &header, sizeof header);
  const auto publish = [&](u64 i) {
    event.bytes[sizeof header] = static_cast<std::byte>(i);
    ring->publish(std::span(event.bytes, sizeof(OrderReplaced)));
  };
  cpu_each(kSlots, publish);  // the memory is there
  const double published = cpu_each(times, publish);
  const u64 there = std::min<u64>(times, kSlots);
  Feed::Reader reader(*ring, ring->written() - there);
  const double taken = cpu_each(there, [&](u64) {
    reader.take(event);
    use(event);
  });
  Seqlock<TopOfBook> row;
  TopOfBook top{};
  const double written = cpu_each(times, [&](u64 i) {
    top.sequence = i;
    row.write(top);
  });
  const double read = cpu_each(times, [&](u64) {
    row.read(top);
    use(top);
  });
  return {published, taken, written, read};
}

Crossing crossing(u64 items, u64 gap_ns) {
  int cores[2];
  if (!two_cores(cores)) return {};
  Ring<Stamped> ring(kCrossingSlots);
  std::vector<u64> taken;
  taken.reserve(items);
  std::atomic<bool> ready{false};
  u64 missed = 0;
  u64 preempted_there = 0;
  std::thread reader([&] {
    stay_on(cores[1]);
    Ring<Stamped>::Reader place(ring, 0);
    const u64 before = preemptions();
    ready = true;
    Stamped item;
    for (u64 next = 0; next < items; next = place.next()) {
      const auto got = place.take(item);
      if (!got.found) continue;
      taken.push_back(ticks() - item.sent);
      missed += got.missed;
    }
    preempted_there = preemptions() - before;
  });
  u64 preempted = 0;
  double ns = 0;  // a tick
  // A thread of its own: it is pinned, and the caller's must not stay so.
  std::thread writer([&] {
    stay_on(cores[0]);
    while (!ready) {
    }
    const u64 before = preemptions();
    const double wall = read_clock(CLOCK_MONOTONIC);
    const u64 first = ticks();
    while (read_clock(CLOCK_MONOTONIC) < wall + 1e6) {
    }
    ns = (read_clock(CLOCK_MONOTONIC) - wall) / static_cast<double>(ticks() - first);
    const u64 gap = static_cast<u64>(static_cast<double>(gap_ns) / ns);
    for (u64 number = 0, due = ticks(); number < items; ++number, due += gap) {
      while (ticks() < due) {
      }
      ring.publish({number, ticks()});
    }
    preempted = preemptions() - before;
  });
  writer.join();
  reader.join();
  std::sort(taken.begin(), taken.end());
  return {taken.size(),
          missed,
          below(taken, 0.5) * ns,
          below(taken, 0.99) * ns,
          below(taken, 0.999) * ns,
          below(taken, 1) * ns,
          preempted + preempted_there};
}

}  // namespace quantumcore::bench
