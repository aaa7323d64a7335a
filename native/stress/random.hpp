#pragma once

#include "quantumcore/integers.hpp"

namespace quantumcore::stress {

/// splitmix64: the same numbers everywhere from one seed.
class Random {
 public:
  explicit Random(u64 seed) : state_(seed * 0x9E3779B97F4A7C15 + 1) {}

  u64 next() {
    u64 z = (state_ += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  u64 below(u64 n) { return next() % n; }
  i64 between(i64 low, i64 high) {
    return low + static_cast<i64>(below(static_cast<u64>(high - low + 1)));
  }

 private:
  u64 state_;
};

}  // namespace quantumcore::stress
