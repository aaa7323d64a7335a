#include "quantumcore/journal_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace quantumcore::journal {
namespace {

constexpr std::string_view kPrefix = "journal-";
constexpr std::string_view kSuffix = ".qcj";
constexpr std::size_t kDigits = 20;
constexpr std::size_t kZeroChunk = std::size_t{256} << 10U;

[[noreturn]] void fail(int error, const std::string& what) {
  throw std::system_error(error, std::generic_category(), what);
}

std::optional<std::uint64_t> sequence_of(const std::string& name) {
  if (name.size() != kPrefix.size() + kDigits + kSuffix.size() || !name.starts_with(kPrefix) ||
      !name.ends_with(kSuffix))
    return std::nullopt;
  std::uint64_t sequence = 0;
  const char* begin = name.data() + kPrefix.size();
  const auto [end, error] = std::from_chars(begin, begin + kDigits, sequence);
  if (error != std::errc{} || end != begin + kDigits) return std::nullopt;
  return sequence;
}

}  // namespace

void Fd::reset() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Fd open_file(const std::filesystem::path& path, int flags) {
  constexpr mode_t kMode = 0640;
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, kMode);
  if (fd < 0) fail(errno, path.string());
  return Fd{fd};
}

void write_all(int fd, Bytes bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(errno, "write");
    if (written == 0) fail(ENOSPC, "write");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
}

void sync_data(int fd) {
  if (::fdatasync(fd) != 0) fail(errno, "fdatasync");
}

void sync_directory(const std::filesystem::path& directory) {
  const Fd fd = open_file(directory, O_RDONLY | O_DIRECTORY);
  if (::fsync(fd.get()) != 0) fail(errno, "fsync of " + directory.string());
}

void write_zeros(int fd, std::size_t begin, std::size_t end) {
  static constexpr std::array<std::byte, kZeroChunk> kZeros{};
  for (std::size_t at = begin; at < end; at += kZeroChunk)
    write_all(fd, Bytes(kZeros).first(std::min(kZeroChunk, end - at)), at);
}

Fd create_zeroed(const std::filesystem::path& path, std::size_t size) {
  Fd fd = open_file(path, O_RDWR | O_CREAT | O_EXCL);
  try {
    // Real zeros, not fallocate: unwritten extents would cost every later fdatasync a journal
    // commit of the file system.
    write_zeros(fd.get(), 0, size);
    if (::fsync(fd.get()) != 0) fail(errno, "fsync");
  } catch (...) {
    ::unlink(path.c_str());
    throw;
  }
  return fd;
}

std::size_t file_size(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) fail(errno, "fstat");
  return static_cast<std::size_t>(status.st_size);
}

std::size_t read_some(int fd, std::uint64_t offset, std::span<std::byte> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got =
        ::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(errno, "read");
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

void name_segment(const std::filesystem::path& directory, const Spare& spare,
                  const SegmentHeader& header) {
  const std::filesystem::path path = directory / segment_name(header.first_sequence);
  std::array<std::byte, kSegmentHeaderBytes> bytes{};
  encode_segment_header(header, bytes);
  write_all(spare.fd.get(), bytes, 0);
  sync_data(spare.fd.get());
  if (std::filesystem::exists(path)) fail(EEXIST, path.string());
  std::filesystem::rename(spare.path, path);
  sync_directory(directory);
}

std::string segment_name(std::uint64_t first_sequence) {
  const std::string digits = std::to_string(first_sequence);
  return std::string(kPrefix) + std::string(kDigits - digits.size(), '0') + digits +
         std::string(kSuffix);
}

std::vector<SegmentFile> list_segments(const std::filesystem::path& directory) {
  std::vector<SegmentFile> files;
  if (!std::filesystem::is_directory(directory)) return files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (const auto sequence = sequence_of(entry.path().filename().string()))
      files.push_back({entry.path(), *sequence});
  }
  std::sort(files.begin(), files.end(), [](const SegmentFile& a, const SegmentFile& b) {
    return a.first_sequence < b.first_sequence;
  });
  // An empty file is what is left of a journal in which nothing was ever written; among others it
  // would be damage.
  if (files.size() == 1 && std::filesystem::file_size(files.front().path) == 0) files.clear();
  return files;
}

}  // namespace quantumcore::journal
