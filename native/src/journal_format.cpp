#include "quantumcore/journal_format.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "quantumcore/crc32c.hpp"

namespace quantumcore::journal {
namespace {

constexpr std::array<char, 8> kMagic = {'Q', 'C', 'J', 'R', 'N', 'L', '\r', '\n'};

struct SegmentLayout {
  std::array<char, 8> magic{};
  std::uint32_t version = 0;
  std::uint16_t shard = 0;
  std::uint16_t reserved0 = 0;
  std::uint64_t number = 0;
  std::uint64_t first_sequence = 0;
  Digest previous{};
  std::uint32_t first_block = 0;
  std::uint32_t epoch = 0;
  std::uint64_t segment_bytes = 0;
  std::array<std::byte, 44> reserved1{};
  std::uint32_t crc = 0;
};
static_assert(sizeof(SegmentLayout) == kSegmentHeaderBytes);

constexpr std::size_t kSegmentCrcOffset = kSegmentHeaderBytes - sizeof(std::uint32_t);
constexpr std::size_t kRecordCrcOffset = sizeof(std::uint32_t);
constexpr std::size_t kAfterRecordCrc = kRecordCrcOffset + sizeof(std::uint32_t);

std::uint32_t record_crc(Bytes record) noexcept {
  return crc32c(record.subspan(kAfterRecordCrc), crc32c(record.first(kRecordCrcOffset)));
}

bool length_fits_kind(RecordKind kind, std::size_t length) noexcept {
  switch (kind) {
    case RecordKind::Command:
      return length >= 1 && length <= kMaxCommandBytes;
    case RecordKind::Epoch:
      return length == 0;
    case RecordKind::Seal:
      return length == kSealBodyBytes;
  }
  return false;
}

}  // namespace

Digest genesis(std::uint16_t shard) noexcept {
  std::array<std::byte, sizeof kMagic + sizeof kVersion + sizeof shard> bytes{};
  std::memcpy(bytes.data(), kMagic.data(), sizeof kMagic);
  std::memcpy(bytes.data() + sizeof kMagic, &kVersion, sizeof kVersion);
  std::memcpy(bytes.data() + sizeof kMagic + sizeof kVersion, &shard, sizeof shard);
  return sha256(bytes);
}

void encode_segment_header(const SegmentHeader& header,
                           std::span<std::byte, kSegmentHeaderBytes> out) noexcept {
  SegmentLayout layout;
  layout.magic = kMagic;
  layout.version = kVersion;
  layout.shard = header.shard;
  layout.number = header.number;
  layout.first_sequence = header.first_sequence;
  layout.previous = header.previous;
  layout.first_block = header.first_block;
  layout.epoch = header.epoch;
  layout.segment_bytes = header.segment_bytes;
  std::memcpy(out.data(), &layout, sizeof layout);
  layout.crc = crc32c(Bytes(out).first(kSegmentCrcOffset));
  std::memcpy(out.data(), &layout, sizeof layout);
}

std::optional<SegmentHeader> decode_segment_header(Bytes bytes, std::string& reason) {
  SegmentLayout layout;
  if (bytes.size() < sizeof layout) {
    reason = "the segment header is cut short";
    return std::nullopt;
  }
  std::memcpy(&layout, bytes.data(), sizeof layout);
  if (layout.magic != kMagic) {
    reason = "the segment header has no magic";
  } else if (layout.crc != crc32c(bytes.first(kSegmentCrcOffset))) {
    reason = "the segment header's checksum is wrong";
  } else if (layout.version != kVersion) {
    reason = "layout version " + std::to_string(layout.version) + " is not known";
  } else if (layout.segment_bytes < kMinSegmentBytes || layout.segment_bytes > kMaxSegmentBytes ||
             layout.first_sequence == 0 || layout.number == 0) {
    reason = "the segment header holds impossible numbers";
  } else if (layout.number == 1 &&
             (layout.previous != genesis(layout.shard) || layout.first_sequence != 1)) {
    reason = "the first segment does not begin the chain";
  } else {
    SegmentHeader header;
    header.shard = layout.shard;
    header.number = layout.number;
    header.first_sequence = layout.first_sequence;
    header.previous = layout.previous;
    header.first_block = layout.first_block;
    header.epoch = layout.epoch;
    header.segment_bytes = layout.segment_bytes;
    return header;
  }
  return std::nullopt;
}

std::size_t encode_record(RecordHeader header, RecordKind kind, Bytes body,
                          std::byte* out) noexcept {
  const std::size_t size = record_bytes(body.size());
  header.length_and_kind =
      static_cast<std::uint32_t>(body.size()) | (static_cast<std::uint32_t>(kind) << 24U);
  header.crc = 0;
  std::memcpy(out, &header, sizeof header);
  std::copy(body.begin(), body.end(), out + kRecordHeaderBytes);
  std::fill(out + kRecordHeaderBytes + body.size(), out + size, std::byte{0});
  header.crc = record_crc(Bytes(out, size));
  std::memcpy(out + kRecordCrcOffset, &header.crc, sizeof header.crc);
  return size;
}

std::optional<RecordView> parse_record(Bytes bytes, std::size_t offset) noexcept {
  if (offset > bytes.size() || bytes.size() - offset < kRecordHeaderBytes) return std::nullopt;
  const Bytes rest = bytes.subspan(offset);
  RecordView view;
  std::memcpy(&view.header, rest.data(), sizeof view.header);
  const std::size_t length = view.header.length();
  if (!length_fits_kind(view.header.kind(), length)) return std::nullopt;
  view.size = record_bytes(length);
  if (view.size > rest.size()) return std::nullopt;
  if (record_crc(rest.first(view.size)) != view.header.crc) return std::nullopt;
  view.body = rest.subspan(kRecordHeaderBytes, length);
  return view;
}

bool all_zero(Bytes bytes) noexcept {
  std::size_t at = 0;
  for (; bytes.size() - at >= 512; at += 512) {
    std::array<std::uint64_t, 64> words{};
    std::memcpy(words.data(), bytes.data() + at, sizeof words);
    std::uint64_t any = 0;
    for (const std::uint64_t word : words) any |= word;
    if (any != 0) return false;
  }
  return std::all_of(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.end(),
                     [](std::byte b) { return b == std::byte{0}; });
}

}  // namespace quantumcore::journal
