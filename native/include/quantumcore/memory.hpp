#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <type_traits>
#include <utility>

#include "quantumcore/integers.hpp"

namespace quantumcore {

/// Address space without memory behind it: pages come, zeroed, when they are first written.
/// That makes addresses stable for ever and growth free of allocation and copying.
std::byte* map_pages(std::size_t bytes);
/// The same for a table that fills from its beginning: beyond the first 2 MiB in huge pages where
/// the system has them, so that growing costs few page faults. Not for remap_pages.
std::byte* map_table(std::size_t bytes);
/// The same for a table that is soon used all over: with its memory. Not for remap_pages.
std::byte* map_filled(std::size_t bytes);
/// Gives memory to pages from map_pages or map_table now, in huge pages where the system has them.
/// Only a hint: where it fails, they come when they are written.
void fill_pages(std::byte* pages, std::size_t bytes) noexcept;
void unmap_pages(std::byte* pages, std::size_t bytes) noexcept;
std::byte* remap_pages(std::byte* pages, std::size_t old_bytes, std::size_t new_bytes);

/// A fixed number of T in mapped pages, all zero at first. Not copyable: others keep addresses.
template <class T>
class Reserved {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  explicit Reserved(std::size_t capacity)
      : capacity_(capacity), items_(reinterpret_cast<T*>(map_table(bytes()))) {}
  ~Reserved() { unmap_pages(reinterpret_cast<std::byte*>(items_), bytes()); }
  Reserved(const Reserved&) = delete;
  Reserved& operator=(const Reserved&) = delete;

  T& operator[](std::size_t i) { return items_[i]; }
  const T& operator[](std::size_t i) const { return items_[i]; }
  T* data() { return items_; }
  const T* data() const { return items_; }
  std::size_t capacity() const { return capacity_; }
  void copy(const Reserved& other, std::size_t count) {
    std::memcpy(items_, other.items_, count * sizeof(T));
  }
  /// Takes the memory of the first `count` now.
  void fill(std::size_t count) {
    fill_pages(reinterpret_cast<std::byte*>(items_), std::min(count, capacity_) * sizeof(T));
  }

 private:
  std::size_t bytes() const { return (capacity_ == 0 ? 1 : capacity_) * sizeof(T); }

  std::size_t capacity_;
  T* items_;
};

}  // namespace quantumcore
