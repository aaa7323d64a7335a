#pragma once

#include <atomic>
#include <bit>
#include <concepts>
#include <memory>
#include <span>
#include <stdexcept>

#include "quantumcore/words.hpp"

namespace quantumcore {

/// How strongly a ring orders its accesses; native/stress/memory_model.cpp weakens them one at a
/// time and sees readers go wrong.
struct RingOrders {
  // A reader that sees its slot taken again must then see how far the writer has come at least.
  static constexpr std::memory_order begin = std::memory_order_release;
  static constexpr std::memory_order again = std::memory_order_acquire;
  // A reader that copied a word of a later item must then see that its writing had begun.
  static constexpr std::memory_order word_store = std::memory_order_release;
  static constexpr std::memory_order word_load = std::memory_order_acquire;
  // A reader that sees an item's sequence must then see its words, or later ones.
  static constexpr std::memory_order end = std::memory_order_release;
  static constexpr std::memory_order first = std::memory_order_acquire;
  // A reader that goes to the newest item must find it in its slot.
  static constexpr std::memory_order written_store = std::memory_order_release;
  static constexpr std::memory_order written_load = std::memory_order_acquire;
};

/// An item that may be shorter than its type: its first word tells how many words it has, at most
/// all, whatever the word is.
template <class T>
concept TellsItsWords = requires(u64 first) {
  { T::words(first) } -> std::same_as<u32>;
};

/// Every item of one writer, for any number of readers in other threads, each with a place of its
/// own. The writer never waits, never looks at readers, and allocates nothing after construction.
///
/// A reader that the writer has lapped goes on with the newest item and is told how many it missed;
/// what it gets is whole. Slot `n % slots` holds item `n`, from 0; its sequence is 2n + 1 while
/// that is being written and 2n + 2 from then on. Cost: a store or a load per word, and three.
template <class T, template <class> class Atomic = std::atomic, class Orders = RingOrders>
class Ring {
 public:
  /// Takes the memory. Throws std::invalid_argument unless `slots` is a power of two, at least 2:
  /// the newest item must stand while the next is written.
  explicit Ring(u32 slots)
      : mask_((std::has_single_bit(slots) && slots >= 2)
                  ? slots - 1
                  : throw std::invalid_argument("a ring has a power of two of slots, at least 2")),
        slots_(std::make_unique<Slot[]>(slots)) {}
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  /// Publishes an item. One thread at a time.
  void publish(const T& item) {
    const std::byte* const bytes = reinterpret_cast<const std::byte*>(&item);
    if constexpr (TellsItsWords<T>) {
      put(bytes, words_of(bytes));
    } else {
      put(bytes, Payload::kCount);
    }
  }
  /// The same with an item of which only the words that count are there.
  void publish(std::span<const std::byte> item)
    requires TellsItsWords<T>
  {
    put(item.data(), words_of(item.data()));
  }

  /// How many items were published.
  u64 written() const { return written_.load(Orders::written_load); }
  u64 slots() const { return mask_ + 1; }

  /// What a reader got.
  struct Taken {
    bool found;  // whether there was an item that it had not seen
    u64 missed;  // items just before it that are gone
  };

  /// A place in the ring. One thread's, and no longer than the ring.
  class Reader {
   public:
    /// Begins with the item that is published next.
    explicit Reader(const Ring& ring) : Reader(ring, ring.written()) {}
    /// Begins with item `next`.
    Reader(const Ring& ring, u64 next) : ring_(&ring), next_(next) {}

    /// Copies the next item, of a shorter one only its words, and goes past it. Never waits; what
    /// `item` holds when nothing was found means nothing.
    Taken take(T& item) {
      for (u64 missed = 0;;) {
        const Slot& slot = ring_->slot(next_);
        const u64 wanted = 2 * next_ + 2;
        const u64 there = slot.sequence.load(Orders::first);
        if (there < wanted) return {false, missed};
        if (there == wanted) {
          slot.copy(item);
          if (slot.sequence.load(Orders::again) == wanted) {
            ++next_;
            return {true, missed};
          }
        }
        const u64 newest = ring_->written() - 1;
        missed += newest - next_;
        next_ = newest;
      }
    }

    /// The number of the item that it wants next.
    u64 next() const { return next_; }

   private:
    const Ring* ring_;
    u64 next_;
  };

 private:
  using Payload = Words<T, Atomic, Orders>;

  struct alignas(64) Slot {
    Atomic<u64> sequence{0};
    Payload words;

    void copy(T& item) const {
      if constexpr (TellsItsWords<T>) {
        words.load(item, 0, 1);
        words.load(item, 1, words_of(reinterpret_cast<const std::byte*>(&item)));
      } else {
        words.load(item);
      }
    }
  };

  static u32 words_of(const std::byte* item) {
    u64 first;
    std::memcpy(&first, item, sizeof first);
    return T::words(first);
  }

  Slot& slot(u64 number) { return slots_[number & mask_]; }
  const Slot& slot(u64 number) const { return slots_[number & mask_]; }

  void put(const std::byte* item, u32 count) {
    const u64 number = next_++;
    Slot& place = slot(number);
    // A slot that comes again is far away, or a reader has it: it is asked for before it is needed.
    const std::byte* const ahead = reinterpret_cast<const std::byte*>(&slot(number + kAhead));
    __builtin_prefetch(ahead, 1);
    if constexpr (sizeof(Slot) > 64) __builtin_prefetch(ahead + 64, 1);
    place.sequence.store(2 * number + 1, Orders::begin);
    place.words.store(item, count);
    place.sequence.store(2 * number + 2, Orders::end);
    written_.store(number + 1, Orders::written_store);
  }

  static constexpr u64 kAhead = 4;

  const u64 mask_;
  const std::unique_ptr<Slot[]> slots_;
  // Apart from what every reader reads: the writer changes these with each item.
  alignas(128) Atomic<u64> written_{0};
  u64 next_ = 0;
};

}  // namespace quantumcore
