#pragma once

#include <stdexcept>

/// What the native core throws:
///
///   std::runtime_error
///   ├─ InvalidCommand      malformed framing of a command buffer; nothing happened
///   ├─ CorruptedSnapshot   a snapshot that is damaged, cut or of another version; nothing was
///   restored └─ InvariantViolation  the engine contradicts itself; it refuses every further step
namespace quantumcore {

class InvalidCommand : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class CorruptedSnapshot : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class InvariantViolation : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

[[noreturn]] void invariant_violated(const char* condition, const char* file, int line);

}  // namespace quantumcore

/// Always on: a wrong balance that goes unnoticed costs more than a predictable branch.
#define QC_ASSERT(condition)                                             \
  do {                                                                   \
    if (!(condition)) [[unlikely]] {                                     \
      ::quantumcore::invariant_violated(#condition, __FILE__, __LINE__); \
    }                                                                    \
  } while (false)
