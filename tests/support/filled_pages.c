/* Fills the pages of the engine's event buffers with FILL_PAGES before it sees them: a byte that is never written shows.
 * They are known by their size and by being reserved without memory; `filled_pages` tells how many there were. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static const size_t kEventBuffer = (size_t)1 << 20;
static unsigned filled;

unsigned filled_pages(void) { return filled; }

void* mmap(void* address, size_t length, int protection, int flags, int file, off_t offset) {
  void* pages = (void*)syscall(SYS_mmap, address, length, protection, flags, file, offset);
  if (pages != MAP_FAILED && length == kEventBuffer && (flags & MAP_NORESERVE) != 0) {
    memset(pages, atoi(getenv("FILL_PAGES")), length);
    ++filled;
  }
  return pages;
}
