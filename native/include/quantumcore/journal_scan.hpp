// Reads one segment block by block and judges it: sound, cut short, or damaged. Pure: memory in,
// verdict out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "quantumcore/journal_format.hpp"

namespace quantumcore::journal {

/// Where the chain stands: what the last sealed block left behind.
struct ChainState {
  std::uint64_t sequence = 0;
  std::uint32_t epoch = 0;
  std::uint32_t block = 0;
  Digest hash{};
  std::int64_t time_ns = 0;
};

/// One run of sound records: a sealed block, or what is left of a block that was never sealed.
struct Block {
  std::size_t begin = 0;
  std::size_t end = 0;  // of the records; the seal follows
  std::uint32_t commands = 0;
  std::uint32_t records = 0;
  std::uint64_t last_sequence = 0;
};

enum class Verdict : std::uint8_t {
  Sealed,    // `block` is whole and fits the chain
  CleanEnd,  // nothing but zeros from here
  Torn,      // the last block was cut short: `block` holds its sound beginning, perhaps nothing
  Damaged,   // what was once synced is no longer right: `offset` and `reason` say where
};

/// Walks `segment` from its first block on.
///
/// The rule of the tail: block b + 1 is begun only after b was synced. So a bad record in b is
/// damage if anything sound of a later block follows, else it is a write that power loss cut: the
/// pages of one write may reach the disk in any order, therefore later records of the same block
/// prove nothing.
class SegmentScan {
 public:
  SegmentScan(Bytes segment, const ChainState& before) noexcept
      : segment_(segment), offset_(kSegmentHeaderBytes), state_(before), tail_(before) {}

  /// Cost: O(bytes of the block), one CRC and one SHA-256 pass; at the end of a segment O(what is
  /// left).
  [[nodiscard]] Verdict next(Block& block);

  /// Goes on in a fresh copy of the same segment.
  void rebase(Bytes segment) noexcept { segment_ = segment; }

  [[nodiscard]] const ChainState& state() const noexcept { return state_; }
  /// After Torn: the state behind the sound beginning of the cut block.
  [[nodiscard]] const ChainState& tail() const noexcept { return tail_; }
  /// Where the next block begins.
  [[nodiscard]] std::size_t offset() const noexcept { return offset_; }
  /// After Damaged or Torn: where the bad record begins.
  [[nodiscard]] std::size_t bad_offset() const noexcept { return bad_offset_; }
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

 private:
  Verdict damaged(std::size_t offset, const char* reason);
  Verdict ended(std::size_t position, const Block& block, const ChainState& tail);
  Verdict seal(const RecordView& record, const Block& block, const ChainState& tail);
  [[nodiscard]] bool later_block_follows(std::size_t position) const noexcept;

  Bytes segment_;
  std::size_t offset_;
  std::size_t bad_offset_ = 0;
  ChainState state_;
  ChainState tail_;
  std::string reason_;
};

/// SHA-256(before ‖ records).
[[nodiscard]] Digest chain_hash(const Digest& before, Bytes records) noexcept;

/// Writes the seal of a block of `records` records at `offset`, after which the chain stands at
/// `after`. Returns its size.
std::size_t encode_seal(const ChainState& after, std::size_t block_bytes, std::uint32_t commands,
                        std::uint32_t records, std::size_t offset, std::byte* out) noexcept;

}  // namespace quantumcore::journal
