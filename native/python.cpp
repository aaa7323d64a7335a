// The one file that knows Python: it turns buffers into spans and errors into exceptions.

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <string>
#include <vector>

#include "crossing.hpp"
#include "measure.hpp"
#include "quantumcore/crc32c.hpp"
#include "quantumcore/engine.hpp"
#include "quantumcore/field_places.hpp"
#include "quantumcore/journal.hpp"
#include "quantumcore/queries.hpp"
#include "quantumcore/records.hpp"
#include "quantumcore/sha256.hpp"
#include "quantumcore/sole_use.hpp"
#include "workload.hpp"

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

nb::bytes to_bytes(const std::string& bytes) { return nb::bytes(bytes.data(), bytes.size()); }

/// Exact at any size: Python's own long from two's complement bytes.
nb::object to_int(qc::i128 value) {
  PyObject* number =
      _PyLong_FromByteArray(reinterpret_cast<const unsigned char*>(&value), sizeof value, 1, 1);
  if (number == nullptr) throw nb::python_error();
  return nb::steal(number);
}

// ---- engine ------------------------------------------------------------------------------------

/// The engine with its output buffer and a mark that someone is inside.
class PyEngine {
 public:
  explicit PyEngine(std::unique_ptr<qc::Engine> engine) : engine_(std::move(engine)) {}

  nb::bytes step(nb::handle commands, std::int64_t time_ns) {
    const qc::SoleUse entered(busy_);
    const BufferView view(commands);
    events_.clear();
    {
      const nb::gil_scoped_release released;
      engine_->step(view.bytes(), time_ns, events_);
    }
    return to_bytes(events_.bytes());
  }

  /// Steps one order: what SubmitOrder's layout holds, without making the layout in Python first.
  nb::bytes submit(std::uint32_t instrument, std::uint64_t account, std::uint8_t side,
                   std::uint8_t type, std::uint8_t time_in_force, std::int64_t price,
                   std::uint8_t price_scale, std::int64_t quantity, std::uint8_t quantity_scale,
                   const char* client_id, std::uint8_t self_trade_prevention, std::uint16_t flags,
                   std::int64_t time_ns) {
    const std::size_t length = std::strlen(client_id);
    if (length > qc::kIdBytes) throw qc::InvalidCommand("client_id is longer than 36 bytes");
    qc::SubmitOrder order{};
    order.header = {sizeof order, static_cast<std::uint8_t>(qc::CommandKind::submit_order), 0,
                    instrument, account};
    order.price = price;
    order.quantity = quantity;
    order.price_scale = price_scale;
    order.quantity_scale = quantity_scale;
    order.side = side;
    order.type = type;
    order.flags = flags;
    order.time_in_force = time_in_force;
    order.self_trade_prevention = self_trade_prevention;
    std::memcpy(order.client_id, client_id, length);
    const qc::SoleUse entered(busy_);
    events_.clear();  // what follows is too short to let go of the GIL
    engine_->step(std::as_bytes(std::span(&order, 1)), time_ns, events_);
    return to_bytes(events_.bytes());
  }

  /// Steps journal records (u64 sequence, i64 time_ns, u32 epoch, u32 length, command, padding to
  /// 8), each at its own time; the first must continue the engine's sequence.
  nb::bytes replay(nb::handle records) {
    const qc::SoleUse entered(busy_);
    const BufferView view(records);
    events_.clear();
    {
      const nb::gil_scoped_release released;
      replay_.run(*engine_, view.bytes(), events_);
    }
    return to_bytes(events_.bytes());
  }

  void reserve(std::uint32_t orders, std::uint32_t submissions) {
    const qc::SoleUse entered(busy_);
    const nb::gil_scoped_release released;
    engine_->reserve(orders, submissions);
  }

  /// Runs `measure` with the engine and its output buffer to itself, without the GIL.
  template <class Measure>
  auto measured(nb::handle commands, Measure&& measure) {
    const qc::SoleUse entered(busy_);
    const BufferView view(commands);
    const nb::gil_scoped_release released;
    return measure(*engine_, events_, view.bytes());
  }

  /// Runs `ask` with the engine to itself.
  template <class Ask>
  auto with(Ask&& ask) {
    const qc::SoleUse entered(busy_);
    return ask(*engine_);
  }

 private:
  std::unique_ptr<qc::Engine> engine_;
  qc::EventBuffer events_;
  qc::RecordReplay replay_;
  std::atomic<bool> busy_{false};
};

/// A question about the state, of which each is asked while nobody steps.
template <class Answer, class... Arguments>
auto asked(Answer (*question)(const qc::State&, Arguments...)) {
  return [question](PyEngine& self, Arguments... arguments) {
    return self.with([&](qc::Engine& e) { return question(e.state(), arguments...); });
  };
}

/// The same of rows that end in 128 bits.
template <class Key, class Argument>
auto asked_wide(std::vector<std::tuple<Key, qc::i128>> (*question)(const qc::State&, Argument)) {
  return [question](PyEngine& self, Argument argument) {
    nb::list list;
    for (const auto& [key, number] :
         self.with([&](qc::Engine& e) { return question(e.state(), argument); }))
      list.append(nb::make_tuple(key, to_int(number)));
    return list;
  };
}

template <auto Of>
nb::bytes definitions(PyEngine& self) {
  return to_bytes(self.with([](qc::Engine& e) { return Of(e.state()); }));
}

void bind_engine(nb::module_& m) {
  nb::exception<qc::InvalidCommand>(m, "InvalidCommand", PyExc_ValueError);
  nb::exception<qc::CorruptedSnapshot>(m, "CorruptedSnapshot", PyExc_RuntimeError);
  nb::exception<qc::InvariantViolation>(m, "InvariantViolation", PyExc_RuntimeError);
  nb::exception<qc::EngineBusy>(m, "EngineBusy", PyExc_RuntimeError);

  m.def(
      "round_divide",
      [](std::int64_t numerator, std::int64_t denominator, std::uint8_t mode) {
        if (denominator <= 0 || mode > 4) throw nb::value_error("denominator > 0, mode 0..4");
        return to_int(qc::round_divide(numerator, denominator, static_cast<qc::Rounding>(mode)));
      },
      nb::arg("numerator"), nb::arg("denominator"), nb::arg("mode"));

  m.def("layouts", [] {
    nb::dict all;
    for (const qc::FieldPlace& at : qc::kFieldPlaces) {
      if (!all.contains(at.structure)) all[at.structure] = nb::dict();
      nb::cast<nb::dict>(all[at.structure])[at.field] = nb::make_tuple(at.offset, at.size);
    }
    return all;
  });

  static const qc::EngineConfig kDefaults;
  nb::class_<qc::SnapshotCopy>(m, "SnapshotCopy")
      .def("prepare", &qc::SnapshotCopy::prepare, nb::call_guard<nb::gil_scoped_release>())
      .def("write", [](const qc::SnapshotCopy& self) {
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
             std::uint32_t max_legs, std::uint32_t max_holds) {
            const qc::EngineConfig config{
                max_orders,  max_accounts,         max_client_ids, max_transfers, max_balances,
                max_windows, accounting ? 1U : 0U, max_groups,     max_legs,      max_holds};
            new (self) PyEngine(std::make_unique<qc::Engine>(config));
          },
          nb::kw_only(), nb::arg("max_orders") = kDefaults.max_orders,
          nb::arg("max_accounts") = kDefaults.max_accounts,
          nb::arg("max_client_ids") = kDefaults.max_client_ids,
          nb::arg("max_transfers") = kDefaults.max_transfers,
          nb::arg("max_balances") = kDefaults.max_balances,
          nb::arg("max_windows") = kDefaults.max_windows,
          nb::arg("accounting") = kDefaults.accounting != 0,
          nb::arg("max_groups") = kDefaults.max_groups, nb::arg("max_legs") = kDefaults.max_legs,
          nb::arg("max_holds") = kDefaults.max_holds)
      .def("step", &PyEngine::step, nb::arg("commands"), nb::arg("time_ns"))
      .def("submit", &PyEngine::submit, nb::arg("instrument"), nb::arg("account"), nb::arg("side"),
           nb::arg("order_type"), nb::arg("time_in_force"), nb::arg("price"),
           nb::arg("price_scale"), nb::arg("quantity"), nb::arg("quantity_scale"),
           nb::arg("client_id"), nb::arg("self_trade_prevention") = 0, nb::arg("flags") = 0,
           nb::arg("time_ns") = 0)
      .def("replay", &PyEngine::replay, nb::arg("records"))
      .def("reserve", &PyEngine::reserve, nb::arg("orders"), nb::arg("submissions"))
      .def_prop_ro(
          "sequence",
          [](PyEngine& self) { return self.with([](qc::Engine& e) { return e.sequence(); }); })
      .def_prop_ro(
          "time_ns",
          [](PyEngine& self) { return self.with([](qc::Engine& e) { return e.time_ns(); }); })
      .def("state_hash",
           [](PyEngine& self) { return self.with([](qc::Engine& e) { return e.state_hash(); }); })
      .def("snapshot",
           [](PyEngine& s) { return to_bytes(s.with([](qc::Engine& e) { return e.snapshot(); })); })
      .def(
          "copy",
          [](PyEngine& self) {
            return self.with([](qc::Engine& e) { return new qc::SnapshotCopy(e); });
          },
          nb::rv_policy::take_ownership)
      .def(
          "take",
          [](PyEngine& self, qc::SnapshotCopy& copy) {
            const nb::gil_scoped_release released;
            self.with([&](qc::Engine& e) { copy.take(e); });
          },
          nb::arg("copy"))
      .def_static(
          "restore",
          [](nb::handle snapshot) {
            const BufferView view(snapshot);
            return new PyEngine(qc::Engine::restore(view.bytes()));
          },
          nb::arg("snapshot"), nb::rv_policy::take_ownership)
      .def("check", [](PyEngine& self) { self.with([](qc::Engine& e) { e.check(); }); })
      .def("depth", asked(&qc::depth), nb::arg("instrument"), nb::arg("side"),
           nb::arg("n") = 0xFFFF'FFFF)
      .def("orders", asked(&qc::orders_of), nb::arg("instrument"), nb::arg("side"))
      .def("order", asked(&qc::order_of), nb::arg("order_sequence"), nb::arg("slot"))
      .def(
          "queue",
          [](PyEngine& self, std::uint64_t sequence, std::uint32_t slot) -> nb::object {
            const auto found =
                self.with([&](qc::Engine& e) { return qc::queue_of(e.state(), sequence, slot); });
            if (!found) return nb::none();
            return nb::make_tuple(std::get<0>(*found), to_int(std::get<1>(*found)));
          },
          nb::arg("order_sequence"), nb::arg("slot"),
          nb::sig("def queue(self, order_sequence: int, slot: int) -> tuple[int, int] | None"))
      .def("balances", asked(&qc::balances_of), nb::arg("account"))
      .def("positions", asked_wide(&qc::positions_of), nb::arg("account"),
           nb::sig("def positions(self, account: int) -> list[tuple[int, int]]"))
      .def(
          "totals",
          [](PyEngine& self, std::uint16_t currency) {
            const qc::Totals t =
                self.with([&](qc::Engine& e) { return qc::totals_of(e.state(), currency); });
            return nb::make_tuple(to_int(t.customers), to_int(t.held), to_int(t.fees),
                                  to_int(t.rebates), to_int(t.rounding), to_int(t.deposited));
          },
          nb::arg("currency"))
      .def("house", asked_wide(&qc::house_of), nb::arg("currency"),
           nb::sig("def house(self, currency: int) -> list[tuple[int, int]]"))
      .def("collateral", asked(&qc::collateral_of), nb::arg("account"))
      .def("credits", asked(&qc::credits_of), nb::arg("account"))
      .def("hold_count", asked(&qc::hold_count_of))
      .def("holds", asked(&qc::holds_of), nb::arg("first") = 0, nb::arg("rows") = ~0U)
      .def("account_state", asked(&qc::account_state_of), nb::arg("account"))
      .def("next_deadline", asked(&qc::next_deadline))
      .def("accounts", asked(&qc::account_ids))
      .def("currencies", &definitions<&qc::currency_definitions>)
      .def("instruments", &definitions<&qc::instrument_definitions>)
      .def("open_orders", asked(&qc::open_orders_of))
      .def("memory", [](PyEngine& self) {
        nb::dict parts;
        for (const auto& [name, bytes] :
             self.with([](qc::Engine& e) { return qc::memory_of(e.state()); })) {
          parts[name] = bytes;
        }
        return parts;
      });
}

// ---- measuring ---------------------------------------------------------------------------------

nb::tuple workload(const std::string& shape, std::uint64_t commands, std::uint64_t seed,
                   bool accounting, std::uint8_t self_trade_prevention) {
  const auto* const name = std::ranges::find(qc::bench::kShapeNames, shape);
  if (name == std::end(qc::bench::kShapeNames)) throw nb::value_error("no workload of that name");
  if (self_trade_prevention > qc::kStpNone) throw nb::value_error("no such self-trade prevention");
  qc::bench::Workload w;
  {
    const nb::gil_scoped_release released;
    w = qc::bench::make_workload(
        static_cast<qc::bench::Shape>(name - std::begin(qc::bench::kShapeNames)), commands, seed,
        accounting, self_trade_prevention);
  }
  return nb::make_tuple(to_bytes(w.setup), to_bytes(w.commands), w.config.max_orders,
                        w.config.max_client_ids, w.submissions, w.resting, w.trades, w.refused,
                        w.hash);
}

void bind_bench(nb::module_& m) {
  m.attr("WORKLOADS") = [] {
    nb::list names;
    for (const std::string_view name : qc::bench::kShapeNames) {
      names.append(nb::str(name.data(), name.size()));
    }
    return nb::tuple(names);
  }();
  m.def("workload", &workload, nb::arg("shape"), nb::arg("commands"), nb::arg("seed"),
        nb::arg("accounting") = true, nb::arg("self_trade_prevention") = qc::kStpCancelOldest);
  m.def(
      "pace",
      [](PyEngine& engine, nb::handle commands, std::uint64_t per_step, std::uint32_t feed_slots,
         std::uint32_t readers) {
        if (per_step == 0) throw nb::value_error("per_step >= 1");
        const qc::bench::Pace p = engine.measured(
            commands, [&](qc::Engine& e, qc::EventBuffer& events, std::span<const std::byte> all) {
              return qc::bench::pace(e, events, all, per_step, {feed_slots, readers});
            });
        return nb::make_tuple(p.commands, p.cpu_ns, p.wall_ns);
      },
      nb::arg("engine"), nb::arg("commands"), nb::arg("per_step"), nb::arg("feed_slots") = 0,
      nb::arg("readers") = 0);
  m.def(
      "latencies",
      [](PyEngine& engine, nb::handle commands) {
        const qc::bench::Latencies l = engine.measured(commands, &qc::bench::latencies);
        return nb::make_tuple(l.commands, l.p50, l.p99, l.p99_9, l.p99_99, l.worst, l.clock);
      },
      nb::arg("engine"), nb::arg("commands"));
  const nb::call_guard<nb::gil_scoped_release> alone;
  m.def("feed_costs", &qc::bench::feed_costs, nb::arg("times"), alone);
  m.def("crossing", &qc::bench::crossing, nb::arg("items"), nb::arg("gap_ns"), alone);
}

// ---- journal -----------------------------------------------------------------------------------

using quantumcore::Digest;
using quantumcore::Journal;

/// Returns the chunk that `fill` gives, one caller at a time and without the GIL.
template <class Fill>
nb::bytes chunk_of(std::mutex& mutex, Fill&& fill) {
  std::unique_lock lock(mutex, std::defer_lock);
  std::span<const std::byte> chunk;
  {
    const nb::gil_scoped_release unlocked;
    lock.lock();
    chunk = fill();
  }
  return to_bytes(chunk);
}

struct PyReader {
  PyReader(std::string directory, std::uint64_t after_sequence)
      : chunks(std::move(directory), after_sequence) {}
  nb::bytes read(std::size_t most) {
    return chunk_of(mutex, [&] { return chunks.read(most); });
  }
  std::mutex mutex;
  qc::RecordChunks chunks;
};

/// A Journal with a reader that remembers where it was.
class PyJournal {
 public:
  explicit PyJournal(quantumcore::JournalOptions options) : journal(std::move(options)) {}

  nb::bytes read(std::uint64_t after_sequence, std::size_t max_bytes) {
    return chunk_of(mutex_, [&] {
      if (!reader_ || reader_->sequence() != after_sequence)
        reader_.emplace(journal.options().directory.string(), after_sequence);
      reader_->limit(journal.durable_sequence());
      return reader_->read(max_bytes);
    });
  }

  void close() {
    {
      const std::scoped_lock lock(mutex_);
      reader_.reset();
    }
    journal.close();
  }

  Journal journal;

 private:
  std::mutex mutex_;
  std::optional<qc::RecordChunks> reader_;
};

nb::object spot(const std::optional<quantumcore::JournalReport::Spot>& found) {
  if (!found) return nb::none();
  nb::dict out;
  out["segment"] = found->segment;
  out["offset"] = found->offset;
  out["reason"] = found->reason;
  return out;
}

nb::dict verify(const std::string& directory) {
  quantumcore::JournalReport report;
  {
    const nb::gil_scoped_release unlocked;
    report = quantumcore::verify_journal(directory);
  }
  nb::dict out;
  out["segments"] = report.segments;
  out["blocks"] = report.blocks;
  out["records"] = report.records;
  out["first_sequence"] = report.first_sequence;
  out["last_sequence"] = report.last_sequence;
  out["epoch"] = report.epoch;
  out["chain_head"] = to_bytes(report.chain_head);
  out["torn"] = spot(report.torn);
  out["damage"] = spot(report.damage);
  return out;
}

void bind_journal_errors(nb::module_& m) {
  using namespace quantumcore;
  static PyObject* corrupted = nullptr;
  const nb::exception<JournalError> base(m, "JournalError", PyExc_RuntimeError);
  nb::exception<JournalFull>(m, "JournalFull", base.ptr());
  nb::exception<JournalFailed>(m, "JournalFailed", base.ptr());
  nb::exception<JournalClosed>(m, "JournalClosed", base.ptr());
  nb::exception<JournalLocked>(m, "JournalLocked", base.ptr());
  nb::exception<JournalOutOfOrder>(m, "JournalOutOfOrder", base.ptr());
  nb::exception<StaleEpoch>(m, "StaleEpoch", base.ptr());
  nb::exception<JournalMissing>(m, "JournalMissing", base.ptr());
  const nb::exception<CorruptedJournal> corrupted_type(m, "CorruptedJournal", base.ptr());
  corrupted = corrupted_type.ptr();
  // args: message, segment, offset, reason.
  nb::register_exception_translator([](const std::exception_ptr& error, void*) {
    try {
      std::rethrow_exception(error);
    } catch (const CorruptedJournal& e) {
      PyErr_SetObject(corrupted,
                      nb::make_tuple(e.what(), e.segment(), e.offset(), e.reason()).ptr());
    }
  });
  nb::register_exception_translator([](const std::exception_ptr& error, void*) {
    try {
      std::rethrow_exception(error);
    } catch (const std::system_error& e) {
      PyErr_SetObject(PyExc_OSError, nb::make_tuple(e.code().value(), e.what()).ptr());
    }
  });
}

void bind_journal(nb::module_& m) {
  bind_journal_errors(m);

  nb::class_<PyJournal>(m, "Journal")
      .def(
          "__init__",
          [](PyJournal* self, const std::string& directory, std::uint16_t shard,
             std::size_t segment_bytes, std::size_t buffer_bytes, std::uint64_t trusted_sequence) {
            const nb::gil_scoped_release unlocked;
            new (self) PyJournal({.directory = directory,
                                  .shard = shard,
                                  .segment_bytes = segment_bytes,
                                  .buffer_bytes = buffer_bytes,
                                  .trusted_sequence = trusted_sequence});
          },
          nb::arg("directory"), nb::arg("shard") = 0,
          nb::arg("segment_bytes") = std::size_t{16} << 20U,
          nb::arg("buffer_bytes") = std::size_t{4} << 20U, nb::arg("trusted_sequence") = 0)
      .def_prop_ro("last_sequence",
                   [](const PyJournal& self) { return self.journal.last_sequence(); })
      .def_prop_ro("durable_sequence",
                   [](const PyJournal& self) { return self.journal.durable_sequence(); })
      .def_prop_ro("epoch", [](const PyJournal& self) { return self.journal.epoch(); })
      .def_prop_ro("block", [](const PyJournal& self) { return self.journal.block(); })
      .def_prop_ro("chain_head",
                   [](const PyJournal& self) { return to_bytes(self.journal.chain_head()); })
      .def_prop_ro("recovery",
                   [](const PyJournal& self) {
                     const quantumcore::JournalRecovery& r = self.journal.recovery();
                     nb::dict out;
                     out["records"] = r.records;
                     out["cut_segment"] = r.cut_segment;
                     out["cut_offset"] = r.cut_offset;
                     out["sealed_records"] = r.sealed_records;
                     return out;
                   })
      .def(
          "reserve",
          [](PyJournal& self, std::size_t n_bytes, std::size_t commands) {
            const nb::gil_scoped_release unlocked;
            self.journal.reserve(n_bytes, commands);
          },
          nb::arg("n_bytes"), nb::arg("commands") = 1)
      .def(
          "append",
          [](PyJournal& self, std::uint64_t sequence, std::int64_t time_ns, nb::handle command,
             std::optional<std::uint32_t> epoch) {
            const BufferView view(command);
            const nb::gil_scoped_release unlocked;
            self.journal.append(sequence, time_ns, view.bytes(), epoch);
          },
          nb::arg("sequence"), nb::arg("time_ns"), nb::arg("command"),
          nb::arg("epoch") = nb::none())
      .def(
          "append_batch",
          [](PyJournal& self, nb::handle commands, std::uint64_t first_sequence,
             std::int64_t time_ns, std::optional<std::uint32_t> epoch) {
            const BufferView view(commands);
            const nb::gil_scoped_release unlocked;
            return self.journal.append_batch(view.bytes(), first_sequence, time_ns, epoch);
          },
          nb::arg("commands"), nb::arg("first_sequence"), nb::arg("time_ns"),
          nb::arg("epoch") = nb::none())
      .def(
          "sync", [](PyJournal& self) { return self.journal.sync(); },
          nb::call_guard<nb::gil_scoped_release>())
      .def(
          "raise_epoch",
          [](PyJournal& self, std::uint32_t epoch, std::int64_t time_ns) {
            self.journal.raise_epoch(epoch, time_ns);
          },
          nb::arg("epoch"), nb::arg("time_ns") = 0, nb::call_guard<nb::gil_scoped_release>())
      .def("read", &PyJournal::read, nb::arg("after_sequence"), nb::arg("max_bytes"))
      .def("close", &PyJournal::close, nb::call_guard<nb::gil_scoped_release>());

  nb::class_<PyReader>(m, "JournalReader")
      .def(nb::init<std::string, std::uint64_t>(), nb::arg("directory"),
           nb::arg("after_sequence") = 0)
      .def_prop_ro("sequence", [](const PyReader& r) { return r.chunks.sequence(); })
      .def("read", &PyReader::read, nb::arg("max_bytes"));

  m.def("verify_journal", &verify, nb::arg("directory"));
  m.def(
      "crc32c",
      [](nb::handle data, bool portable) {
        const BufferView view(data);
        return portable ? quantumcore::crc32c_portable(view.bytes())
                        : quantumcore::crc32c(view.bytes());
      },
      nb::arg("data"), nb::arg("portable") = false);
  m.def(
      "sha256",
      [](nb::handle data, bool portable) {
        const BufferView view(data);
        return to_bytes(quantumcore::sha256(view.bytes(), portable
                                                              ? quantumcore::Sha256Path::Portable
                                                              : quantumcore::Sha256Path::Best));
      },
      nb::arg("data"), nb::arg("portable") = false);
}

}  // namespace

NB_MODULE(_native, m) {
  m.doc() = "The native core: engine and journal. See docs/reference/engine.md.";
  // A process that ends in an error keeps its stack, and with it an engine: no leak worth a page.
  nb::set_leak_warnings(false);
  bind_engine(m);
  bind_journal(m);
  bind_bench(m);
}
