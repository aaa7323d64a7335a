#pragma once

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "random.hpp"

/// A memory model to run lock-free templates under: what C++ allows, not what this processor does.
///
/// Each place keeps all that was stored to it. A thread has a view: the oldest store of each place
/// that it may still read. A relaxed load may return any store that is not older; reading it moves
/// the view of that place. A release store carries the view of its thread, and an acquire load that
/// reads it joins that view. Not modelled: sequential consistency, fences, read-modify-write, two
/// writers of one place, and loads that return a store which its thread has yet to make.
namespace quantumcore::model {

inline constexpr u32 kPlaces = 24;
inline constexpr u32 kThreads = 4;
inline constexpr u32 kSteps = 64;  // of one thread; one that takes more is endless

/// Checks that hold in the checker itself; also where assertions are off.
inline void demand(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "the model cannot run this: %s\n", what);
  std::exit(2);
}

/// What a thread does next.
struct Step {
  enum Kind : u8 { kLoad, kStore, kEnd, kEndless } kind;
  bool ordered;  // acquire or release
  u32 place;
  u64 value;  // stored, or with which the thread ended
};

/// Runs one thread as far as its loads are known, to learn its next step: the thread's code is
/// deterministic, so what its loads returned says where it is. Its stores need not be done for it.
class Replay {
 public:
  struct Stop {};

  static Replay*& current() {
    static thread_local Replay* replay = nullptr;
    return replay;
  }

  explicit Replay(const std::vector<u64>& loads, u64 steps) : loads_(loads), steps_(steps) {
    current() = this;
  }
  ~Replay() { current() = nullptr; }
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  u32 place(u64 initial) {
    demand(initials.size() < kPlaces, "too many places");
    initials.push_back(initial);
    return static_cast<u32>(initials.size() - 1);
  }
  u64 load(u32 place, bool acquire) {
    step({Step::kLoad, acquire, place, 0});
    return loads_[loaded_++];
  }
  void store(u32 place, u64 value, bool release) { step({Step::kStore, release, place, value}); }

  std::vector<u64> initials;
  Step next{};

 private:
  void step(const Step& wanted) {
    if (done_ == kSteps) {
      next = {Step::kEndless, false, 0, 0};
      throw Stop();
    }
    if (done_++ < steps_) return;
    next = wanted;
    throw Stop();
  }

  const std::vector<u64>& loads_;
  u64 steps_;
  u64 done_ = 0;
  u64 loaded_ = 0;
};

/// Stands for std::atomic in what is checked.
template <class T>
class atomic {
  static_assert(std::is_unsigned_v<T>);

 public:
  atomic(T initial = 0) : place_(Replay::current()->place(initial)) {}
  T load(std::memory_order order) const {
    demand(order == std::memory_order_relaxed || order == std::memory_order_acquire, "that order");
    return static_cast<T>(Replay::current()->load(place_, order == std::memory_order_acquire));
  }
  void store(T value, std::memory_order order) {
    demand(order == std::memory_order_relaxed || order == std::memory_order_release, "that order");
    Replay::current()->store(place_, value, order == std::memory_order_release);
  }

 private:
  u32 place_;
};

/// What the walk over all schedules found.
struct Walked {
  double schedules;  // ways to run to the end; many of them pass through one state
  double failures;   // of them
  u64 states;
};

/// Threads that share something. Each returns what it saw; what they all saw is judged at the end:
/// false, or a thread without end, is a failure.
class Checker {
 public:
  /// Makes what is shared anew, and runs one thread on it.
  using Run = std::function<u64(u32 thread)>;
  using Judge = std::function<bool(const std::vector<u64>&)>;

  Checker(u32 threads, Run run, Judge judge)
      : threads_(threads), run_(std::move(run)), judge_(std::move(judge)) {
    demand(threads_ <= kThreads, "too many threads");
    for (u32 t = 0; t < threads_; ++t) roots_.push_back(learn(t, {}, 0));
  }

  /// Walks every schedule: at each point every thread, and for a load every store it may return;
  /// or only until one was wrong.
  Walked walk(bool until_wrong = false) {
    begin();
    known_.clear();
    until_wrong_ = until_wrong;
    const auto [schedules, failures] = walk_on();
    return {schedules, failures, known_.size()};
  }

  /// Runs one schedule drawn from `seed`. Returns whether it was right.
  bool run(u64 seed) {
    begin();
    stress::Random random(seed);
    for (;;) {
      std::vector<u32> running;
      for (u32 t = 0; t < threads_; ++t) {
        if (nodes_[at_[t]].step.kind <= Step::kStore) running.push_back(t);
      }
      if (running.empty()) return right();
      const u32 t = running[random.below(running.size())];
      const Step& step = nodes_[at_[t]].step;
      if (step.kind == Step::kStore) {
        store(t, step);
      } else {
        const u64 oldest = view_[t][step.place];
        load(t, step, oldest + random.below(stores_[step.place].size() - oldest));
      }
    }
  }

 private:
  using View = std::array<u8, kPlaces>;
  struct Store {
    u64 value;
    bool release;
    View view;
  };
  /// Where a thread is: its next step, and where each outcome of that leads.
  struct Node {
    u32 thread;
    Step step;
    u64 steps;
    std::vector<u64> loads;
    std::map<u64, u32> after;  // by what was loaded; 0 after a store
  };

  u32 learn(u32 thread, std::vector<u64> loads, u64 steps) {
    Replay replay(loads, steps);
    try {
      replay.next = {Step::kEnd, false, 0, run_(thread)};
    } catch (const Replay::Stop&) {
    }
    initials_ = replay.initials;
    nodes_.push_back({thread, replay.next, steps, std::move(loads), {}});
    return static_cast<u32>(nodes_.size() - 1);
  }

  u32 after(u32 node, u64 value) {
    if (const auto found = nodes_[node].after.find(value); found != nodes_[node].after.end()) {
      return found->second;
    }
    std::vector<u64> loads = nodes_[node].loads;
    if (nodes_[node].step.kind == Step::kLoad) loads.push_back(value);
    const u32 next = learn(nodes_[node].thread, std::move(loads), nodes_[node].steps + 1);
    nodes_[node].after[value] = next;
    return next;
  }

  void begin() {
    at_ = roots_;
    view_.assign(threads_, View{});
    stores_.clear();
    for (const u64 initial : initials_) stores_.push_back({Store{initial, false, View{}}});
    writer_.assign(initials_.size(), kNone);
  }

  void store(u32 thread, const Step& step) {
    const u32 place = step.place;
    demand(writer_[place] == kNone || writer_[place] == thread, "two writers of one place");
    writer_[place] = thread;
    view_[thread][place] = static_cast<u8>(stores_[place].size());
    stores_[place].push_back({step.value, step.ordered, view_[thread]});
    at_[thread] = after(at_[thread], 0);
  }

  void load(u32 thread, const Step& step, u64 which) {
    const Store& read = stores_[step.place][which];
    View& view = view_[thread];
    view[step.place] = static_cast<u8>(which);
    if (step.ordered && read.release) {
      for (u32 p = 0; p < kPlaces; ++p) view[p] = std::max(view[p], read.view[p]);
    }
    at_[thread] = after(at_[thread], read.value);
  }

  bool right() const {
    std::vector<u64> seen;
    for (const u32 node : at_) {
      if (nodes_[node].step.kind == Step::kEndless) return false;
      seen.push_back(nodes_[node].step.value);
    }
    return judge_(seen);
  }

  /// All that decides what can still happen.
  std::string state() const {
    std::string key;
    for (u32 t = 0; t < threads_; ++t) {
      key.append(reinterpret_cast<const char*>(&at_[t]), sizeof at_[t]);
      key.append(reinterpret_cast<const char*>(view_[t].data()), initials_.size());
    }
    for (const auto& stores : stores_) {
      key.push_back(static_cast<char>(stores.size()));
      for (const Store& store : stores) {
        key.append(reinterpret_cast<const char*>(store.view.data()), initials_.size());
      }
    }
    return key;
  }

  std::pair<double, double> walk_on() {
    const std::string key = state();
    if (const auto found = known_.find(key); found != known_.end()) return found->second;
    std::pair<double, double> sum{0, 0};
    bool ended = true;
    const auto add = [&](const std::pair<double, double>& more) {
      sum.first += more.first;
      sum.second += more.second;
    };
    const auto enough = [&] { return until_wrong_ && sum.second > 0; };
    for (u32 t = 0; t < threads_ && !enough(); ++t) {
      const u32 node = at_[t];
      const Step step = nodes_[node].step;
      if (step.kind > Step::kStore) continue;
      ended = false;
      const View view = view_[t];
      if (step.kind == Step::kStore) {
        const u32 writer = writer_[step.place];
        store(t, step);
        add(walk_on());
        stores_[step.place].pop_back();
        writer_[step.place] = writer;
        view_[t] = view;
        at_[t] = node;
        continue;
      }
      for (u64 which = view[step.place]; which < stores_[step.place].size() && !enough(); ++which) {
        load(t, step, which);
        add(walk_on());
        view_[t] = view;
        at_[t] = node;
      }
    }
    if (ended) sum = {1, right() ? 0 : 1};
    known_.emplace(key, sum);
    return sum;
  }

  u32 threads_;
  Run run_;
  Judge judge_;
  std::vector<u64> initials_;
  std::vector<Node> nodes_;
  std::vector<u32> roots_;
  std::vector<u32> at_;
  std::vector<View> view_;
  std::vector<std::vector<Store>> stores_;
  std::vector<u32> writer_;
  std::unordered_map<std::string, std::pair<double, double>> known_;
  bool until_wrong_ = false;
};

/// A checker of threads that are functions of a `Shared`.
template <class Shared>
Checker check(std::vector<u64 (*)(Shared&)> threads, Checker::Judge judge) {
  const u32 count = static_cast<u32>(threads.size());
  return {count,
          [threads = std::move(threads)](u32 thread) {
            Shared shared;
            return threads[thread](shared);
          },
          std::move(judge)};
}

}  // namespace quantumcore::model
