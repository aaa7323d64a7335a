#pragma once

#include <cstdio>

#include "quantumcore/layout.hpp"

namespace quantumcore::stress {

/// Writes an id: a letter for what it names, and a number.
inline void name(char (&id)[kIdBytes], char letter, u64 number) {
  std::snprintf(id, sizeof id, "%c%llu", letter, static_cast<unsigned long long>(number));
}

}  // namespace quantumcore::stress
