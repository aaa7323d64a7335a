// 100,000 damaged segments, and some damaged directories: a verdict every time, never a byte read
// outside the buffer, and no sealed block that is not, byte for byte, one that was written.
//
//   journal_fuzz [segments] [directories] [seed]

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "quantumcore/crc32c.hpp"
#include "quantumcore/journal.hpp"
#include "require.hpp"
#include "scratch.hpp"

namespace {

namespace fs = std::filesystem;
using namespace quantumcore;
using journal::Bytes;
using journal::Verdict;
using Random = std::mt19937_64;

constexpr std::size_t kSegmentBytes = 4'096;

std::uint64_t below(Random& random, std::uint64_t n) { return random() % n; }

void write_journal(const fs::path& directory, Random& random, int blocks) {
  Journal written({.directory = directory, .segment_bytes = kSegmentBytes, .buffer_bytes = 1'024});
  std::vector<std::byte> command(480);
  for (int block = 0; block < blocks; ++block) {
    for (std::uint64_t n = below(random, 4) + 1; n > 0; --n) {
      for (auto& b : command) b = static_cast<std::byte>(random());
      written.append(written.last_sequence() + 1, static_cast<std::int64_t>(random()),
                     Bytes(command).first(below(random, 200) + 1));
    }
    if (below(random, 8) == 0) written.raise_epoch(written.epoch() + 1);
    written.sync();
  }
  written.close();
}

std::vector<std::byte> load(const fs::path& path) {
  std::vector<std::byte> data(fs::file_size(path));
  std::ifstream(path, std::ios::binary)
      .read(reinterpret_cast<char*>(data.data()), static_cast<std::streamsize>(data.size()));
  return data;
}

void store(const fs::path& path, Bytes data) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(reinterpret_cast<const char*>(data.data()), static_cast<std::streamsize>(data.size()));
}

std::vector<std::size_t> record_offsets(Bytes segment) {
  std::vector<std::size_t> offsets;
  std::size_t at = journal::kSegmentHeaderBytes;
  while (const auto record = journal::parse_record(segment, at)) {
    offsets.push_back(at);
    at += record->size;
  }
  return offsets;
}

/// Makes the checksum of the record at `at` right for whatever length it now claims, as far as the
/// buffer goes.
void mend(std::vector<std::byte>& data, std::size_t at) {
  journal::RecordHeader header;
  if (at + sizeof header > data.size()) return;
  std::memcpy(&header, data.data() + at, sizeof header);
  const std::size_t size = std::min(journal::record_bytes(header.length()), data.size() - at);
  header.crc = crc32c(Bytes(data).subspan(at + 8, size - 8), crc32c(Bytes(data).subspan(at, 4)));
  std::memcpy(data.data() + at + 4, &header.crc, 4);
}

void mutate(std::vector<std::byte>& data, const std::vector<std::size_t>& records, Random& random) {
  for (std::uint64_t n = below(random, 3) + 1; n > 0; --n) {
    const std::size_t record = records[below(random, records.size())];
    const std::size_t at = below(random, 3) == 0
                               ? below(random, data.size())
                               : std::min(record + below(random, 40), data.size() - 1);
    switch (below(random, 7)) {
      case 0:
        data[at] ^= static_cast<std::byte>(1U << below(random, 8));
        break;
      case 1:
        data[at] = static_cast<std::byte>(random());
        break;
      case 2: {  // a length from all over the range, small ones and those near the ends above all
        static constexpr std::uint32_t kLengths[] = {
            0,      1,        7,          8,          64,         0xFFF8,
            0xFFF9, 0xFFFFFF, 0x80000040, 0x40000000, 0xFFFFFFFF, 0x00FFFFF8};
        const std::uint32_t word =
            below(random, 2) == 0
                ? kLengths[below(random, std::size(kLengths))]
                : static_cast<std::uint32_t>(data.size() - record - below(random, 64));
        if (record + 4 <= data.size()) std::memcpy(data.data() + record, &word, 4);
        break;
      }
      case 3:
        std::fill(data.begin() + static_cast<std::ptrdiff_t>(at),
                  data.begin() +
                      static_cast<std::ptrdiff_t>(std::min(at + below(random, 600), data.size())),
                  std::byte{0});
        break;
      case 4:
        data.resize(std::max(at, journal::kSegmentHeaderBytes));
        break;
      case 5: {
        const std::size_t from = records[below(random, records.size())];
        const std::size_t size =
            std::min({below(random, 300), data.size() - std::min(from, data.size()),
                      data.size() - std::min(record, data.size())});
        if (size > 0) std::memmove(data.data() + record, data.data() + from, size);
        break;
      }
      default:
        data.erase(data.begin() + static_cast<std::ptrdiff_t>(at));
        break;
    }
    if (data.size() <= journal::kSegmentHeaderBytes) return;
    if (below(random, 2) == 0) mend(data, record);
  }
}

/// Judges a copy that ends where its memory ends.
void judge(const std::vector<std::byte>& data, Bytes original, const journal::ChainState& before) {
  const auto exact = std::make_unique<std::byte[]>(data.size());
  std::copy(data.begin(), data.end(), exact.get());
  const Bytes segment(exact.get(), data.size());
  journal::SegmentScan scan(segment, before);
  journal::Block block;
  for (;;) {
    const std::size_t begin = scan.offset();
    const Verdict verdict = scan.next(block);
    if (verdict == Verdict::Sealed) {
      REQUIRE(block.begin == begin && block.end > begin && scan.offset() <= segment.size());
      REQUIRE(std::equal(segment.begin() + static_cast<std::ptrdiff_t>(begin),
                         segment.begin() + static_cast<std::ptrdiff_t>(block.end),
                         original.begin() + static_cast<std::ptrdiff_t>(begin)));
      continue;
    }
    if (verdict == Verdict::Torn)
      REQUIRE(scan.bad_offset() >= begin && scan.bad_offset() <= segment.size());
    if (verdict == Verdict::Damaged)
      REQUIRE(!scan.reason().empty() && scan.bad_offset() <= segment.size());
    return;
  }
}

void fuzz_segments(const fs::path& directory, std::uint64_t count, Random& random) {
  write_journal(directory, random, 60);
  std::vector<std::vector<std::byte>> originals;
  for (const auto& file : journal::list_segments(directory)) originals.push_back(load(file.path));
  REQUIRE(originals.size() > 3);
  for (std::uint64_t n = 0; n < count; ++n) {
    const auto& original = originals[below(random, originals.size())];
    std::string reason;
    const auto header = journal::decode_segment_header(original, reason);
    REQUIRE(header);
    auto data = original;
    mutate(data, record_offsets(original), random);
    static_cast<void>(journal::decode_segment_header(
        Bytes(data).first(std::min(data.size(), below(random, 200))), reason));
    judge(data, original,
          {.sequence = header->first_sequence - 1,
           .epoch = header->epoch,
           .block = header->first_block - 1,
           .hash = header->previous});
  }
}

/// Damages one file of a directory: reading, verifying and opening end in a typed error or a
/// journal that goes on.
void fuzz_directories(const fs::path& directory, std::uint64_t count, Random& random) {
  std::uint64_t refused = 0;
  for (std::uint64_t n = 0; n < count; ++n) {
    fs::remove_all(directory);
    write_journal(directory, random, static_cast<int>(below(random, 30)) + 1);
    const auto files = journal::list_segments(directory);
    const fs::path victim = files[below(random, files.size())].path;
    auto data = load(victim);
    mutate(data, record_offsets(data), random);
    store(victim, data);
    try {
      const JournalReport report = verify_journal(directory);
      std::uint64_t last = 0;
      Journal opened(
          {.directory = directory, .segment_bytes = kSegmentBytes, .buffer_bytes = 1'024});
      REQUIRE(!report.damage);
      replay(directory, 0,
             [&](const JournalRecord& record) { REQUIRE(record.sequence == ++last); });
      REQUIRE(last == opened.last_sequence() && last >= report.last_sequence);
      opened.append(last + 1, 0, Bytes(data).first(16));
      opened.close();
      REQUIRE(!verify_journal(directory).damage &&
              verify_journal(directory).last_sequence == last + 1);
    } catch (const CorruptedJournal& error) {
      REQUIRE(!error.reason().empty());
      ++refused;
    }
  }
  std::printf("%llu directories, %llu refused\n", static_cast<unsigned long long>(count),
              static_cast<unsigned long long>(refused));
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t segments = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100'000;
  const std::uint64_t directories = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 300;
  const std::uint64_t seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1;
  Random random(seed);
  const stress::Scratch scratch("journal-fuzz");
  fuzz_segments(scratch.path() / "segments", segments, random);
  fuzz_directories(scratch.path() / "directories", directories, random);
  std::printf("%llu segments, seed %llu: a verdict every time\n",
              static_cast<unsigned long long>(segments), static_cast<unsigned long long>(seed));
  return 0;
}
