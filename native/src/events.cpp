#include "quantumcore/events.hpp"

namespace quantumcore {

EventBuffer::EventBuffer(std::size_t initial_bytes)
    : pages_(map_pages(initial_bytes)), capacity_(initial_bytes) {}

EventBuffer::~EventBuffer() { unmap_pages(pages_, capacity_); }

void EventBuffer::grow(std::size_t needed) {
  std::size_t larger = capacity_ * 2;
  while (larger < needed) larger *= 2;
  pages_ = remap_pages(pages_, capacity_, larger);
  capacity_ = larger;
}

}  // namespace quantumcore
