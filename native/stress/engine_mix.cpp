// The workloads of native/bench, each timed on a fresh engine whose memory is there, as a book only
// and with accounting: nanoseconds per command, and per command stepped alone.
// Usage: engine_mix [shape | all = mix] [commands = 1000000] [runs = 5] [commands per step = 64]

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "measure.hpp"
#include "workload.hpp"

using namespace quantumcore;

namespace {

std::unique_ptr<Engine> ready(const bench::Workload& work, EventBuffer& events) {
  auto engine = std::make_unique<Engine>(work.config);
  engine->reserve(work.resting, work.submissions);
  engine->step(work.setup, 1, events);
  return engine;
}

/// Returns whether every run ended where the workload ended when it was made.
bool run(bench::Shape shape, bool accounting, u64 count, u64 runs, u64 per_step) {
  const bench::Workload work = bench::make_workload(shape, count, 42, accounting);
  std::vector<double> cpu;
  std::vector<double> wall;
  bool same = true;
  for (u64 i = 0; i < runs; ++i) {
    EventBuffer events;
    const auto engine = ready(work, events);
    const bench::Pace pace = bench::pace(*engine, events, work.commands, per_step);
    cpu.push_back(pace.cpu_ns);
    wall.push_back(pace.wall_ns);
    same = same && engine->state_hash() == work.hash;
  }
  std::sort(cpu.begin(), cpu.end());
  std::sort(wall.begin(), wall.end());
  EventBuffer events;
  const auto engine = ready(work, events);
  const bench::Latencies alone = bench::latencies(*engine, events, work.commands);
  std::printf(
      "%-9s %s %6.1f ns (CPU, %.1f - %.1f; wall %.1f); alone p50 %.0f, p99 %.0f, p99.9 %.0f, worst "
      "%.0f; %u resting, %llu trades, %llu refused, hash %016llx%s\n",
      bench::kShapeNames[static_cast<std::size_t>(shape)].data(), accounting ? "gate" : "book",
      cpu[runs / 2], cpu.front(), cpu.back(), wall[runs / 2], alone.p50, alone.p99, alone.p99_9,
      alone.worst, work.resting, static_cast<unsigned long long>(work.trades),
      static_cast<unsigned long long>(work.refused), static_cast<unsigned long long>(work.hash),
      same ? "" : ": A RUN DIFFERED");
  return same;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string wanted = argc > 1 ? argv[1] : "mix";
  const u64 count = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1'000'000;
  const u64 runs = argc > 3 ? std::max<u64>(std::strtoull(argv[3], nullptr, 10), 1) : 5;
  const u64 per_step = argc > 4 ? std::max<u64>(std::strtoull(argv[4], nullptr, 10), 1) : 64;
  bool found = false;
  bool same = true;
  for (std::size_t i = 0; i < std::size(bench::kShapeNames); ++i) {
    if (wanted != "all" && wanted != bench::kShapeNames[i]) continue;
    found = true;
    for (const bool accounting : {false, true}) {
      same = run(static_cast<bench::Shape>(i), accounting, count, runs, per_step) && same;
    }
  }
  if (!found) std::fprintf(stderr, "no workload %s\n", wanted.c_str());
  return found && same ? 0 : 1;
}
