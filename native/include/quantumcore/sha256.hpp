// SHA-256 (FIPS 180-4), by the processor's SHA extension where it has one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace quantumcore {

using Digest = std::array<std::byte, 32>;

/// Which implementation runs: `Best` asks the processor once; `Portable` is for the test that holds
/// the two equal.
enum class Sha256Path : std::uint8_t { Best, Portable };

/// One running hash. Allocates nothing.
class Sha256 {
 public:
  explicit Sha256(Sha256Path path = Sha256Path::Best) noexcept;

  void update(std::span<const std::byte> bytes) noexcept;

  /// Returns the digest; the object must not be used afterwards.
  [[nodiscard]] Digest finish() noexcept;

 private:
  using Compress = void (*)(std::uint32_t* state, const std::byte* blocks,
                            std::size_t count) noexcept;

  Compress compress_;
  std::array<std::uint32_t, 8> state_;
  std::array<std::byte, 64> rest_{};
  std::size_t rest_size_ = 0;
  std::uint64_t total_ = 0;
};

[[nodiscard]] Digest sha256(std::span<const std::byte> bytes,
                            Sha256Path path = Sha256Path::Best) noexcept;

/// Whether this processor has the SHA extension.
[[nodiscard]] bool has_sha_extension() noexcept;

}  // namespace quantumcore
