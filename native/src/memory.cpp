#include "quantumcore/memory.hpp"

#include <sys/mman.h>

#include <new>
#include <string>

#include "quantumcore/errors.hpp"

namespace quantumcore {

std::byte* map_pages(std::size_t bytes) {
  void* pages = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  return static_cast<std::byte*>(pages);
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
