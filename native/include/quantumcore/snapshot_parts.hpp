#pragma once

#include <span>
#include <string>

#include "quantumcore/errors.hpp"
#include "quantumcore/snapshot_rows.hpp"

/// Writing the rows of a snapshot one after the other, and reading them back.
namespace quantumcore::snapshot {

class Writer {
 public:
  template <class T>
  void put(const T& row) {
    static_assert(std::has_unique_object_representations_v<T>);
    out_.append(reinterpret_cast<const char*>(&row), sizeof row);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_ = std::string(sizeof(SnapshotHeader), '\0');
};

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : rest_(bytes) {}

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

inline void demand(bool holds) {
  if (!holds) throw CorruptedSnapshot("a snapshot contradicts itself");
}

/// The guards of docs/reference/engine.md section 15, behind all that they name.
void write_guards(const State& state, Writer& out);
void read_guards(State& state, const Scalars& s, Reader& in);

/// What section 17 is measured by.
u32 instrument_margins(const State& state);
void write_margin(const State& state, Writer& out);
void read_margin(State& state, const Scalars& s, Reader& in);

}  // namespace quantumcore::snapshot
