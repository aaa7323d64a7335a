// One writer and eight readers on a ring, one and four on a seqlock, in threads of their own. What
// is read says of itself whether it is whole, which it is, and of which publication.
//
//   ring_threads [items = 10000000] [reads of the seqlock = as many] [slots = 1024]
//
// sanitize: asan tsan valgrind plain
// arguments of asan: 1000000
// arguments of tsan: 500000
// arguments of valgrind: 10000

#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "quantumcore/ring.hpp"
#include "quantumcore/seqlock.hpp"
#include "require.hpp"

using namespace quantumcore;

namespace {

constexpr u32 kRingReaders = 8;
constexpr u32 kSeqlockReaders = 4;
constexpr u32 kWords = 9;
constexpr u64 kBreath = 256;  // items, after which the writer lets others run

/// Every word follows from the first.
struct Item {
  u64 words[kWords];

  explicit Item(u64 number = 0) : words{number} {
    for (u32 i = 1; i < kWords; ++i) words[i] = (words[i - 1] + i) * 0x9E37'79B9'7F4A'7C15;
  }
  bool whole() const {
    const Item same(words[0]);
    return std::memcmp(words, same.words, sizeof words) == 0;
  }
};

struct Count {
  u64 seen = 0;
  u64 missed = 0;
  u64 laps = 0;  // times that it was lapped
};

void take_all(const Ring<Item>& ring, u64 items, Count& count) {
  Ring<Item>::Reader reader(ring, 0);
  Item item;
  for (u64 wanted = 0; wanted < items;) {
    const auto taken = reader.take(item);
    if (!taken.found) {
      REQUIRE(taken.missed == 0);
      std::this_thread::yield();
      continue;
    }
    count.seen += 1;
    count.missed += taken.missed;
    count.laps += taken.missed > 0 ? 1 : 0;
    wanted += taken.missed;
    REQUIRE(item.words[0] == wanted);  // in order, and told exactly how many are gone
    REQUIRE(item.whole());
    wanted += 1;
    REQUIRE(reader.next() == wanted);
  }
}

void ring_threads(u64 items, u32 slots) {
  Ring<Item> ring(slots);
  std::vector<Count> counts(kRingReaders);
  std::vector<std::thread> readers;
  for (Count& count : counts) {
    readers.emplace_back([&ring, &count, items] { take_all(ring, items, count); });
  }
  for (u64 number = 0; number < items; ++number) {
    ring.publish(Item(number));
    if (number % kBreath == 0) std::this_thread::yield();
  }
  for (std::thread& reader : readers) reader.join();
  REQUIRE(ring.written() == items);
  Count sum;
  for (const Count& count : counts) {
    REQUIRE(count.seen > 0 && count.seen + count.missed == items);
    sum.seen += count.seen;
    sum.missed += count.missed;
    sum.laps += count.laps;
  }
  std::printf(
      "ring: %llu items, %u readers: %llu read, none torn; %llu missed and told, in %llu laps\n",
      static_cast<unsigned long long>(items), kRingReaders,
      static_cast<unsigned long long>(sum.seen), static_cast<unsigned long long>(sum.missed),
      static_cast<unsigned long long>(sum.laps));
}

void seqlock_threads(u64 reads) {
  Seqlock<Item> newest;
  std::atomic<u32> reading{kSeqlockReaders};
  std::atomic<u64> changes{0};
  std::vector<std::thread> readers;
  for (u32 r = 0; r < kSeqlockReaders; ++r) {
    readers.emplace_back([&] {
      Item item;
      u64 last = 0;
      u64 changed = 0;
      for (u64 i = 0; i < reads; ++i) {
        const u64 number = newest.read(item);
        REQUIRE(number >= last);  // never an older one after a newer
        REQUIRE(number == 0 || (item.words[0] == number && item.whole()));
        changed += number != last ? 1 : 0;
        last = number;
      }
      changes += changed;
      reading -= 1;
    });
  }
  u64 number = 0;
  while (reading != 0) {
    newest.write(Item(++number));
    // Seldom, so that readers meet a writer that runs; valgrind runs no other thread until then.
    if (number % (256 * kBreath) == 0) std::this_thread::yield();
  }
  for (std::thread& reader : readers) reader.join();
  std::printf("seqlock: %llu values, %u readers of %llu: each whole; a newer one %llu times\n",
              static_cast<unsigned long long>(number), kSeqlockReaders,
              static_cast<unsigned long long>(reads),
              static_cast<unsigned long long>(changes.load()));
}

}  // namespace

int main(int argc, char** argv) {
  const u64 items = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000'000;
  const u64 reads = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : items;
  const u64 slots = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1'024;
  ring_threads(items, static_cast<u32>(slots));
  seqlock_threads(reads);
  return 0;
}
