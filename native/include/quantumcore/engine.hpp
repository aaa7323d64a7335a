#pragma once

#include <memory>
#include <span>
#include <string>

#include "quantumcore/errors.hpp"
#include "quantumcore/events.hpp"
#include "quantumcore/state.hpp"

namespace quantumcore {

/// How many commands `commands` holds. Throws InvalidCommand when a size is below 16, not a
/// multiple of 8, over 16,384, or past the end.
std::size_t count_commands(std::span<const std::byte> commands);

class Engine;
struct Preview;

/// A copy of an engine's state, from which a snapshot is written while the engine goes on: only
/// `take` needs the engine to stand still.
class SnapshotCopy {
 public:
  /// Notes how much there is to copy.
  explicit SnapshotCopy(const Engine& engine);
  ~SnapshotCopy();
  SnapshotCopy(const SnapshotCopy&) = delete;
  SnapshotCopy& operator=(const SnapshotCopy&) = delete;

  /// Takes the memory; the engine may go on meanwhile.
  void prepare();
  /// Copies the state of that engine. Cost: one copy of what is in use.
  void take(const Engine& engine);
  /// What engine.snapshot() would have returned at `take`. Not before it.
  std::string write() const;

 private:
  std::unique_ptr<State> state_;
  Usage usage_;
  bool taken_ = false;
};

/// The deterministic machine: commands in, events out (docs/reference/engine.md).
///
/// No clock, no randomness, no threads of its own. Not thread-safe: one step at a time.
class Engine {
 public:
  explicit Engine(const EngineConfig& config);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine();

  /// Judges and applies every command of the buffer, in order, and appends their events.
  ///
  /// Throws InvalidCommand when the framing is bad; nothing happened then. Throws
  /// InvariantViolation when the engine contradicts itself; it then refuses every further step.
  /// Allocates nothing once its tables and `events` have reached their size.
  void step(std::span<const std::byte> commands, std::int64_t time_ns, EventBuffer& events);

  /// What a single submission would do as the next command, at `time_ns` or later; nothing changes.
  ///
  /// Throws InvalidCommand when it is none, InvariantViolation as `step` does. Cost: judging one,
  /// and a walk over at most kPreviewOffers resting orders; it allocates.
  Preview preview(std::span<const std::byte> command, std::int64_t time_ns);

  /// Takes now the memory that `orders` working orders and `submissions` remembered ones need, up
  /// to the engine's bounds, and those of the first thousand groups of transfers and holds:
  /// afterwards no command waits for a page or for a table that grows. Changes no result.
  void reserve(std::uint32_t orders, std::uint32_t submissions);

  std::uint64_t sequence() const noexcept;
  std::int64_t time_ns() const noexcept;
  std::uint64_t state_hash() const noexcept;

  /// The whole state, canonical: equal states give equal bytes.
  std::string snapshot() const;
  /// An engine that goes on where `snapshot` stood, bit for bit. Throws CorruptedSnapshot.
  static std::unique_ptr<Engine> restore(std::span<const std::byte> snapshot);

  /// Walks everything. Throws InvariantViolation naming what does not hold. Cost: O(state).
  void check() const;

  const State& state() const { return *state_; }

  /// Throws InvariantViolation after an earlier one.
  void demand_whole() const;

 private:
  explicit Engine(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
  bool broken_ = false;
};

}  // namespace quantumcore
