#pragma once

#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "quantumcore/errors.hpp"
#include "quantumcore/state.hpp"

/// How the parts of a snapshot are written and read, row by row.
namespace quantumcore {

inline void demand(bool holds) {
  if (!holds) throw CorruptedSnapshot("a snapshot contradicts itself");
}

/// Appends rows; `head` bytes are left free at the beginning.
class SnapshotWriter {
 public:
  explicit SnapshotWriter(std::size_t head) : out_(head, '\0') {}

  template <class T>
  void put(const T& row) {
    static_assert(std::has_unique_object_representations_v<T>);
    out_.append(reinterpret_cast<const char*>(&row), sizeof row);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

class SnapshotReader {
 public:
  explicit SnapshotReader(std::span<const std::byte> bytes) : rest_(bytes) {}

  template <class T>
  T get() {
    if (rest_.size() < sizeof(T)) throw CorruptedSnapshot("a snapshot ends within a part");
    T row;
    std::memcpy(&row, rest_.data(), sizeof row);
    rest_ = rest_.subspan(sizeof row);
    return row;
  }
  bool done() const { return rest_.empty(); }

 private:
  std::span<const std::byte> rest_;
};

/// Positions, busts and links: each part begins with its number of rows. Positions need accounts
/// and instruments, links need orders.
void write_positions(const State& state, SnapshotWriter& out);
void read_positions(State& state, SnapshotReader& in);
void write_links(const State& state, SnapshotWriter& out);
void read_links(State& state, SnapshotReader& in);

}  // namespace quantumcore
