#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace quantumcore {

using i8 = std::int8_t;
using i32 = std::int32_t;
using i64 = std::int64_t;
using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i128 = __int128;
using u128 = unsigned __int128;

/// "No such slot" for every 32-bit link.
inline constexpr u32 kNone = 0xFFFF'FFFF;
inline constexpr i64 kMaxI64 = std::numeric_limits<i64>::max();

/// `a` or else `b`, without a branch: for what depends on an order's side, which nobody guesses.
inline constexpr u64 pick(bool first, u64 a, u64 b) {
  return b ^ ((a ^ b) & (u64{0} - static_cast<u64>(first)));
}
/// The same of two places, of which only the one that is meant must exist.
inline u32& pick(bool first, u32* a, u32* b) {
  return *reinterpret_cast<u32*>(
      pick(first, reinterpret_cast<std::uintptr_t>(a), reinterpret_cast<std::uintptr_t>(b)));
}

}  // namespace quantumcore
