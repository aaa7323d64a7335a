// One appender, one syncer, two readers and the spare's own thread on one journal, reopened again
// and again: for ThreadSanitizer.
//
//   journal_threads [rounds] [commands per round] [seed]

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>
#include <thread>
#include <vector>

#include "quantumcore/journal.hpp"
#include "require.hpp"
#include "scratch.hpp"

namespace {

namespace fs = std::filesystem;
using namespace quantumcore;

/// Commands name their own sequence, so that a reader can tell a right one.
std::vector<std::byte> command(std::uint64_t sequence) {
  std::vector<std::byte> bytes(16 + 8 * (sequence % 20));
  std::memcpy(bytes.data(), &sequence, sizeof sequence);
  return bytes;
}

void follow(const fs::path& directory, const std::atomic<bool>& stop, std::uint64_t last_at_least) {
  JournalReader reader(directory, 0);
  std::uint64_t last = 0;
  const auto check = [&](const JournalRecord& record) {
    REQUIRE(record.sequence == last + 1);
    const auto expected = command(record.sequence);
    REQUIRE(record.command.size() == expected.size() &&
            std::memcmp(record.command.data(), expected.data(), expected.size()) == 0);
    last = record.sequence;
  };
  while (!stop) {
    if (replay(reader, check) == 0) std::this_thread::yield();
  }
  replay(reader, check);
  REQUIRE(last >= last_at_least);
}

void one_round(const fs::path& directory, std::uint64_t commands, std::uint64_t seed) {
  Journal journal({.directory = directory, .segment_bytes = 65'536, .buffer_bytes = 8'192});
  const std::uint64_t first = journal.last_sequence() + 1;
  std::atomic<bool> stop{false};
  std::thread readers[] = {std::thread(follow, directory, std::cref(stop), first + commands - 1),
                           std::thread(follow, directory, std::cref(stop), first + commands - 1)};
  std::atomic<bool> appended{false};
  std::thread syncer([&] {
    std::uint64_t durable = journal.durable_sequence();
    while (!appended) {
      const std::uint64_t before = journal.last_sequence();
      journal.sync();
      REQUIRE(journal.durable_sequence() >= before && journal.durable_sequence() >= durable);
      durable = journal.durable_sequence();
      static_cast<void>(journal.chain_head());
      static_cast<void>(journal.block());
    }
  });
  std::mt19937_64 random(seed);
  for (std::uint64_t sequence = first; sequence < first + commands; ++sequence) {
    journal.append(sequence, 0, command(sequence));
    if (random() % 500 == 0) journal.raise_epoch(journal.epoch() + 1);
    if (random() % 100 == 0) std::this_thread::yield();
  }
  journal.sync();
  appended = true;
  syncer.join();
  stop = true;
  for (auto& reader : readers) reader.join();
  REQUIRE(journal.durable_sequence() == first + commands - 1);
  if (random() % 2 == 0) journal.close();
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t rounds = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 4;
  const std::uint64_t commands = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 4'000;
  const std::uint64_t seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1;
  const stress::Scratch scratch("journal-threads");
  for (std::uint64_t round = 0; round < rounds; ++round)
    one_round(scratch.path() / "journal", commands, seed + round);
  const JournalReport report = verify_journal(scratch.path() / "journal");
  REQUIRE(!report.damage && !report.torn && report.records == rounds * commands);
  std::printf("%llu commands in %llu segments, none lost, none torn\n",
              static_cast<unsigned long long>(report.records),
              static_cast<unsigned long long>(report.segments));
  return 0;
}
