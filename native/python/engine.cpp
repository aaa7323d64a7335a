// The engine to Python: steps, snapshots, questions; and where the compiler put every field.

#include "engine.hpp"

#include <tuple>
#include <vector>

#include "module.hpp"
#include "quantumcore/field_places.hpp"
#include "quantumcore/field_places_guards.hpp"
#include "quantumcore/field_places_limits.hpp"
#include "quantumcore/field_places_margin.hpp"
#include "quantumcore/margin_checks.hpp"
#include "quantumcore/preview.hpp"
#include "quantumcore/queries.hpp"

namespace quantumcore::python {

namespace {

/// A question about the state, of which each is asked while nobody steps.
template <class Answer, class... Arguments>
auto asked(Answer (*question)(const State&, Arguments...)) {
  return [question](PyEngine& self, Arguments... arguments) {
    return self.with([&](Engine& e) { return question(e.state(), arguments...); });
  };
}

/// The same of rows that end in 128 bits.
template <class Key, class Argument>
auto asked_wide(std::vector<std::tuple<Key, i128>> (*question)(const State&, Argument)) {
  return [question](PyEngine& self, Argument argument) {
    nb::list list;
    for (const auto& [key, number] :
         self.with([&](Engine& e) { return question(e.state(), argument); }))
      list.append(nb::make_tuple(key, to_int(number)));
    return list;
  };
}

/// What a submission would do, as _native.pyi says it.
nb::tuple preview_of(PyEngine& self, nb::handle command, std::int64_t time_ns) {
  const BufferView view(command);
  const Preview p = self.with([&](Engine& e) { return e.preview(view.bytes(), time_ns); });
  const Course& c = p.course;
  return nb::make_tuple(nb::make_tuple(static_cast<u16>(p.why.reason), static_cast<u8>(p.why.scope),
                                       p.why.decimals, to_int(p.why.limit), to_int(p.why.actual)),
                        nb::make_tuple(p.first_sequence, p.first_slot),
                        nb::make_tuple(p.price, p.quantity, p.hold, p.hold_currency,
                                       static_cast<int>(p.waits), c.left, c.cancelled),
                        c.trades, nb::make_tuple(c.amount, c.fee, static_cast<int>(c.complete)));
}

/// How an account stands in a currency, as _native.pyi says it.
nb::tuple margin_of(PyEngine& self, std::uint64_t account, std::uint16_t currency) {
  const MarginAssessed m =
      self.with([&](Engine& e) { return quantumcore::margin_of(e.state(), account, currency); });
  return nb::make_tuple(m.equity, m.initial, m.maintenance, m.opening, m.deposits, m.result, m.peak,
                        m.profile, m.rung, m.margin_flags);
}

template <auto Of>
nb::bytes definitions(PyEngine& self) {
  return to_bytes(self.with([](Engine& e) { return Of(e.state()); }));
}

}  // namespace

void bind_engine(nb::module_& m) {
  nb::exception<InvalidCommand>(m, "InvalidCommand", PyExc_ValueError);
  nb::exception<CorruptedSnapshot>(m, "CorruptedSnapshot", PyExc_RuntimeError);
  nb::exception<InvariantViolation>(m, "InvariantViolation", PyExc_RuntimeError);
  nb::exception<EngineBusy>(m, "EngineBusy", PyExc_RuntimeError);

  m.def(
      "round_divide",
      [](std::int64_t numerator, std::int64_t denominator, std::uint8_t mode) {
        if (denominator <= 0 || mode > 4) throw nb::value_error("denominator > 0, mode 0..4");
        return to_int(round_divide(numerator, denominator, static_cast<Rounding>(mode)));
      },
      nb::arg("numerator"), nb::arg("denominator"), nb::arg("mode"));

  m.def("layouts", [] {
    nb::dict all;
    const auto add = [&](const FieldPlace& at) {
      if (!all.contains(at.structure)) all[at.structure] = nb::dict();
      nb::cast<nb::dict>(all[at.structure])[at.field] = nb::make_tuple(at.offset, at.size);
    };
    for (const FieldPlace& at : kFieldPlaces) add(at);
    for (const FieldPlace& at : kLimitFieldPlaces) add(at);
    for (const FieldPlace& at : kGuardFieldPlaces) add(at);
    for (const FieldPlace& at : kMarginFieldPlaces) add(at);
    return all;
  });

  static const EngineConfig kDefaults;
  nb::class_<SnapshotCopy>(m, "SnapshotCopy")
      .def("prepare", &SnapshotCopy::prepare, nb::call_guard<nb::gil_scoped_release>())
      .def("write", [](const SnapshotCopy& self) {
        std::string bytes;
        {
          const nb::gil_scoped_release released;
          bytes = self.write();
        }
        return nb::bytes(bytes.data(), bytes.size());
      });
  nb::class_<PyEngine>(m, "Engine")
      .def(
          "__init__",
          [](PyEngine* self, std::uint32_t max_orders, std::uint32_t max_accounts,
             std::uint32_t max_client_ids, std::uint32_t max_transfers, std::uint32_t max_balances,
             std::uint32_t max_windows, bool accounting, std::uint32_t max_groups,
             std::uint32_t max_legs, std::uint32_t max_holds, std::uint32_t max_limits) {
            const EngineConfig config{
                max_orders,  max_accounts,         max_client_ids, max_transfers, max_balances,
                max_windows, accounting ? 1U : 0U, max_groups,     max_legs,      max_holds,
                max_limits};
            new (self) PyEngine(std::make_unique<Engine>(config));
          },
          nb::kw_only(), nb::arg("max_orders") = kDefaults.max_orders,
          nb::arg("max_accounts") = kDefaults.max_accounts,
          nb::arg("max_client_ids") = kDefaults.max_client_ids,
          nb::arg("max_transfers") = kDefaults.max_transfers,
          nb::arg("max_balances") = kDefaults.max_balances,
          nb::arg("max_windows") = kDefaults.max_windows,
          nb::arg("accounting") = kDefaults.accounting != 0,
          nb::arg("max_groups") = kDefaults.max_groups, nb::arg("max_legs") = kDefaults.max_legs,
          nb::arg("max_holds") = kDefaults.max_holds, nb::arg("max_limits") = kDefaults.max_limits)
      .def("step", &PyEngine::step, nb::arg("commands"), nb::arg("time_ns"))
      .def("submit", &PyEngine::submit, nb::arg("instrument"), nb::arg("account"), nb::arg("side"),
           nb::arg("order_type"), nb::arg("time_in_force"), nb::arg("price"),
           nb::arg("price_scale"), nb::arg("quantity"), nb::arg("quantity_scale"),
           nb::arg("client_id"), nb::arg("self_trade_prevention") = 0, nb::arg("flags") = 0,
           nb::arg("time_ns") = 0)
      .def("replay", &PyEngine::replay, nb::arg("records"))
      .def("reserve", &PyEngine::reserve, nb::arg("orders"), nb::arg("submissions"))
      .def_prop_ro("sequence",
                   [](PyEngine& self) { return self.with([](Engine& e) { return e.sequence(); }); })
      .def_prop_ro("time_ns",
                   [](PyEngine& self) { return self.with([](Engine& e) { return e.time_ns(); }); })
      .def("state_hash",
           [](PyEngine& self) { return self.with([](Engine& e) { return e.state_hash(); }); })
      .def("snapshot",
           [](PyEngine& s) { return to_bytes(s.with([](Engine& e) { return e.snapshot(); })); })
      .def(
          "copy",
          [](PyEngine& self) { return self.with([](Engine& e) { return new SnapshotCopy(e); }); },
          nb::rv_policy::take_ownership)
      .def(
          "take",
          [](PyEngine& self, SnapshotCopy& copy) {
            const nb::gil_scoped_release released;
            self.with([&](Engine& e) { copy.take(e); });
          },
          nb::arg("copy"))
      .def_static(
          "restore",
          [](nb::handle snapshot) {
            const BufferView view(snapshot);
            return new PyEngine(Engine::restore(view.bytes()));
          },
          nb::arg("snapshot"), nb::rv_policy::take_ownership)
      .def("check", [](PyEngine& self) { self.with([](Engine& e) { e.check(); }); })
      .def("depth", asked(&depth), nb::arg("instrument"), nb::arg("side"),
           nb::arg("n") = 0xFFFF'FFFF)
      .def("orders", asked(&orders_of), nb::arg("instrument"), nb::arg("side"))
      .def("order", asked(&order_of), nb::arg("order_sequence"), nb::arg("slot"))
      .def(
          "queue",
          [](PyEngine& self, std::uint64_t sequence, std::uint32_t slot) -> nb::object {
            const auto found =
                self.with([&](Engine& e) { return queue_of(e.state(), sequence, slot); });
            if (!found) return nb::none();
            return nb::make_tuple(std::get<0>(*found), to_int(std::get<1>(*found)));
          },
          nb::arg("order_sequence"), nb::arg("slot"),
          nb::sig("def queue(self, order_sequence: int, slot: int) -> tuple[int, int] | None"))
      .def("preview", &preview_of, nb::arg("command"), nb::arg("time_ns"))
      .def("balances", asked(&balances_of), nb::arg("account"))
      .def("positions", asked_wide(&positions_of), nb::arg("account"),
           nb::sig("def positions(self, account: int) -> list[tuple[int, int]]"))
      .def(
          "totals",
          [](PyEngine& self, std::uint16_t currency) {
            const Totals t = self.with([&](Engine& e) { return totals_of(e.state(), currency); });
            return nb::make_tuple(to_int(t.customers), to_int(t.held), to_int(t.fees),
                                  to_int(t.rebates), to_int(t.rounding), to_int(t.deposited));
          },
          nb::arg("currency"))
      .def("house", asked_wide(&house_of), nb::arg("currency"),
           nb::sig("def house(self, currency: int) -> list[tuple[int, int]]"))
      .def("collateral", asked(&collateral_of), nb::arg("account"))
      .def("credits", asked(&credits_of), nb::arg("account"))
      .def("hold_count", asked(&hold_count_of))
      .def("holds", asked(&holds_of), nb::arg("first") = 0, nb::arg("rows") = ~0U)
      .def("account_state", asked(&account_state_of), nb::arg("account"))
      .def(
          "working",
          [](PyEngine& self, std::uint64_t account, std::uint32_t instrument) {
            const AtWork w =
                self.with([&](Engine& e) { return working_of(e.state(), account, instrument); });
            return nb::make_tuple(to_int(w.buys), to_int(w.sells), w.orders);
          },
          nb::arg("account"), nb::arg("instrument"),
          nb::sig("def working(self, account: int, instrument: int) -> tuple[int, int, int]"))
      .def(
          "drawn",
          [](PyEngine& self, std::uint32_t firm, std::uint16_t currency) {
            const Drawn d =
                self.with([&](Engine& e) { return drawn_of(e.state(), firm, currency); });
            return nb::make_tuple(to_int(d.working), to_int(d.filled));
          },
          nb::arg("firm"), nb::arg("currency"),
          nb::sig("def drawn(self, firm: int, currency: int) -> tuple[int, int]"))
      .def("margin", &margin_of, nb::arg("account"), nb::arg("currency"))
      .def("next_deadline", asked(&next_deadline))
      .def("accounts", asked(&account_ids))
      .def("currencies", &definitions<&currency_definitions>)
      .def("instruments", &definitions<&instrument_definitions>)
      .def("open_orders", asked(&open_orders_of))
      .def("memory", [](PyEngine& self) {
        nb::dict parts;
        for (const auto& [name, bytes] :
             self.with([](Engine& e) { return memory_of(e.state()); })) {
          parts[name] = bytes;
        }
        return parts;
      });
}

}  // namespace quantumcore::python
