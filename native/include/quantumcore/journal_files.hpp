// Files and directories as the journal needs them: descriptors that close themselves, whole reads
// and writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "quantumcore/journal_format.hpp"

namespace quantumcore::journal {

/// Owns one descriptor.
class Fd {
 public:
  Fd() noexcept = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  void reset() noexcept;
  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// Opens, or throws std::system_error naming `path`.
[[nodiscard]] Fd open_file(const std::filesystem::path& path, int flags);

/// Writes all of `bytes`; throws std::system_error.
void write_all(int fd, Bytes bytes, std::uint64_t offset);

void sync_data(int fd);
void sync_directory(const std::filesystem::path& directory);

/// Makes `path` a durable file of `size` zeros. On failure nothing is left of it. Throws
/// std::system_error.
[[nodiscard]] Fd create_zeroed(const std::filesystem::path& path, std::size_t size);

/// Writes zeros to [begin, end).
void write_zeros(int fd, std::size_t begin, std::size_t end);

[[nodiscard]] std::size_t file_size(int fd);

/// Reads what is there of `out.size()` bytes from `offset`; returns how many.
[[nodiscard]] std::size_t read_some(int fd, std::uint64_t offset, std::span<std::byte> out);

/// A zeroed, durable file that waits to become a segment.
struct Spare {
  Fd fd;
  std::filesystem::path path;
};

/// Turns `spare` into the segment that `header` describes: header, then name, both durable. Never
/// replaces a file.
void name_segment(const std::filesystem::path& directory, const Spare& spare,
                  const SegmentHeader& header);

struct SegmentFile {
  std::filesystem::path path;
  std::uint64_t first_sequence = 0;

  [[nodiscard]] std::string name() const { return path.filename().string(); }
};

[[nodiscard]] std::string segment_name(std::uint64_t first_sequence);

/// The segments of `directory` by first sequence; none when there is no such directory.
[[nodiscard]] std::vector<SegmentFile> list_segments(const std::filesystem::path& directory);

}  // namespace quantumcore::journal
