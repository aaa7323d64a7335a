// Opening: take the lock, walk what is there, cut what was never finished.

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "quantumcore/journal.hpp"

namespace quantumcore {

using journal::Bytes;

void Journal::lock_directory() {
  const std::filesystem::path& directory = options_.directory;
  if (std::filesystem::create_directories(directory) && directory.has_parent_path())
    journal::sync_directory(directory.parent_path());
  lock_ = journal::open_file(directory / "lock", O_RDWR | O_CREAT);
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) return;
  if (errno == EWOULDBLOCK)
    throw JournalLocked(directory.string() + " is being written by another process");
  throw std::system_error(errno, std::generic_category(), "flock of " + directory.string());
}

void Journal::recover() {
  std::optional<std::uint64_t> after;
  if (options_.trusted_sequence > 0) after = options_.trusted_sequence;
  journal::ChainWalk walk(options_.directory, after);
  for (journal::Block block; walk.next(block);) recovery_.records += block.commands;
  const std::uint64_t reached = walk.tail() ? walk.tail()->partial_state.sequence : 0;
  if (reached < options_.trusted_sequence) {
    throw CorruptedJournal(walk.tail() ? walk.tail()->segment.name() : journal::segment_name(1),
                           walk.tail() ? walk.tail()->bad_offset : 0,
                           "the journal ends at sequence " + std::to_string(reached) + ", but " +
                               std::to_string(options_.trusted_sequence) + " was recorded");
  }
  try {
    if (walk.tail()) {
      open_tail(*walk.tail());
    } else {
      create_first_segment();
    }
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::no_space_on_device || error.code() == std::errc::file_too_large)
      throw JournalFull(error.what());
    throw;
  }
  appended_ = durable_;
  ++appended_.block;
  last_sequence_ = durable_.sequence;
  durable_sequence_ = durable_.sequence;
}

void Journal::create_first_segment() {
  const std::filesystem::path& directory = options_.directory;
  ::unlink((directory / journal::segment_name(1))
               .c_str());  // an empty file at most: anything else would have been found
  const std::filesystem::path path = directory / "spare-first.qcj";
  ::unlink(path.c_str());
  journal::Spare spare{journal::create_zeroed(path, options_.segment_bytes), path};
  const journal::SegmentHeader header{.shard = options_.shard,
                                      .previous = journal::genesis(options_.shard),
                                      .segment_bytes = options_.segment_bytes};
  journal::name_segment(directory, spare, header);
  segment_ = std::move(spare.fd);
  durable_ = journal::ChainState{.hash = header.previous};
  planned_end_ = journal::kSegmentHeaderBytes;
  planned_size_ = options_.segment_bytes;
}

void Journal::open_tail(const journal::Tail& tail) {
  if (tail.header.shard != options_.shard) {
    throw CorruptedJournal(tail.segment.name(), 0,
                           "the segment belongs to shard " + std::to_string(tail.header.shard));
  }
  segment_ = journal::open_file(tail.segment.path, O_RDWR);
  segment_number_ = tail.header.number;
  planned_size_ = tail.header.segment_bytes;
  planned_end_ = tail.offset;
  durable_ = tail.state;
  if (tail.torn) cut(tail);
  if (tail.file_bytes < tail.header.segment_bytes) {
    journal::write_zeros(segment_.get(), tail.file_bytes, tail.header.segment_bytes);
    journal::sync_data(segment_.get());
  }
  if (tail.torn && tail.partial.records > 0) seal_partial(tail);
}

// Zeros are on the disk before anything is written over them: a second power loss finds the same
// beginning and the same cut.
void Journal::cut(const journal::Tail& tail) {
  recovery_.cut_segment = tail.segment.name();
  recovery_.cut_offset = tail.bad_offset;
  journal::write_zeros(segment_.get(), tail.bad_offset, tail.file_bytes);
  journal::sync_data(segment_.get());
}

void Journal::seal_partial(const journal::Tail& tail) {
  const std::size_t size = tail.partial.end - tail.partial.begin;
  if (tail.partial.end + journal::kSealBytes > tail.header.segment_bytes) {
    throw CorruptedJournal(tail.segment.name(), tail.partial.begin,
                           "the block leaves no room for its seal");
  }
  std::vector<std::byte> records(size);
  if (journal::read_some(segment_.get(), tail.partial.begin, records) != size) {
    throw CorruptedJournal(tail.segment.name(), tail.partial.begin,
                           "the segment shrank while it was read");
  }
  journal::ChainState after = tail.partial_state;
  after.hash = journal::chain_hash(tail.state.hash, records);
  std::array<std::byte, journal::kSealBytes> seal{};
  journal::encode_seal(after, size, tail.partial.commands, tail.partial.records, tail.partial.begin,
                       seal.data());
  journal::write_all(segment_.get(), seal, tail.partial.end);
  journal::sync_data(segment_.get());
  durable_ = after;
  planned_end_ = tail.partial.end + journal::kSealBytes;
  recovery_.sealed_records = tail.partial.commands;
  recovery_.records += tail.partial.commands;
}

}  // namespace quantumcore
