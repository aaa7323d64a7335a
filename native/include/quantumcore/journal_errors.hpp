// What can go wrong with a journal, as one tree.
//
// JournalError
// ├── JournalFull        no room on disk; nothing happened; it may work when there is space again
// ├── JournalFailed      a write or sync failed: this journal takes nothing more
// ├── JournalClosed      used after close
// ├── JournalLocked      another process writes this directory
// ├── JournalOutOfOrder  the sequence is not the next one; nothing happened
// ├── StaleEpoch         the caller's epoch is over; nothing happened
// ├── JournalMissing     the records asked for are no longer in this directory
// └── CorruptedJournal   what was recorded cannot be right; never skipped
// A wrong argument is std::invalid_argument.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace quantumcore {

class JournalError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class JournalFull : public JournalError {
 public:
  using JournalError::JournalError;
};

class JournalFailed : public JournalError {
 public:
  using JournalError::JournalError;
};

class JournalClosed : public JournalError {
 public:
  using JournalError::JournalError;
};

class JournalLocked : public JournalError {
 public:
  using JournalError::JournalError;
};

class JournalOutOfOrder : public JournalError {
 public:
  using JournalError::JournalError;
};

class StaleEpoch : public JournalError {
 public:
  using JournalError::JournalError;
};

class JournalMissing : public JournalError {
 public:
  using JournalError::JournalError;
};

class CorruptedJournal : public JournalError {
 public:
  CorruptedJournal(std::string segment, std::uint64_t offset, std::string reason)
      : JournalError(segment + " at offset " + std::to_string(offset) + ": " + reason),
        segment_(std::move(segment)),
        offset_(offset),
        reason_(std::move(reason)) {}

  [[nodiscard]] const std::string& segment() const noexcept { return segment_; }
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

 private:
  std::string segment_;
  std::uint64_t offset_;
  std::string reason_;
};

}  // namespace quantumcore
