#include "quantumcore/events.hpp"

#include "quantumcore/errors.hpp"
#include "quantumcore/hash.hpp"

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

u64 Teller::finish(u64 hash) {
  QC_ASSERT(index_ > 0);
  reinterpret_cast<EventHeader*>(out_.at(last_))->flags = kLast;
  const std::byte* const end = out_.at(out_.size());
  for (const std::byte* event = out_.at(start_); event < end;) {
    const std::size_t size = reinterpret_cast<const EventHeader*>(event)->size;
    hash = hash_chain(hash, hash_event(event, size));
    event += size;
  }
  return hash;
}

}  // namespace quantumcore
