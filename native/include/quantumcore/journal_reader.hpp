// Reads a journal without writing to it and without its lock: for replay, a standby, and
// verification.
#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "quantumcore/journal_errors.hpp"
#include "quantumcore/journal_files.hpp"
#include "quantumcore/journal_format.hpp"
#include "quantumcore/journal_scan.hpp"

namespace quantumcore {

/// One command as it was recorded. `command` lives until the reader is asked for the next record.
struct JournalRecord {
  std::uint64_t sequence = 0;
  std::int64_t time_ns = 0;
  std::uint32_t epoch = 0;
  std::uint32_t block = 0;
  std::span<const std::byte> command;
};

namespace journal {

/// Where the last segment ends.
struct Tail {
  SegmentFile segment;
  SegmentHeader header;
  std::size_t offset = 0;      // where the next block begins
  std::size_t bad_offset = 0;  // where sound bytes end; equal to `offset` at a clean end
  std::size_t file_bytes = 0;
  bool torn = false;         // a block was begun and not sealed
  Block partial;             // sound records of a block that was never sealed
  ChainState state;          // after the last sealed block
  ChainState partial_state;  // after `partial`
};

/// Walks the sealed blocks of a directory, segment after segment, holding one segment in memory.
class ChainWalk {
 public:
  /// Begins at the segment that holds `after_sequence + 1`, or at the oldest; earlier ones are not
  /// looked at.
  ///
  /// Raises: JournalMissing when the first record asked for is older than the oldest segment.
  ChainWalk(std::filesystem::path directory, std::optional<std::uint64_t> after_sequence);

  /// Steps to the next sealed block. False at the end of what is sealed by now; ask again later for
  /// more.
  ///
  /// Raises: CorruptedJournal. Asking again repeats it.
  [[nodiscard]] bool next(Block& block);

  [[nodiscard]] Bytes segment() const noexcept { return bytes_; }
  /// After the last sealed block; zeros when there is no segment.
  [[nodiscard]] ChainState state() const noexcept { return scan_ ? scan_->state() : ChainState{}; }
  /// Where the walk ended; nothing when the directory holds no segment. Valid after next() gave
  /// false.
  [[nodiscard]] const std::optional<Tail>& tail() const noexcept { return tail_; }
  /// How many segments were entered, and the first sequence of the first one.
  [[nodiscard]] std::uint64_t segments() const noexcept { return segments_; }
  [[nodiscard]] std::uint64_t first_sequence() const noexcept { return first_sequence_; }

 private:
  [[nodiscard]] bool begin();
  void load(std::size_t index);
  [[nodiscard]] bool reload();
  [[nodiscard]] bool more_after_end(Verdict verdict, const Block& block);
  void check_follows(const SegmentHeader& next, const std::string& name) const;
  [[noreturn]] void fail(std::uint64_t offset, const std::string& reason) const;

  std::filesystem::path directory_;
  std::optional<std::uint64_t> after_sequence_;
  std::vector<SegmentFile> files_;
  std::size_t index_ = 0;
  Fd fd_;
  std::vector<std::byte> bytes_;
  SegmentHeader header_;
  std::optional<SegmentScan> scan_;
  std::optional<Tail> tail_;
  bool complete_ =
      false;  // these bytes were read when the next segment existed: they will not grow
  bool at_end_ = false;
  std::uint64_t segments_ = 0;
  std::uint64_t first_sequence_ = 0;
};

}  // namespace journal

/// Iterates over the commands of a journal directory, each once, in order, checked by CRC and chain
/// before it is given.
class JournalReader {
 public:
  JournalReader(std::filesystem::path directory, std::uint64_t after_sequence);

  /// Gives the next record. False when there is none yet; ask again later. Never goes past `limit`.
  ///
  /// Raises: CorruptedJournal.
  [[nodiscard]] bool next(JournalRecord& record);

  /// Gives nothing above `sequence`.
  void limit(std::uint64_t sequence) noexcept { limit_ = sequence; }

  /// The last sequence given, at first the one it was asked to begin after.
  [[nodiscard]] std::uint64_t sequence() const noexcept { return sequence_; }

 private:
  journal::ChainWalk walk_;
  journal::Block block_;
  std::size_t position_ = 0;
  std::uint64_t sequence_;
  std::uint64_t limit_ = std::numeric_limits<std::uint64_t>::max();
};

/// Hands every record after the reader's position to `apply`, in order. Returns how many.
///
///   JournalReader reader(directory, snapshot.sequence);
///   replay(reader, [&](const JournalRecord& r) { engine.step(r.command, r.time_ns, sink); });
template <std::invocable<const JournalRecord&> F>
std::uint64_t replay(JournalReader& reader, F&& apply) {
  std::uint64_t count = 0;
  for (JournalRecord record; reader.next(record); ++count) apply(std::as_const(record));
  return count;
}

/// Opens `directory` and replays what comes after `after_sequence`. Returns how many records that
/// were.
template <std::invocable<const JournalRecord&> F>
std::uint64_t replay(const std::filesystem::path& directory, std::uint64_t after_sequence,
                     F&& apply) {
  JournalReader reader(directory, after_sequence);
  return replay(reader, std::forward<F>(apply));
}

/// What a walk over a whole directory found.
struct JournalReport {
  struct Spot {
    std::string segment;
    std::uint64_t offset = 0;
    std::string reason;
  };
  std::uint64_t segments = 0;
  std::uint64_t blocks = 0;
  std::uint64_t records = 0;
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
  std::uint32_t epoch = 0;
  Digest chain_head{};
  std::optional<Spot> torn;    // the tail that opening would cut; harmless
  std::optional<Spot> damage;  // the first damage; what comes after was not judged
};

/// Walks everything and writes nothing.
[[nodiscard]] JournalReport verify_journal(const std::filesystem::path& directory);

}  // namespace quantumcore
