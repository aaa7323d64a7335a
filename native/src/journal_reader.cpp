#include "quantumcore/journal_reader.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace quantumcore {
namespace journal {

ChainWalk::ChainWalk(std::filesystem::path directory, std::optional<std::uint64_t> after_sequence)
    : directory_(std::move(directory)), after_sequence_(after_sequence) {
  static_cast<void>(begin());
}

bool ChainWalk::begin() {
  files_ = list_segments(directory_);
  if (files_.empty()) return false;
  const std::uint64_t wanted =
      after_sequence_ ? *after_sequence_ + 1 : files_.front().first_sequence;
  if (wanted < files_.front().first_sequence) {
    throw JournalMissing("sequence " + std::to_string(wanted) + " is asked for; " +
                         directory_.string() + " begins at " +
                         std::to_string(files_.front().first_sequence));
  }
  const auto after = std::upper_bound(
      files_.begin(), files_.end(), wanted,
      [](std::uint64_t sequence, const SegmentFile& f) { return sequence < f.first_sequence; });
  load(static_cast<std::size_t>(after - files_.begin()) - 1);
  first_sequence_ = header_.first_sequence;
  return true;
}

void ChainWalk::load(std::size_t index) {
  const std::string name = files_[index].name();
  Fd fd = open_file(files_[index].path, O_RDONLY);
  const std::size_t size = file_size(fd.get());
  std::array<std::byte, kSegmentHeaderBytes> head{};
  const std::size_t got = read_some(fd.get(), 0, head);
  std::string reason;
  const auto header = decode_segment_header(Bytes(head).first(got), reason);
  if (!header) throw CorruptedJournal(name, 0, reason);
  if (header->first_sequence != files_[index].first_sequence)
    throw CorruptedJournal(name, 0, "the name and the header disagree");
  if (size > header->segment_bytes)
    throw CorruptedJournal(name, header->segment_bytes, "the file is larger than its header says");
  if (scan_) check_follows(*header, name);

  bytes_.resize(size);
  bytes_.resize(read_some(fd.get(), 0, bytes_));
  const ChainState before{.sequence = header->first_sequence - 1,
                          .epoch = header->epoch,
                          .block = header->first_block - 1,
                          .hash = header->previous};
  scan_.emplace(bytes_, before);
  fd_ = std::move(fd);
  header_ = *header;
  index_ = index;
  complete_ = index + 1 < files_.size();
  ++segments_;
}

// Whether anything differs. A writer may have added blocks while we read: a block seen half may be
// whole by now.
bool ChainWalk::reload() {
  std::vector<std::byte> fresh(file_size(fd_.get()));
  if (fresh.size() > header_.segment_bytes)
    fail(header_.segment_bytes, "the file is larger than its header says");
  fresh.resize(read_some(fd_.get(), 0, fresh));
  const bool changed = fresh != bytes_;
  bytes_ = std::move(fresh);
  scan_->rebase(bytes_);
  return changed;
}

bool ChainWalk::next(Block& block) {
  if (!scan_ && !begin()) return false;
  if (at_end_) {
    at_end_ = false;
    static_cast<void>(reload());
  }
  for (;;) {
    const Verdict verdict = scan_->next(block);
    if (verdict == Verdict::Sealed) return true;
    if (verdict == Verdict::Damaged) {
      if (!reload()) fail(scan_->bad_offset(), scan_->reason());
    } else if (!more_after_end(verdict, block)) {
      at_end_ = true;
      return false;
    }
  }
}

bool ChainWalk::more_after_end(Verdict verdict, const Block& block) {
  if (index_ + 1 == files_.size()) {
    const std::uint64_t here = files_[index_].first_sequence;
    auto files = list_segments(directory_);
    std::erase_if(files, [here](const SegmentFile& f) { return f.first_sequence < here; });
    if (!files.empty() && files.front().first_sequence == here) {
      files_ = std::move(files);
      index_ = 0;
    }
  }
  const bool torn = verdict == Verdict::Torn;
  if (index_ + 1 == files_.size()) {
    const std::size_t bad = torn ? scan_->bad_offset() : scan_->offset();
    tail_ = Tail{.segment = files_[index_],
                 .header = header_,
                 .offset = scan_->offset(),
                 .bad_offset = bad,
                 .file_bytes = bytes_.size(),
                 .torn = torn,
                 .partial = torn ? block : Block{},
                 .state = scan_->state(),
                 .partial_state = torn ? scan_->tail() : scan_->state()};
    return false;
  }
  if (!complete_) {
    complete_ = true;
    static_cast<void>(reload());
    return true;
  }
  if (torn) fail(scan_->bad_offset(), "the record is damaged");
  load(index_ + 1);
  return true;
}

void ChainWalk::check_follows(const SegmentHeader& next, const std::string& name) const {
  const ChainState& state = scan_->state();
  if (next.shard != header_.shard)
    throw CorruptedJournal(name, 0, "the segment is of another shard");
  if (next.number != header_.number + 1) {
    throw CorruptedJournal(name, 0,
                           "segment " + std::to_string(header_.number + 1) +
                               " is missing before segment " + std::to_string(next.number));
  }
  if (later_block(next.first_block, state.block + 1))
    fail(scan_->offset(), "records are missing at the end of the segment");
  if (next.first_block != state.block + 1 || next.first_sequence != state.sequence + 1 ||
      next.epoch != state.epoch) {
    throw CorruptedJournal(name, 0, "the segment does not continue the one before it");
  }
  if (next.previous != state.hash)
    throw CorruptedJournal(name, 0, "the hash chain is broken between the segments");
}

void ChainWalk::fail(std::uint64_t offset, const std::string& reason) const {
  throw CorruptedJournal(files_[index_].name(), offset, reason);
}

}  // namespace journal

JournalReader::JournalReader(std::filesystem::path directory, std::uint64_t after_sequence)
    : walk_(std::move(directory), after_sequence), sequence_(after_sequence) {}

bool JournalReader::next(JournalRecord& record) {
  while (sequence_ < limit_) {
    if (position_ >= block_.end) {
      journal::Block next;  // what is not sealed, or not sound, must not become ours
      if (!walk_.next(next)) return false;
      block_ = next;
      position_ = block_.last_sequence > sequence_ ? block_.begin : block_.end;
      continue;
    }
    // The walk has checked these bytes; they are our own copy.
    journal::RecordHeader header;
    std::memcpy(&header, walk_.segment().data() + position_, sizeof header);
    const std::size_t body = position_ + journal::kRecordHeaderBytes;
    position_ += journal::record_bytes(header.length());
    if (header.kind() != journal::RecordKind::Command || header.sequence <= sequence_) continue;
    sequence_ = header.sequence;
    record = {.sequence = header.sequence,
              .time_ns = header.time_ns,
              .epoch = header.epoch,
              .block = header.block,
              .command = walk_.segment().subspan(body, header.length())};
    return true;
  }
  return false;
}

JournalReport verify_journal(const std::filesystem::path& directory) {
  JournalReport report;
  try {
    journal::ChainWalk walk(directory, std::nullopt);
    try {
      for (journal::Block block; walk.next(block); ++report.blocks)
        report.records += block.commands;
    } catch (const CorruptedJournal& damage) {
      report.damage = JournalReport::Spot{damage.segment(), damage.offset(), damage.reason()};
    }
    const journal::ChainState state = walk.state();
    report.segments = walk.segments();
    report.first_sequence = walk.first_sequence();
    report.last_sequence = state.sequence;
    report.epoch = state.epoch;
    report.chain_head = state.hash;
    if (walk.tail() && walk.tail()->torn) {
      report.torn = JournalReport::Spot{walk.tail()->segment.name(), walk.tail()->bad_offset,
                                        "the last block was not finished"};
    }
  } catch (const CorruptedJournal& damage) {
    report.damage = JournalReport::Spot{damage.segment(), damage.offset(), damage.reason()};
  }
  return report;
}

}  // namespace quantumcore
