#pragma once

#include <cstddef>
#include <cstring>

#include "quantumcore/integers.hpp"

namespace quantumcore {

inline constexpr u64 kHash0 = 0x9E3779B97F4A7C15;
inline constexpr u64 kHash1 = 0xA0761D6478BD642F;
inline constexpr u64 kHash2 = 0xE7037ED1A0B428DB;
inline constexpr u64 kHash3 = 0x8EBC6AF09C88C6E3;

/// Both halves of a 64 × 64 product folded into one word (engine.md section 8).
inline u64 mum(u64 a, u64 b) {
#if defined(__x86_64__)
  u64 high;  // g++ takes a 128-bit product through memory, in every link of the chain
  asm("mulq %2" : "+a"(a), "=d"(high) : "rm"(b) : "cc");
  return a ^ high;
#else
  const u128 product = static_cast<u128>(a) * b;
  return static_cast<u64>(product) ^ static_cast<u64>(product >> 64);
#endif
}

inline u64 load_u64(const std::byte* p) {
  u64 v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

/// Hash of one event's bytes; `size` is a multiple of 16. Cost: size / 16 dependent
/// multiplications.
inline u64 hash_event(const std::byte* bytes, std::size_t size) {
  u64 e = kHash0;
  for (std::size_t i = 0; i < size; i += 16) {
    e = mum(load_u64(bytes + i) ^ kHash1 ^ e, load_u64(bytes + i + 8) ^ kHash2);
  }
  return e;
}

inline u64 hash_chain(u64 state, u64 event_hash) { return mum(state ^ event_hash, kHash3); }

/// The same; the commonest sizes are unrolled.
[[gnu::always_inline]] inline u64 hash_sized(const std::byte* bytes, std::size_t size) {
  switch (size) {
    case 80:
      return hash_event(bytes, 80);
    case 96:
      return hash_event(bytes, 96);
    case 128:
      return hash_event(bytes, 128);
    case 176:
      return hash_event(bytes, 176);
    default:
      return hash_event(bytes, size);
  }
}

/// `state` after all the events that stand in `bytes` one after another. Only the chain from event
/// to event is serial.
inline u64 hash_events(u64 state, const std::byte* bytes, std::size_t size) {
  const std::byte* const end = bytes + size;
  while (bytes < end) {
    std::uint16_t n;
    std::memcpy(&n, bytes, sizeof n);
    state = hash_chain(state, hash_sized(bytes, n));
    bytes += n;
  }
  return state;
}

}  // namespace quantumcore
