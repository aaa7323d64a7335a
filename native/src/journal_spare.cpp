#include <unistd.h>

#include <csignal>
#include <exception>
#include <system_error>

#include "quantumcore/journal.hpp"

namespace quantumcore::journal {
namespace {

constexpr std::string_view kSparePrefix = "spare-";

void remove_old_spares(const std::filesystem::path& directory) {
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().filename().string().starts_with(kSparePrefix)) ::unlink(entry.path().c_str());
  }
}

}  // namespace

SpareSegment::SpareSegment(std::filesystem::path directory, std::size_t segment_bytes)
    : directory_(std::move(directory)), segment_bytes_(segment_bytes) {
  remove_old_spares(directory_);
  // Signals are for the threads of the program, which know what to do with them.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread(&SpareSegment::run, this);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

SpareSegment::~SpareSegment() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
  if (ready_) ::unlink(ready_->path.c_str());
}

void SpareSegment::prepare() {
  {
    const std::scoped_lock lock(mutex_);
    wanted_ = true;
  }
  wake_.notify_one();
}

bool SpareSegment::ensure(std::string& reason) {
  std::unique_lock lock(mutex_);
  if (ready_) return true;
  // A try that is under way may have met the disk before space came back: only one that begins now
  // may say no.
  for (int tries = 0; tries < 2 && !ready_; ++tries) {
    const std::uint64_t before = attempts_;
    wanted_ = true;
    wake_.notify_one();
    done_.wait(lock, [&] { return attempts_ != before; });
  }
  if (!ready_) reason = failure_;
  return ready_.has_value();
}

Spare SpareSegment::take() {
  Spare spare;
  {
    const std::scoped_lock lock(mutex_);
    spare = std::move(ready_.value());
    ready_.reset();
  }
  prepare();
  return spare;
}

void SpareSegment::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return stopping_ || wanted_; });
    if (stopping_) return;
    wanted_ = false;
    if (ready_) continue;
    const std::uint64_t attempt = attempts_ + 1;
    lock.unlock();
    std::optional<Spare> made;
    std::string failure;
    try {
      made = make(attempt);
    } catch (const std::exception& error) {
      failure = error.what();
    }
    lock.lock();
    ready_ = std::move(made);
    failure_ = std::move(failure);
    attempts_ = attempt;
    done_.notify_all();
  }
}

// Names are never used twice: the one that was taken may not be renamed yet.
Spare SpareSegment::make(std::uint64_t attempt) const {
  std::filesystem::path path =
      directory_ / (std::string(kSparePrefix) + std::to_string(attempt) + ".qcj");
  Fd fd = create_zeroed(path, segment_bytes_);
  return Spare{std::move(fd), std::move(path)};
}

}  // namespace quantumcore::journal
