// Workloads and clocks to Python, for `quantumcore bench core`.

#include <algorithm>
#include <string>

#include "crossing.hpp"
#include "engine.hpp"
#include "measure.hpp"
#include "module.hpp"
#include "workload.hpp"

namespace quantumcore::python {

namespace {

nb::tuple workload(const std::string& shape, std::uint64_t commands, std::uint64_t seed,
                   bool accounting, std::uint8_t self_trade_prevention) {
  const auto* const name = std::ranges::find(bench::kShapeNames, shape);
  if (name == std::end(bench::kShapeNames)) throw nb::value_error("no workload of that name");
  if (self_trade_prevention > kStpNone) throw nb::value_error("no such self-trade prevention");
  bench::Workload w;
  {
    const nb::gil_scoped_release released;
    w = bench::make_workload(static_cast<bench::Shape>(name - std::begin(bench::kShapeNames)),
                             commands, seed, accounting, self_trade_prevention);
  }
  return nb::make_tuple(to_bytes(w.setup), to_bytes(w.commands), w.config.max_orders,
                        w.config.max_client_ids, w.submissions, w.resting, w.trades, w.refused,
                        w.hash);
}

}  // namespace

void bind_bench(nb::module_& m) {
  m.attr("WORKLOADS") = [] {
    nb::list names;
    for (const std::string_view name : bench::kShapeNames) {
      names.append(nb::str(name.data(), name.size()));
    }
    return nb::tuple(names);
  }();
  m.def("workload", &workload, nb::arg("shape"), nb::arg("commands"), nb::arg("seed"),
        nb::arg("accounting") = true, nb::arg("self_trade_prevention") = kStpCancelOldest);
  m.def(
      "pace",
      [](PyEngine& engine, nb::handle commands, std::uint64_t per_step, std::uint32_t feed_slots,
         std::uint32_t readers) {
        if (per_step == 0) throw nb::value_error("per_step >= 1");
        const bench::Pace p = engine.measured(
            commands, [&](Engine& e, EventBuffer& events, std::span<const std::byte> all) {
              return bench::pace(e, events, all, per_step, {feed_slots, readers});
            });
        return nb::make_tuple(p.commands, p.cpu_ns, p.wall_ns);
      },
      nb::arg("engine"), nb::arg("commands"), nb::arg("per_step"), nb::arg("feed_slots") = 0,
      nb::arg("readers") = 0);
  m.def(
      "latencies",
      [](PyEngine& engine, nb::handle commands) {
        const bench::Latencies l = engine.measured(commands, &bench::latencies);
        return nb::make_tuple(l.commands, l.p50, l.p99, l.p99_9, l.p99_99, l.worst, l.clock);
      },
      nb::arg("engine"), nb::arg("commands"));
  const nb::call_guard<nb::gil_scoped_release> alone;
  m.def("feed_costs", &bench::feed_costs, nb::arg("times"), alone);
  m.def("crossing", &bench::crossing, nb::arg("items"), nb::arg("gap_ns"), alone);
}

}  // namespace quantumcore::python
