// The command journal: what was accepted, in order, on disk before anybody hears of it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "quantumcore/journal_errors.hpp"
#include "quantumcore/journal_files.hpp"
#include "quantumcore/journal_format.hpp"
#include "quantumcore/journal_reader.hpp"

namespace quantumcore {

struct JournalOptions {
  std::filesystem::path directory;
  std::uint16_t shard = 0;
  std::size_t segment_bytes = std::size_t{16} << 20U;
  std::size_t buffer_bytes = std::size_t{4} << 20U;
  /// Segments that end before this sequence are not read when opening: a snapshot stands for them.
  std::uint64_t trusted_sequence = 0;
};

/// What opening found and did.
struct JournalRecovery {
  std::uint64_t records = 0;  // commands read while opening
  std::string cut_segment;    // empty: nothing was cut
  std::uint64_t cut_offset = 0;
  std::uint64_t sealed_records = 0;  // commands of an unfinished block that were whole and stay
};

namespace journal {

/// Keeps one spare ready, made by a thread of its own, so that rotation only renames.
class SpareSegment {
 public:
  SpareSegment(std::filesystem::path directory, std::size_t segment_bytes);
  ~SpareSegment();
  SpareSegment(const SpareSegment&) = delete;
  SpareSegment& operator=(const SpareSegment&) = delete;

  /// Whether one is ready, waiting for it if need be. False: `reason` says what the disk answered
  /// to this try.
  [[nodiscard]] bool ensure(std::string& reason);
  /// Takes the ready one; the next is begun at once. Only after ensure() gave true.
  [[nodiscard]] Spare take();
  /// Begins to make one in the background.
  void prepare();

 private:
  void run();
  [[nodiscard]] Spare make(std::uint64_t attempt) const;

  std::filesystem::path directory_;
  std::size_t segment_bytes_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  std::optional<Spare> ready_;
  bool wanted_ = false;
  bool stopping_ = false;
  std::uint64_t attempts_ = 0;  // finished ones, good or bad
  std::string failure_;
  std::thread thread_;
};

/// Records of one block, waiting to be sealed.
struct Pending {
  std::vector<std::byte> bytes;  // sized once; `used` of it count
  std::size_t used = 0;
  std::uint32_t commands = 0;
  std::uint32_t records = 0;
};

}  // namespace journal

/// One writer of one directory.
///
/// append (one thread at a time) copies into memory; sync (any thread) makes everything appended
/// before it durable, while further appends go on. The two never wait for each other but when the
/// buffer is full. After JournalFailed nothing but close() works: what the disk holds is unknown,
/// and asking it again is no proof.
class Journal {
 public:
  /// Opens or creates. Cuts a torn tail; seals what is left whole of an unfinished block.
  ///
  /// Raises: JournalLocked, CorruptedJournal, JournalFull, std::invalid_argument,
  /// std::system_error.
  explicit Journal(JournalOptions options);
  /// Releases everything and writes nothing: what was not synced was never acknowledged.
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// Makes sure that `commands` commands of together `command_bytes` bytes have room on disk.
  ///
  /// Raises: JournalFull: nothing happened.
  void reserve(std::size_t command_bytes, std::size_t commands = 1);

  /// Appends one command. `sequence` must be last_sequence() + 1; `epoch` defaults to the
  /// journal's.
  ///
  /// Raises: JournalOutOfOrder, StaleEpoch, JournalFull, std::invalid_argument: nothing happened.
  /// JournalFailed.
  void append(std::uint64_t sequence, std::int64_t time_ns, std::span<const std::byte> command,
              std::optional<std::uint32_t> epoch = std::nullopt);

  /// Appends commands that each begin with their own size (u16; engine.md section 1), with
  /// ascending sequences. Returns how many. Raises as append, before anything happened.
  std::size_t append_batch(std::span<const std::byte> commands, std::uint64_t first_sequence,
                           std::int64_t time_ns, std::optional<std::uint32_t> epoch = std::nullopt);

  /// Seals what is pending and makes it durable. Returns the bytes written; 0 when nothing was
  /// pending.
  ///
  /// Raises: JournalFailed, now and for ever.
  std::size_t sync();

  /// Records a higher epoch, durably: from here on an append of a lower one is refused. The same
  /// epoch again does nothing.
  ///
  /// Raises: StaleEpoch, JournalFull: nothing happened. JournalFailed.
  void raise_epoch(std::uint32_t epoch, std::int64_t time_ns = 0);

  /// Syncs and releases; a second close does nothing.
  ///
  /// Raises: JournalFailed: what was not synced before may be lost. Everything is released all the
  /// same.
  void close();

  [[nodiscard]] std::uint64_t last_sequence() const noexcept {
    return last_sequence_.load(std::memory_order_acquire);
  }
  [[nodiscard]] std::uint64_t durable_sequence() const noexcept {
    return durable_sequence_.load(std::memory_order_acquire);
  }
  [[nodiscard]] std::uint32_t epoch() const;
  /// The last durable block, and the chain hash behind it.
  [[nodiscard]] std::uint32_t block() const;
  [[nodiscard]] Digest chain_head() const;
  [[nodiscard]] const JournalRecovery& recovery() const noexcept { return recovery_; }
  [[nodiscard]] const JournalOptions& options() const noexcept { return options_; }

 private:
  struct Write {  // one block on its way to the disk
    std::size_t offset = 0;
    bool rotate = false;
    journal::ChainState after;  // all but the hash
  };

  void lock_directory();
  void recover();
  void open_tail(const journal::Tail& tail);
  void cut(const journal::Tail& tail);
  void seal_partial(const journal::Tail& tail);
  void create_first_segment();

  void check_usable() const;
  void check_order(std::uint64_t sequence, std::optional<std::uint32_t> epoch) const;
  void ensure_room(std::size_t record_bytes);
  void push(journal::RecordKind kind, std::uint64_t sequence, std::int64_t time_ns,
            std::optional<std::uint32_t> epoch, std::span<const std::byte> body);
  [[nodiscard]] std::optional<Write> plan();
  void rotate();
  void write_block(Write& write);
  std::size_t sync_locked();
  void release() noexcept;

  JournalOptions options_;
  JournalRecovery recovery_;
  journal::Fd lock_;
  journal::Fd segment_;
  std::optional<journal::SpareSegment> spare_;

  std::mutex append_mutex_;  // one appender; taken before sync_mutex_
  std::mutex
      sync_mutex_;  // one sync; taken before mutex_; guards segment_, segment_number_, sealing_
  mutable std::mutex
      mutex_;  // guards what follows; durable_ is written under both, read under either
  journal::Pending pending_;
  journal::ChainState appended_;  // after the last append; `block` is the one that pending_ will be
  journal::ChainState durable_;
  std::size_t planned_end_ =
      0;  // where the next block begins, once what is being written is written
  std::size_t planned_size_ = 0;  // of the segment it will be in
  bool closed_ = false;
  std::string failure_;

  journal::Pending sealing_;
  std::uint64_t segment_number_ = 1;
  std::atomic<std::uint64_t> last_sequence_{0};
  std::atomic<std::uint64_t> durable_sequence_{0};
};

}  // namespace quantumcore
