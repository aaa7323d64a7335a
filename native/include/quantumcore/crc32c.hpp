// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78; RFC 3720 appendix B.4 has its test
// vectors).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace quantumcore {

/// Continues `crc` (0 to begin) over `bytes`, with the processor's own instruction where it has
/// one.
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes,
                                   std::uint32_t crc = 0) noexcept;

/// The same by table: for processors without SSE4.2, and for the test that holds the two equal.
[[nodiscard]] std::uint32_t crc32c_portable(std::span<const std::byte> bytes,
                                            std::uint32_t crc = 0) noexcept;

}  // namespace quantumcore
