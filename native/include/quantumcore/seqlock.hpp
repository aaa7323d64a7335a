#pragma once

#include <atomic>
#include <thread>

#include "quantumcore/words.hpp"

namespace quantumcore {

/// How strongly a seqlock orders its accesses. Each is needed: native/stress/memory_model.cpp
/// weakens them one at a time and sees a mixed value come out.
struct SeqlockOrders {
  static constexpr std::memory_order begin = std::memory_order_relaxed;
  // A reader that copied a word of a later value must then see that its writing had begun.
  static constexpr std::memory_order word_store = std::memory_order_release;
  static constexpr std::memory_order word_load = std::memory_order_acquire;
  static constexpr std::memory_order again = std::memory_order_relaxed;
  // A reader that sees a value's version must then see its words, or later ones.
  static constexpr std::memory_order end = std::memory_order_release;
  static constexpr std::memory_order first = std::memory_order_acquire;
};

/// The newest value of one writer, for any number of readers: each reads one whole value, never a
/// mixture of two. The writer never waits and never looks at readers.
///
/// The version is odd while the value is being written. Cost: a store or a load per word, and two;
/// a reader that met the writer tries again.
template <class T, template <class> class Atomic = std::atomic, class Orders = SeqlockOrders>
class Seqlock {
 public:
  static constexpr u32 kTries = 1'000;  // then the reader yields: the writer may not be running

  /// Publishes `value`. One thread at a time.
  void write(const T& value) {
    const u64 version = version_.load(std::memory_order_relaxed);
    version_.store(version + 1, Orders::begin);
    words_.store(value);
    version_.store(version + 2, Orders::end);
  }

  /// Copies the newest value, or, returning false, something that means nothing, because it was
  /// being written. `number` is that of the publication, from 1; 0: nothing was published, and the
  /// value is all zeros.
  bool try_read(T& value, u64& number) const {
    const u64 version = version_.load(Orders::first);
    if (version % 2 != 0) return false;
    words_.load(value);
    number = version / 2;
    return version_.load(Orders::again) == version;
  }

  /// Copies the newest value and returns its number; tries until it got a whole one.
  u64 read(T& value) const {
    u64 number = 0;
    for (u32 tries = 0; !try_read(value, number); ++tries) {
      if (tries >= kTries) std::this_thread::yield();
    }
    return number;
  }

 private:
  Atomic<u64> version_{0};
  Words<T, Atomic, Orders> words_;
};

}  // namespace quantumcore
