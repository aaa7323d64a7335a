// One caller at a time, and the second is told instead of waiting.
#pragma once

#include <atomic>
#include <stdexcept>

namespace quantumcore {

/// A second thread came while a call was running; nothing happened.
struct EngineBusy : std::runtime_error {
  EngineBusy() : std::runtime_error("another thread is inside the engine") {}
};

/// Holds `busy` from its making to its end.
class SoleUse {
 public:
  explicit SoleUse(std::atomic<bool>& busy) : busy_(busy) {
    if (busy_.exchange(true, std::memory_order_acquire)) throw EngineBusy();
  }
  ~SoleUse() { busy_.store(false, std::memory_order_release); }
  SoleUse(const SoleUse&) = delete;
  SoleUse& operator=(const SoleUse&) = delete;

 private:
  std::atomic<bool>& busy_;
};

}  // namespace quantumcore
