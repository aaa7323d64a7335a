/* Counts every allocation of the process it is preloaded into; `malloc_calls` tells how many. */
#include <stdatomic.h>
#include <stddef.h>

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);

static atomic_ullong calls;

unsigned long long malloc_calls(void) { return atomic_load(&calls); }

void* malloc(size_t size) {
  atomic_fetch_add(&calls, 1);
  return __libc_malloc(size);
}

void* calloc(size_t n, size_t size) {
  atomic_fetch_add(&calls, 1);
  return __libc_calloc(n, size);
}

void* realloc(void* p, size_t size) {
  atomic_fetch_add(&calls, 1);
  return __libc_realloc(p, size);
}
