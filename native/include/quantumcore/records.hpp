// Journal records in bulk, as they cross the border to Python: chunks of
// {u64 sequence, i64 time_ns, u32 epoch, u32 length, command, padding to 8}.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "quantumcore/engine.hpp"
#include "quantumcore/errors.hpp"
#include "quantumcore/journal_errors.hpp"
#include "quantumcore/journal_format.hpp"
#include "quantumcore/journal_reader.hpp"
#include "quantumcore/layout.hpp"

namespace quantumcore {

inline constexpr std::size_t kRecordHead = 24;

/// Reads ahead natively, so that whoever asks sees whole chunks.
class RecordChunks {
 public:
  RecordChunks(std::string directory, std::uint64_t after_sequence)
      : reader_(std::move(directory), after_sequence) {}

  [[nodiscard]] std::uint64_t sequence() const noexcept {
    return has_carry_ ? carry_.sequence - 1 : reader_.sequence();
  }
  void limit(std::uint64_t sequence) noexcept { reader_.limit(sequence); }

  /// Fills a chunk of at most `max_bytes`, but of one record at least if there is one. The chunk
  /// lives until the next call.
  std::span<const std::byte> read(std::size_t max_bytes) {
    chunk_.clear();
    try {
      while (has_carry_ || reader_.next(carry_)) {
        has_carry_ = true;
        const std::size_t size = kRecordHead + journal::padded(carry_.command.size());
        if (!chunk_.empty() && chunk_.size() + size > max_bytes) break;
        add(carry_, size);
        has_carry_ = false;
      }
    } catch (const CorruptedJournal&) {
      if (chunk_.empty())
        throw;  // else what was sound goes out first; the next call meets the damage again
    }
    return chunk_;
  }

 private:
  void add(const JournalRecord& record, std::size_t size) {
    const std::size_t at = chunk_.size();
    const auto length = static_cast<std::uint32_t>(record.command.size());
    chunk_.resize(at + size);
    std::byte* out = chunk_.data() + at;
    std::memcpy(out, &record.sequence, 8);
    std::memcpy(out + 8, &record.time_ns, 8);
    std::memcpy(out + 16, &record.epoch, 4);
    std::memcpy(out + 20, &length, 4);
    std::copy(record.command.begin(), record.command.end(), out + kRecordHead);
  }

  JournalReader reader_;
  JournalRecord carry_;  // read, but it did not fit; its bytes stay in the reader
  bool has_carry_ = false;
  std::vector<std::byte> chunk_;
};

/// Steps records, each at its own time.
class RecordReplay {
 public:
  /// Neighbours of one time are stepped together: what a step costs by itself, and waiting for
  /// memory, is then shared. Only what is framed as its record says may join; a record that is not
  /// stands alone and is refused by `step`.
  void run(Engine& engine, std::span<const std::byte> records, EventBuffer& events) {
    constexpr std::size_t kTogether = std::size_t{1} << 16;
    std::vector<std::byte>& together = together_;
    together.clear();
    std::uint64_t expected = engine.sequence() + 1;
    std::int64_t now = 0;
    const auto flush = [&] {
      if (!together.empty()) engine.step(together, now, events);
      together.clear();
    };
    for (; !records.empty(); ++expected) {
      std::uint64_t sequence = 0;
      std::int64_t time_ns = 0;
      std::uint32_t length = 0;
      std::size_t size = 0;
      if (records.size() >= kRecordHead) {
        std::memcpy(&sequence, records.data(), sizeof sequence);
        std::memcpy(&time_ns, records.data() + 8, sizeof time_ns);
        std::memcpy(&length, records.data() + 20, sizeof length);
        size = kRecordHead + ((std::size_t{length} + 7) & ~std::size_t{7});
      }
      if (size == 0 || size > records.size() || sequence != expected) {
        flush();
        throw InvalidCommand(size == 0 ? "a journal record is cut short"
                                       : "a journal record does not continue the engine");
      }
      const std::span<const std::byte> command = records.subspan(kRecordHead, length);
      std::uint16_t framed = 0;
      if (length >= kMinCommandSize) std::memcpy(&framed, command.data(), sizeof framed);
      const bool joins = framed == length && length % 8 == 0 && length <= kMaxCommandSize;
      if (!joins || time_ns != now || together.size() + length > kTogether) flush();
      now = time_ns;
      together.insert(together.end(), command.begin(), command.end());
      if (!joins) {
        flush();
        expected = engine.sequence();  // what was no command counts for none
      }
      records = records.subspan(size);
    }
    flush();
  }

 private:
  std::vector<std::byte> together_;
};

}  // namespace quantumcore
