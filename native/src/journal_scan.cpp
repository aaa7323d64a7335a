#include "quantumcore/journal_scan.hpp"

#include <cstring>

namespace quantumcore::journal {

Digest chain_hash(const Digest& before, Bytes records) noexcept {
  Sha256 hash;
  hash.update(before);
  hash.update(records);
  return hash.finish();
}

std::size_t encode_seal(const ChainState& after, std::size_t block_bytes, std::uint32_t commands,
                        std::uint32_t records, std::size_t offset, std::byte* out) noexcept {
  const SealBody body{.hash = after.hash,
                      .block_bytes = block_bytes,
                      .commands = commands,
                      .records = records,
                      .offset = offset,
                      .reserved = 0};
  const RecordHeader header{.epoch = after.epoch,
                            .block = after.block,
                            .sequence = after.sequence,
                            .time_ns = after.time_ns};
  return encode_record(header, RecordKind::Seal, std::as_bytes(std::span(&body, 1)), out);
}

Verdict SegmentScan::next(Block& block) {
  block = Block{.begin = offset_, .end = offset_, .last_sequence = state_.sequence};
  ChainState tail = state_;
  tail.block = state_.block + 1;
  for (std::size_t position = offset_;;) {
    const auto record = parse_record(segment_, position);
    if (!record) return ended(position, block, tail);
    const RecordHeader& header = record->header;
    if (header.block != tail.block)
      return damaged(position, "a record of another block stands here");
    switch (header.kind()) {
      case RecordKind::Seal:
        block.end = position;
        return seal(*record, block, tail);
      case RecordKind::Command:
        if (header.sequence != tail.sequence + 1)
          return damaged(position, "the sequence has a gap");
        if (header.epoch < tail.epoch) return damaged(position, "the epoch falls");
        ++block.commands;
        break;
      case RecordKind::Epoch:
        if (header.sequence != tail.sequence) return damaged(position, "the sequence has a gap");
        if (header.epoch <= tail.epoch) return damaged(position, "the epoch does not rise");
        break;
    }
    tail.sequence = header.sequence;
    tail.epoch = header.epoch;
    tail.time_ns = header.time_ns;
    ++block.records;
    block.last_sequence = header.sequence;
    position += record->size;
    block.end = position;
  }
}

Verdict SegmentScan::seal(const RecordView& record, const Block& block, const ChainState& tail) {
  SealBody body;
  std::memcpy(&body, record.body.data(), sizeof body);
  const RecordHeader& header = record.header;
  if (block.records == 0) return damaged(block.end, "a seal without records");
  if (header.sequence != tail.sequence || header.epoch != tail.epoch ||
      header.time_ns != tail.time_ns || body.block_bytes != block.end - block.begin ||
      body.commands != block.commands || body.records != block.records ||
      body.offset != block.begin || body.reserved != 0) {
    return damaged(block.end, "the seal does not fit its block");
  }
  if (body.hash !=
      chain_hash(state_.hash, segment_.subspan(block.begin, block.end - block.begin))) {
    return damaged(block.begin, "the hash chain is broken in this block");
  }
  state_ = tail;
  state_.hash = body.hash;
  offset_ = block.end + kSealBytes;
  return Verdict::Sealed;
}

Verdict SegmentScan::ended(std::size_t position, const Block& block, const ChainState& tail) {
  const bool clean = position >= segment_.size() || all_zero(segment_.subspan(position));
  if (clean && block.records == 0) return Verdict::CleanEnd;
  if (!clean && later_block_follows(position)) return damaged(position, "the record is damaged");
  bad_offset_ = position;
  tail_ = tail;
  return Verdict::Torn;
}

// Every byte is tried, not every eighth: whoever takes out three bytes moves what follows off its
// place, and it was synced all the same. The cheap tests come first: few bytes pass them by chance,
// so that few checksums are taken.
bool SegmentScan::later_block_follows(std::size_t position) const noexcept {
  const std::uint32_t expected = state_.block + 1;
  const std::uint64_t most_records = segment_.size() / kRecordHeaderBytes;
  for (std::size_t at = position + 1; at + kRecordHeaderBytes <= segment_.size(); ++at) {
    RecordHeader header;
    std::memcpy(&header, segment_.data() + at, sizeof header);
    if (!later_block(header.block, expected) || header.sequence - state_.sequence > most_records)
      continue;
    if (parse_record(segment_, at)) return true;
  }
  return false;
}

Verdict SegmentScan::damaged(std::size_t offset, const char* reason) {
  bad_offset_ = offset;
  reason_ = reason;
  return Verdict::Damaged;
}

}  // namespace quantumcore::journal
