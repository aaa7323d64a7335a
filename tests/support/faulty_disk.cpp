// A disk that fails on command: preloaded into a test's subprocess, so that the shipped binary itself is tested.
//
// qc_disk_full(on)            writes that would make a file longer fail with ENOSPC; overwriting goes on, as on a full disk
// qc_fail(call, after, error) call 0 pwrite, 1 fdatasync, 2 fsync: `after` more calls succeed, all later ones fail (-1: never)
// qc_short_writes(on)         pwrite takes at most 1,000 bytes at a time
// qc_delay(ms)                fdatasync takes that much longer
// qc_calls(call)              how many calls there were
// qc_mallocs()                how often memory was allocated, by anybody
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <dlfcn.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

namespace {
std::atomic<bool> full{false}, short_writes{false};
std::atomic<int> delay_ms{0};
std::atomic<long> left[3] = {-1, -1, -1};
std::atomic<int> error_of[3];
std::atomic<long> calls[3];
std::atomic<long> mallocs{0};

bool fails(int call) {
  ++calls[call];
  long now = left[call].load();
  if (now < 0) return false;
  if (now > 0) {
    --left[call];
    return false;
  }
  errno = error_of[call];
  return true;
}

template <class F>
F real(const char* name) {
  return reinterpret_cast<F>(dlsym(RTLD_NEXT, name));
}

ssize_t write_at(int fd, const void* data, size_t size, off_t offset) {
  if (fails(0)) return -1;
  struct stat status {};
  if (full && fstat(fd, &status) == 0 && offset + static_cast<off_t>(size) > status.st_size) {
    errno = ENOSPC;
    return -1;
  }
  if (short_writes && size > 1000) size = 1000;
  static const auto call = real<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite64");
  return call(fd, data, size, offset);
}
}  // namespace

extern "C" {
void* __libc_malloc(size_t size);

void* malloc(size_t size) {
  mallocs.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(size);
}

long qc_mallocs() { return mallocs; }
void qc_disk_full(int on) { full = on != 0; }
void qc_short_writes(int on) { short_writes = on != 0; }
void qc_delay(int ms) { delay_ms = ms; }
void qc_fail(int call, long after, int error) {
  error_of[call] = error;
  left[call] = after;
}
long qc_calls(int call) { return calls[call]; }

ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) { return write_at(fd, data, size, offset); }
ssize_t pwrite64(int fd, const void* data, size_t size, off_t offset) { return write_at(fd, data, size, offset); }

int fdatasync(int fd) {
  if (delay_ms > 0) usleep(static_cast<useconds_t>(delay_ms) * 1000);
  if (fails(1)) return -1;
  static const auto call = real<int (*)(int)>("fdatasync");
  return call(fd);
}

int fsync(int fd) {
  if (fails(2)) return -1;
  static const auto call = real<int (*)(int)>("fsync");
  return call(fd);
}
}
