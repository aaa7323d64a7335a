#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include "quantumcore/integers.hpp"

namespace quantumcore {

/// What one thread writes and others may copy meanwhile: a value as atomic words, so that a copy
/// that comes too early or too late is a mixture, which its owner then drops, and no data race.
///
/// `Orders::word_store` and `word_load` are release and acquire, not relaxed between two fences:
/// ThreadSanitizer does not see fences, and on x86-64 both are the same instructions.
template <class T, template <class> class Atomic, class Orders>
class Words {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % sizeof(u64) == 0);
  static_assert(std::has_unique_object_representations_v<T>, "padding would be read");

 public:
  static constexpr u32 kCount = sizeof(T) / sizeof(u64);

  /// Writes the first `count` words of a value that begins at `value`.
  void store(const std::byte* value, u32 count) {
    for (u32 i = 0; i < count; ++i) {
      u64 word;
      std::memcpy(&word, value + i * sizeof word, sizeof word);
      words_[i].store(word, Orders::word_store);
    }
  }
  void store(const T& value) { store(reinterpret_cast<const std::byte*>(&value), kCount); }

  /// Copies words `from`..`to` - 1.
  void load(T& value, u32 from, u32 to) const {
    for (u32 i = from; i < to; ++i) {
      const u64 word = words_[i].load(Orders::word_load);
      std::memcpy(reinterpret_cast<std::byte*>(&value) + i * sizeof word, &word, sizeof word);
    }
  }
  void load(T& value) const { load(value, 0, kCount); }

 private:
  std::array<Atomic<u64>, kCount> words_{};
};

}  // namespace quantumcore
