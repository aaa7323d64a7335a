#pragma once

#include <cstring>
#include <new>
#include <span>

#include "quantumcore/errors.hpp"
#include "quantumcore/hash.hpp"
#include "quantumcore/layout.hpp"
#include "quantumcore/memory.hpp"

namespace quantumcore {

/// Where events are written: growable pages that are kept between steps. Not thread-safe.
///
/// Growth may move the bytes, so nobody keeps an address over an `append`.
class EventBuffer {
 public:
  explicit EventBuffer(std::size_t initial_bytes = std::size_t{1} << 20);
  ~EventBuffer();
  EventBuffer(const EventBuffer&) = delete;
  EventBuffer& operator=(const EventBuffer&) = delete;

  std::span<const std::byte> bytes() const { return {pages_, size_}; }
  std::size_t size() const { return size_; }
  std::byte* at(std::size_t offset) { return pages_ + offset; }
  void clear() { size_ = 0; }

  /// Room for one event, all bytes zero: reserved fields too are always written.
  template <class E>
  [[gnu::always_inline]] E& append() {
    if (size_ + sizeof(E) > capacity_) [[unlikely]] {
      grow(size_ + sizeof(E));
    }
    void* place = pages_ + size_;
    size_ += sizeof(E);
    return *new (place) E{};
  }

 private:
  void grow(std::size_t needed);

  std::byte* pages_;
  std::size_t capacity_;
  std::size_t size_ = 0;
};

/// Writes the word at `offset` of an event. The hash reads words; fields of a word that are written
/// one by one cannot be handed on to it, and it would wait until they, and all that was written
/// before them, have reached the cache.
template <class E>
void set_word(E& event, std::size_t offset, u64 word) {
  static_assert(sizeof(E) % sizeof word == 0);
  std::memcpy(reinterpret_cast<std::byte*>(&event) + offset, &word, sizeof word);
}

/// Writes the events of one command: sequence, time and index are its business, and LAST and the
/// hash when the command ends.
class Teller {
 public:
  Teller(EventBuffer& out, u64 sequence, i64 time_ns)
      : out_(out), sequence_(sequence), time_ns_(time_ns) {}

  template <class E>
  [[gnu::always_inline]] E& tell(u32 instrument, u64 account) {
    static_assert(sizeof(E) <= kMaxEventSize);
    last_ = out_.size();
    E& event = out_.append<E>();
    set_word(event, offsetof(EventHeader, size),
             sizeof(E) | u64{static_cast<u8>(E::kKind)} << 16 | u64{index_++} << 32);
    event.header.sequence = sequence_;
    event.header.time_ns = time_ns_;
    set_word(event, offsetof(EventHeader, instrument), instrument);
    event.header.account = account;
    return event;
  }

  u64 sequence() const { return sequence_; }
  i64 time_ns() const { return time_ns_; }
  u32 count() const { return index_; }
  /// Where the next event will stand.
  std::size_t place() const { return out_.size(); }
  /// Whether an event was told at `place` or later whose kind `is` one of those meant.
  template <class Is>
  bool told_since(std::size_t place, const Is& is) const {
    while (place < out_.size()) {
      const u64 word = load_u64(out_.at(place));
      if (is(static_cast<EventKind>(word >> 16 & 0xff))) return true;
      place += word & 0xffff;
    }
    return false;
  }
  /// Number of the next fill within this command, from 0.
  u32 next_fill() { return fills_++; }
  u32 fills() const { return fills_; }

  /// Marks the last event; the command must have told at least one.
  void finish() {
    QC_ASSERT(index_ > 0);
    std::byte* const first_word = out_.at(last_);
    const u64 word = load_u64(first_word) | u64{kLast} << 8 * offsetof(EventHeader, flags);
    std::memcpy(first_word, &word, sizeof word);
  }

 private:
  EventBuffer& out_;
  std::size_t last_ = 0;
  u64 sequence_;
  i64 time_ns_;
  u32 index_ = 0;
  u32 fills_ = 0;
};

}  // namespace quantumcore
