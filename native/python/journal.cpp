// The journal to Python: appending, reading, proving; and the checksums it is made with.

#include "quantumcore/journal.hpp"

#include <mutex>
#include <optional>
#include <string>

#include "bytes.hpp"
#include "module.hpp"
#include "quantumcore/crc32c.hpp"
#include "quantumcore/records.hpp"
#include "quantumcore/sha256.hpp"

namespace quantumcore::python {

namespace {

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
  RecordChunks chunks;
};

/// A Journal with a reader that remembers where it was.
class PyJournal {
 public:
  explicit PyJournal(JournalOptions options) : journal(std::move(options)) {}

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
  std::optional<RecordChunks> reader_;
};

nb::object spot(const std::optional<JournalReport::Spot>& found) {
  if (!found) return nb::none();
  nb::dict out;
  out["segment"] = found->segment;
  out["offset"] = found->offset;
  out["reason"] = found->reason;
  return out;
}

nb::dict verify(const std::string& directory) {
  JournalReport report;
  {
    const nb::gil_scoped_release unlocked;
    report = verify_journal(directory);
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

}  // namespace

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
                     const JournalRecovery& r = self.journal.recovery();
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
        return portable ? crc32c_portable(view.bytes()) : crc32c(view.bytes());
      },
      nb::arg("data"), nb::arg("portable") = false);
  m.def(
      "sha256",
      [](nb::handle data, bool portable) {
        const BufferView view(data);
        return to_bytes(sha256(view.bytes(), portable ? Sha256Path::Portable : Sha256Path::Best));
      },
      nb::arg("data"), nb::arg("portable") = false);
}

}  // namespace quantumcore::python
