// The journal, byte for byte. All integers are little-endian; every reserved byte is zero.
//
// Segment: header (128 bytes), then blocks, then zeros up to its size.
// Block: records of one group commit, closed by a seal. A block never crosses a segment.
// Record: header (32 bytes), body, zeros up to a multiple of 8.
//
//   segment header   0 char[8] magic · 8 u32 version · 12 u16 shard · 14 u16 reserved · 16 u64
//   number (from 1)
//                    24 u64 first sequence · 32 u8[32] chain hash before · 64 u32 first block · 68
//                    u32 epoch before 72 u64 segment size · 80 u8[44] reserved · 124 u32 CRC-32C of
//                    bytes 0..124
//   record header    0 u32 length of the body, kind in the top byte · 4 u32 CRC-32C · 8 u32 epoch ·
//   12 u32 block
//                    16 u64 sequence · 24 i64 time_ns
//   seal body        0 u8[32] chain hash · 32 u64 bytes of the block · 40 u32 commands · 44 u32
//   records
//                    48 u64 offset of the block · 56 u64 reserved
//
// The CRC of a record covers its length, bytes 8..32, its body and padding.
// chain hash = SHA-256(chain hash before ‖ all record bytes of the block, without the seal).
// The first chain hash is SHA-256(magic ‖ version ‖ shard), so that a segment of another shard
// never fits.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "quantumcore/sha256.hpp"

namespace quantumcore::journal {

static_assert(std::endian::native == std::endian::little, "the layouts are copied, not converted");

using Bytes = std::span<const std::byte>;

inline constexpr std::size_t kSegmentHeaderBytes = 128;
inline constexpr std::size_t kRecordHeaderBytes = 32;
inline constexpr std::size_t kSealBodyBytes = 64;
inline constexpr std::size_t kSealBytes = kRecordHeaderBytes + kSealBodyBytes;
inline constexpr std::size_t kMaxCommandBytes = 65'528;
inline constexpr std::size_t kMinSegmentBytes = 4'096;
inline constexpr std::size_t kMaxSegmentBytes = std::size_t{256} << 20U;
inline constexpr std::uint32_t kVersion = 1;

enum class RecordKind : std::uint8_t { Command = 0x00, Epoch = 0x40, Seal = 0x80 };

struct SegmentHeader {
  std::uint16_t shard = 0;
  std::uint64_t number = 1;
  std::uint64_t first_sequence = 1;
  Digest previous{};
  std::uint32_t first_block = 1;
  std::uint32_t epoch = 0;
  std::uint64_t segment_bytes = 0;
};

struct RecordHeader {
  std::uint32_t length_and_kind = 0;
  std::uint32_t crc = 0;
  std::uint32_t epoch = 0;
  std::uint32_t block = 0;
  std::uint64_t sequence = 0;
  std::int64_t time_ns = 0;

  [[nodiscard]] std::size_t length() const noexcept { return length_and_kind & 0x00FF'FFFFU; }
  [[nodiscard]] RecordKind kind() const noexcept {
    return static_cast<RecordKind>(length_and_kind >> 24U);
  }
};
static_assert(sizeof(RecordHeader) == kRecordHeaderBytes);

struct SealBody {
  Digest hash{};
  std::uint64_t block_bytes = 0;
  std::uint32_t commands = 0;
  std::uint32_t records = 0;
  std::uint64_t offset = 0;
  std::uint64_t reserved = 0;
};
static_assert(sizeof(SealBody) == kSealBodyBytes);

/// A record inside a buffer that somebody else owns.
struct RecordView {
  RecordHeader header;
  Bytes body;
  std::size_t size = 0;  // header, body and padding
};

[[nodiscard]] constexpr std::size_t padded(std::size_t n) noexcept {
  return (n + 7U) & ~std::size_t{7};
}

/// What a command of `n` bytes takes in the journal.
[[nodiscard]] constexpr std::size_t record_bytes(std::size_t n) noexcept {
  return kRecordHeaderBytes + padded(n);
}

/// Whether block `a` comes after `b`; numbers wrap after 2^32 blocks, which a busy venue meets
/// within months.
[[nodiscard]] constexpr bool later_block(std::uint32_t a, std::uint32_t b) noexcept {
  return static_cast<std::int32_t>(a - b) > 0;
}

[[nodiscard]] Digest genesis(std::uint16_t shard) noexcept;

void encode_segment_header(const SegmentHeader& header,
                           std::span<std::byte, kSegmentHeaderBytes> out) noexcept;

/// Returns the header, or nothing and the reason.
[[nodiscard]] std::optional<SegmentHeader> decode_segment_header(Bytes bytes, std::string& reason);

/// Writes header, body and padding to `out`, which must hold record_bytes(body.size()). Returns
/// that size.
std::size_t encode_record(RecordHeader header, RecordKind kind, Bytes body,
                          std::byte* out) noexcept;

/// Returns the record at `offset`, or nothing when those bytes are no whole, sound record. Trusts
/// no field: nothing outside `bytes` is read whatever they say.
[[nodiscard]] std::optional<RecordView> parse_record(Bytes bytes, std::size_t offset) noexcept;

[[nodiscard]] bool all_zero(Bytes bytes) noexcept;

}  // namespace quantumcore::journal
