#include "quantumcore/journal.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <system_error>
#include <utility>

#include "quantumcore/layout_commands.hpp"

namespace quantumcore {

using journal::Bytes;
using journal::RecordKind;

namespace {

constexpr std::size_t kMinBufferBytes = 1'024;

struct Framing {
  std::size_t commands = 0;
  std::size_t record_bytes = 0;
};

std::size_t framed_size(Bytes commands) {
  std::uint16_t size = 0;
  if (commands.size() < sizeof size) throw std::invalid_argument("a command is cut short");
  std::memcpy(&size, commands.data(), sizeof size);
  if (size < kMinCommandSize || size % 8 != 0 || size > kMaxCommandSize || size > commands.size()) {
    throw std::invalid_argument("a command cannot have " + std::to_string(size) + " bytes here");
  }
  return size;
}

Framing check_framing(Bytes commands) {
  Framing framing;
  while (!commands.empty()) {
    const std::size_t size = framed_size(commands);
    ++framing.commands;
    framing.record_bytes += journal::record_bytes(size);
    commands = commands.subspan(size);
  }
  return framing;
}

void check_options(const JournalOptions& options) {
  if (options.segment_bytes < journal::kMinSegmentBytes ||
      options.segment_bytes > journal::kMaxSegmentBytes || options.segment_bytes % 8 != 0) {
    throw std::invalid_argument("segment_bytes must be a multiple of 8, 4 KiB to 256 MiB");
  }
  if (options.buffer_bytes < kMinBufferBytes || options.buffer_bytes > options.segment_bytes / 4) {
    throw std::invalid_argument("buffer_bytes must be 1 KiB to a quarter of segment_bytes");
  }
}

}  // namespace

Journal::Journal(JournalOptions options) : options_(std::move(options)) {
  check_options(options_);
  pending_.bytes.resize(options_.buffer_bytes + journal::kSealBytes);
  sealing_.bytes.resize(options_.buffer_bytes + journal::kSealBytes);
  lock_directory();
  recover();
  spare_.emplace(options_.directory, options_.segment_bytes);
  spare_->prepare();
}

Journal::~Journal() { release(); }

void Journal::reserve(std::size_t command_bytes, std::size_t commands) {
  const std::scoped_lock appending(append_mutex_);
  // Each record adds a header and up to 7 bytes of padding.
  ensure_room(command_bytes + commands * (journal::kRecordHeaderBytes + 7));
}

void Journal::append(std::uint64_t sequence, std::int64_t time_ns, Bytes command,
                     std::optional<std::uint32_t> epoch) {
  const std::scoped_lock appending(append_mutex_);
  const std::size_t size = journal::record_bytes(command.size());
  if (command.empty() || command.size() > journal::kMaxCommandBytes ||
      size > options_.buffer_bytes / 2) {
    throw std::invalid_argument("a command of " + std::to_string(command.size()) +
                                " bytes does not fit the journal");
  }
  check_order(sequence, epoch);
  ensure_room(size);
  push(RecordKind::Command, sequence, time_ns, epoch, command);
}

std::size_t Journal::append_batch(Bytes commands, std::uint64_t first_sequence,
                                  std::int64_t time_ns, std::optional<std::uint32_t> epoch) {
  const std::scoped_lock appending(append_mutex_);
  const Framing framing = check_framing(commands);
  check_order(first_sequence, epoch);
  ensure_room(framing.record_bytes);
  for (std::uint64_t sequence = first_sequence; !commands.empty(); ++sequence) {
    const std::size_t size = framed_size(commands);
    push(RecordKind::Command, sequence, time_ns, epoch, commands.first(size));
    commands = commands.subspan(size);
  }
  return framing.commands;
}

void Journal::raise_epoch(std::uint32_t epoch, std::int64_t time_ns) {
  {
    const std::scoped_lock appending(append_mutex_);
    check_order(last_sequence() + 1, epoch);
    if (epoch != this->epoch()) {
      ensure_room(journal::kRecordHeaderBytes);
      push(RecordKind::Epoch, last_sequence(), time_ns, epoch, {});
    }
  }
  sync();
}

std::size_t Journal::sync() {
  const std::scoped_lock syncing(sync_mutex_);
  return sync_locked();
}

void Journal::close() {
  const std::scoped_lock locks(append_mutex_, sync_mutex_);
  struct Releasing {
    Journal& journal;
    ~Releasing() { journal.release(); }
  } const releasing{*this};
  {
    const std::scoped_lock lock(mutex_);
    if (closed_) return;
  }
  sync_locked();
}

std::uint32_t Journal::epoch() const {
  const std::scoped_lock lock(mutex_);
  return appended_.epoch;
}

std::uint32_t Journal::block() const {
  const std::scoped_lock lock(mutex_);
  return durable_.block;
}

Digest Journal::chain_head() const {
  const std::scoped_lock lock(mutex_);
  return durable_.hash;
}

void Journal::release() noexcept {
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
  }
  spare_.reset();
  segment_.reset();
  lock_.reset();
}

// Callers hold mutex_.
void Journal::check_usable() const {
  if (closed_) throw JournalClosed("the journal is closed");
  if (!failure_.empty()) throw JournalFailed(failure_);
}

void Journal::check_order(std::uint64_t sequence, std::optional<std::uint32_t> epoch) const {
  const std::scoped_lock lock(mutex_);
  check_usable();
  if (epoch && *epoch < appended_.epoch) {
    throw StaleEpoch("epoch " + std::to_string(*epoch) + " is over; the journal is in epoch " +
                     std::to_string(appended_.epoch));
  }
  if (sequence != appended_.sequence + 1) {
    throw JournalOutOfOrder("sequence " + std::to_string(sequence) + " was offered; " +
                            std::to_string(appended_.sequence + 1) + " is next");
  }
}

// Room is counted so that a later sync can never find the disk full: what is pending, what comes,
// and the seals that the buffer's flushes can add, all in what is left of this segment or, from the
// spare's beginning, in the next.
void Journal::ensure_room(std::size_t record_bytes) {
  if (record_bytes > options_.segment_bytes / 2)
    throw std::invalid_argument("more than half a segment at once");
  {
    const std::scoped_lock lock(mutex_);
    check_usable();
    const std::size_t records = pending_.used + record_bytes;
    const std::size_t seals = 3 + 2 * records / options_.buffer_bytes;
    if (planned_end_ + records + seals * journal::kSealBytes <= planned_size_) return;
  }
  std::string reason;
  if (!spare_->ensure(reason))
    throw JournalFull("there is no room for the next segment: " + reason);
}

// Callers hold append_mutex_ and have checked everything: only a failing flush of a full buffer
// throws.
void Journal::push(RecordKind kind, std::uint64_t sequence, std::int64_t time_ns,
                   std::optional<std::uint32_t> epoch, Bytes body) {
  std::unique_lock lock(mutex_);
  if (pending_.used + journal::record_bytes(body.size()) > options_.buffer_bytes) {
    lock.unlock();
    sync();
    lock.lock();
  }
  appended_.sequence = sequence;
  appended_.time_ns = time_ns;
  appended_.epoch = epoch.value_or(appended_.epoch);
  const journal::RecordHeader header{
      .epoch = appended_.epoch, .block = appended_.block, .sequence = sequence, .time_ns = time_ns};
  pending_.used +=
      journal::encode_record(header, kind, body, pending_.bytes.data() + pending_.used);
  pending_.commands += kind == RecordKind::Command ? 1U : 0U;
  ++pending_.records;
  last_sequence_.store(sequence, std::memory_order_release);
}

std::size_t Journal::sync_locked() {
  std::optional<Write> write = plan();
  if (!write) return 0;
  try {
    if (write->rotate) rotate();
    write_block(*write);
  } catch (const std::exception& error) {
    const std::scoped_lock lock(mutex_);
    failure_ = std::string("the journal has failed: ") + error.what();
    throw JournalFailed(failure_);
  }
  const std::scoped_lock lock(mutex_);
  durable_ = write->after;
  durable_sequence_.store(durable_.sequence, std::memory_order_release);
  return std::exchange(sealing_.used, 0);
}

// Takes what is pending, so that appends can go on beside the write.
std::optional<Journal::Write> Journal::plan() {
  const std::scoped_lock lock(mutex_);
  check_usable();
  if (pending_.records == 0) return std::nullopt;
  Write write{.offset = planned_end_, .rotate = false, .after = appended_};
  const std::size_t size = pending_.used + journal::kSealBytes;
  if (planned_end_ + size > planned_size_) {
    write.rotate = true;
    write.offset = journal::kSegmentHeaderBytes;
    planned_size_ = options_.segment_bytes;
  }
  planned_end_ = write.offset + size;
  ++appended_.block;
  std::swap(pending_, sealing_);
  pending_.used = pending_.commands = pending_.records = 0;
  return write;
}

// Header and name are durable before the first block: a named segment always has a sound header.
void Journal::rotate() {
  journal::Spare spare = spare_->take();
  const journal::SegmentHeader header{.shard = options_.shard,
                                      .number = segment_number_ + 1,
                                      .first_sequence = durable_.sequence + 1,
                                      .previous = durable_.hash,
                                      .first_block = durable_.block + 1,
                                      .epoch = durable_.epoch,
                                      .segment_bytes = options_.segment_bytes};
  journal::name_segment(options_.directory, spare, header);
  segment_ = std::move(spare.fd);
  ++segment_number_;
}

void Journal::write_block(Write& write) {
  const Bytes records = Bytes(sealing_.bytes).first(sealing_.used);
  write.after.hash = journal::chain_hash(durable_.hash, records);
  sealing_.used +=
      journal::encode_seal(write.after, records.size(), sealing_.commands, sealing_.records,
                           write.offset, sealing_.bytes.data() + sealing_.used);
  journal::write_all(segment_.get(), Bytes(sealing_.bytes).first(sealing_.used), write.offset);
  journal::sync_data(segment_.get());
}

}  // namespace quantumcore
