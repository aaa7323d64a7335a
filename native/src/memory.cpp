#include "quantumcore/memory.hpp"

#include <sys/mman.h>

#include <new>
#include <string>

#include "quantumcore/errors.hpp"

namespace quantumcore {

namespace {

constexpr std::size_t kHugePage = std::size_t{1} << 21;

}  // namespace

std::byte* map_pages(std::size_t bytes) {
  void* pages = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  return static_cast<std::byte*>(pages);
}

std::byte* map_table(std::size_t bytes) {
  std::byte* const pages = map_pages(bytes);
  // The first stretch stays in small pages: a small engine shall not take 2 MiB for every table.
  if (bytes > kHugePage) ::madvise(pages + kHugePage, bytes - kHugePage, MADV_HUGEPAGE);
  return pages;
}

std::byte* map_filled(std::size_t bytes) {
  std::byte* const pages = map_pages(bytes);
  if (bytes >= kHugePage) ::madvise(pages, bytes, MADV_HUGEPAGE);
  ::madvise(pages, bytes, MADV_POPULATE_WRITE);
  return pages;
}

void fill_pages(std::byte* pages, std::size_t bytes) noexcept {
  if (bytes >= kHugePage) ::madvise(pages, bytes, MADV_HUGEPAGE);
  ::madvise(pages, bytes, MADV_POPULATE_WRITE);
}

void unmap_pages(std::byte* pages, std::size_t bytes) noexcept { ::munmap(pages, bytes); }

std::byte* remap_pages(std::byte* pages, std::size_t old_bytes, std::size_t new_bytes) {
  void* moved = ::mremap(pages, old_bytes, new_bytes, MREMAP_MAYMOVE);
  if (moved == MAP_FAILED) throw std::bad_alloc();
  return static_cast<std::byte*>(moved);
}

void invariant_violated(const char* condition, const char* file, int line) {
  throw InvariantViolation(std::string(condition) + " does not hold (" + file + ":" +
                           std::to_string(line) + ")");
}

}  // namespace quantumcore
