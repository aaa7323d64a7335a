// The one file of native/ that knows Python: it turns buffers into spans and errors into
// exceptions.

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <atomic>

#include "quantumcore/engine.hpp"
#include "quantumcore/field_places.hpp"
#include "quantumcore/queries.hpp"

namespace nb = nanobind;

namespace {

namespace qc = quantumcore;

/// A read-only view of any bytes-like object, held for the time of one call.
class BufferView {
 public:
  explicit BufferView(nb::handle object) {
    if (PyObject_GetBuffer(object.ptr(), &view_, PyBUF_SIMPLE) != 0) throw nb::python_error();
  }
  ~BufferView() { PyBuffer_Release(&view_); }
  BufferView(const BufferView&) = delete;
  BufferView& operator=(const BufferView&) = delete;

  std::span<const std::byte> bytes() const {
    return {static_cast<const std::byte*>(view_.buf), static_cast<std::size_t>(view_.len)};
  }

 private:
  Py_buffer view_;
};

nb::bytes to_bytes(std::span<const std::byte> bytes) {
  return nb::bytes(bytes.data(), bytes.size());
}

/// Exact at any size: Python's own long from two's complement bytes.
nb::object to_int(qc::i128 value) {
  PyObject* number =
      _PyLong_FromByteArray(reinterpret_cast<const unsigned char*>(&value), sizeof value, 1, 1);
  if (number == nullptr) throw nb::python_error();
  return nb::steal(number);
}

// ---- engine
// --------------------------------------------------------------------------------------

/// A second thread came while a call was running; nothing happened.
struct EngineBusy : std::runtime_error {
  EngineBusy() : std::runtime_error("another thread is inside the engine") {}
};

/// The engine with its output buffer and a mark that someone is inside.
class PyEngine {
 public:
  explicit PyEngine(std::unique_ptr<qc::Engine> engine) : engine_(std::move(engine)) {}

  nb::bytes step(nb::handle commands, std::int64_t time_ns) {
    const Entered entered(*this);
    const BufferView view(commands);
    events_.clear();
    {
      const nb::gil_scoped_release released;
      engine_->step(view.bytes(), time_ns, events_);
    }
    return to_bytes(events_.bytes());
  }

  /// Runs `ask` with the engine to itself.
  template <class Ask>
  auto with(Ask&& ask) {
    const Entered entered(*this);
    return ask(*engine_);
  }

 private:
  class Entered {
   public:
    explicit Entered(PyEngine& engine) : engine_(engine) {
      if (engine_.busy_.exchange(true, std::memory_order_acquire)) throw EngineBusy();
    }
    ~Entered() { engine_.busy_.store(false, std::memory_order_release); }
    Entered(const Entered&) = delete;
    Entered& operator=(const Entered&) = delete;

   private:
    PyEngine& engine_;
  };

  std::unique_ptr<qc::Engine> engine_;
  qc::EventBuffer events_;
  std::atomic<bool> busy_{false};
};

void bind_engine(nb::module_& m) {
  nb::exception<qc::InvalidCommand>(m, "InvalidCommand", PyExc_ValueError);
  nb::exception<qc::CorruptedSnapshot>(m, "CorruptedSnapshot", PyExc_RuntimeError);
  nb::exception<qc::InvariantViolation>(m, "InvariantViolation", PyExc_RuntimeError);
  nb::exception<EngineBusy>(m, "EngineBusy", PyExc_RuntimeError);

  m.def(
      "round_divide",
      [](std::int64_t numerator, std::int64_t denominator, std::uint8_t mode) {
        if (denominator <= 0 || mode > 4) throw nb::value_error("denominator > 0, mode 0..4");
        return to_int(qc::round_divide(numerator, denominator, static_cast<qc::Rounding>(mode)));
      },
      nb::arg("numerator"), nb::arg("denominator"), nb::arg("mode"));

  m.def("layouts", [] {
    nb::dict all;
    for (const qc::FieldPlace& place : qc::kFieldPlaces) {
      if (!all.contains(place.structure)) all[place.structure] = nb::dict();
      nb::cast<nb::dict>(all[place.structure])[place.field] =
          nb::make_tuple(place.offset, place.size);
    }
    return all;
  });

  static const qc::EngineConfig kDefaults;
  nb::class_<PyEngine>(m, "Engine")
      .def(
          "__init__",
          [](PyEngine* self, std::uint32_t max_orders, std::uint32_t max_accounts,
             std::uint32_t max_client_ids, std::uint32_t max_transfers, std::uint32_t max_balances,
             std::uint32_t max_windows) {
            const qc::EngineConfig config{max_orders,    max_accounts, max_client_ids,
                                          max_transfers, max_balances, max_windows};
            new (self) PyEngine(std::make_unique<qc::Engine>(config));
          },
          nb::kw_only(), nb::arg("max_orders") = kDefaults.max_orders,
          nb::arg("max_accounts") = kDefaults.max_accounts,
          nb::arg("max_client_ids") = kDefaults.max_client_ids,
          nb::arg("max_transfers") = kDefaults.max_transfers,
          nb::arg("max_balances") = kDefaults.max_balances,
          nb::arg("max_windows") = kDefaults.max_windows)
      .def("step", &PyEngine::step, nb::arg("commands"), nb::arg("time_ns"))
      .def_prop_ro(
          "sequence",
          [](PyEngine& self) { return self.with([](qc::Engine& e) { return e.sequence(); }); })
      .def_prop_ro(
          "time_ns",
          [](PyEngine& self) { return self.with([](qc::Engine& e) { return e.time_ns(); }); })
      .def("state_hash",
           [](PyEngine& self) { return self.with([](qc::Engine& e) { return e.state_hash(); }); })
      .def("snapshot",
           [](PyEngine& self) {
             const std::string bytes = self.with([](qc::Engine& e) { return e.snapshot(); });
             return nb::bytes(bytes.data(), bytes.size());
           })
      .def_static(
          "restore",
          [](nb::handle snapshot) {
            const BufferView view(snapshot);
            return new PyEngine(qc::Engine::restore(view.bytes()));
          },
          nb::arg("snapshot"), nb::rv_policy::take_ownership)
      .def("check", [](PyEngine& self) { self.with([](qc::Engine& e) { e.check(); }); })
      .def(
          "depth",
          [](PyEngine& self, std::uint32_t instrument, std::uint8_t side, std::uint32_t n) {
            return self.with(
                [&](qc::Engine& e) { return qc::depth(e.state(), instrument, side, n); });
          },
          nb::arg("instrument"), nb::arg("side"), nb::arg("n") = 0xFFFF'FFFF)
      .def(
          "orders",
          [](PyEngine& self, std::uint32_t instrument, std::uint8_t side) {
            return self.with(
                [&](qc::Engine& e) { return qc::orders_of(e.state(), instrument, side); });
          },
          nb::arg("instrument"), nb::arg("side"))
      .def(
          "order",
          [](PyEngine& self, std::uint64_t sequence, std::uint32_t slot) {
            return self.with(
                [&](qc::Engine& e) { return qc::order_of(e.state(), sequence, slot); });
          },
          nb::arg("order_sequence"), nb::arg("slot"))
      .def(
          "balances",
          [](PyEngine& self, std::uint64_t account) {
            return self.with([&](qc::Engine& e) { return qc::balances_of(e.state(), account); });
          },
          nb::arg("account"))
      .def(
          "totals",
          [](PyEngine& self, std::uint16_t currency) {
            const qc::Totals t =
                self.with([&](qc::Engine& e) { return qc::totals_of(e.state(), currency); });
            return nb::make_tuple(to_int(t.customers), to_int(t.held), to_int(t.fees),
                                  to_int(t.rebates), to_int(t.rounding), t.deposited);
          },
          nb::arg("currency"))
      .def("accounts",
           [](PyEngine& self) {
             return self.with([](qc::Engine& e) { return qc::account_ids(e.state()); });
           })
      .def("currencies",
           [](PyEngine& self) {
             const std::string bytes =
                 self.with([](qc::Engine& e) { return qc::currency_definitions(e.state()); });
             return nb::bytes(bytes.data(), bytes.size());
           })
      .def("instruments",
           [](PyEngine& self) {
             const std::string bytes =
                 self.with([](qc::Engine& e) { return qc::instrument_definitions(e.state()); });
             return nb::bytes(bytes.data(), bytes.size());
           })
      .def("open_orders",
           [](PyEngine& self) {
             return self.with([](qc::Engine& e) { return e.state().orders.slots().live(); });
           })
      .def("memory", [](PyEngine& self) {
        return self.with([](qc::Engine& e) {
          const qc::State& s = e.state();
          nb::dict parts;
          parts["orders"] = s.orders.bytes();
          parts["leaves"] = s.pages.leaves.bytes();
          parts["windows"] = s.pages.windows.bytes();
          parts["accounts"] = s.accounts.bytes();
          parts["client_ids"] = s.client_ids.bytes();
          parts["transfers"] = s.transfer_ids.bytes();
          return parts;
        });
      });
}

}  // namespace

NB_MODULE(_native, m) {
  m.doc() = "The native core: engine and journal. See docs/reference/engine.md.";
  bind_engine(m);
}
