// The one file of native/ that knows Python: it turns buffers into spans and errors into
// exceptions.

#include <nanobind/nanobind.h>

// ---- journal
// --------------------------------------------------------------------------------------------------------

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <string>
#include <vector>

#include "quantumcore/crc32c.hpp"
#include "quantumcore/journal.hpp"
#include "quantumcore/sha256.hpp"

namespace nb = nanobind;

namespace {

using quantumcore::Digest;
using quantumcore::Journal;
using quantumcore::JournalReader;
using quantumcore::JournalRecord;

/// Holds a view of a contiguous Python buffer for the time of a call.
class BufferView {
 public:
  explicit BufferView(nb::handle object) {
    if (PyObject_GetBuffer(object.ptr(), &view_, PyBUF_SIMPLE) != 0) throw nb::python_error();
  }
  ~BufferView() { PyBuffer_Release(&view_); }
  BufferView(const BufferView&) = delete;
  BufferView& operator=(const BufferView&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
    return {static_cast<const std::byte*>(view_.buf), static_cast<std::size_t>(view_.len)};
  }

 private:
  Py_buffer view_{};
};

nb::bytes to_bytes(std::span<const std::byte> bytes) {
  return nb::bytes(bytes.data(), bytes.size());
}

/// Reads ahead natively, so that Python sees whole chunks: u64 sequence, i64 time_ns, u32 epoch,
/// u32 length, command, padding to 8.
class ChunkReader {
 public:
  ChunkReader(std::string directory, std::uint64_t after_sequence)
      : reader_(std::move(directory), after_sequence) {}

  [[nodiscard]] std::uint64_t sequence() const noexcept {
    return has_carry_ ? carry_.sequence - 1 : reader_.sequence();
  }
  void limit(std::uint64_t sequence) noexcept { reader_.limit(sequence); }

  nb::bytes read_bytes(std::size_t max_bytes) {
    std::unique_lock lock(mutex_, std::defer_lock);
    std::span<const std::byte> chunk;
    {
      const nb::gil_scoped_release unlocked;
      lock.lock();
      chunk = read(max_bytes);
    }
    return to_bytes(chunk);
  }

  /// Fills a chunk of at most `max_bytes`, but of one record at least if there is one. The chunk
  /// lives until the next call.
  std::span<const std::byte> read(std::size_t max_bytes) {
    chunk_.clear();
    try {
      while (has_carry_ || reader_.next(carry_)) {
        has_carry_ = true;
        const std::size_t size = kHead + quantumcore::journal::padded(carry_.command.size());
        if (!chunk_.empty() && chunk_.size() + size > max_bytes) break;
        add(carry_, size);
        has_carry_ = false;
      }
    } catch (const quantumcore::CorruptedJournal&) {
      if (chunk_.empty())
        throw;  // else what was sound goes out first; the next call meets the damage again
    }
    return chunk_;
  }

 private:
  static constexpr std::size_t kHead = 24;

  void add(const JournalRecord& record, std::size_t size) {
    const std::size_t at = chunk_.size();
    const auto length = static_cast<std::uint32_t>(record.command.size());
    chunk_.resize(at + size);
    std::byte* out = chunk_.data() + at;
    std::memcpy(out, &record.sequence, 8);
    std::memcpy(out + 8, &record.time_ns, 8);
    std::memcpy(out + 16, &record.epoch, 4);
    std::memcpy(out + 20, &length, 4);
    std::copy(record.command.begin(), record.command.end(), out + kHead);
  }

  std::mutex mutex_;
  JournalReader reader_;
  JournalRecord carry_;  // read, but it did not fit; its bytes stay in the reader
  bool has_carry_ = false;
  std::vector<std::byte> chunk_;
};

/// A Journal with a reader that remembers where it was.
class PyJournal {
 public:
  explicit PyJournal(quantumcore::JournalOptions options) : journal(std::move(options)) {}

  nb::bytes read(std::uint64_t after_sequence, std::size_t max_bytes) {
    std::unique_lock lock(mutex_, std::defer_lock);
    std::span<const std::byte> chunk;
    {
      const nb::gil_scoped_release unlocked;
      lock.lock();
      if (!reader_ || reader_->sequence() != after_sequence)
        reader_.emplace(journal.options().directory.string(), after_sequence);
      reader_->limit(journal.durable_sequence());
      chunk = reader_->read(max_bytes);
    }
    return to_bytes(chunk);
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
  std::optional<ChunkReader> reader_;
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

  nb::class_<ChunkReader>(m, "JournalReader")
      .def(nb::init<std::string, std::uint64_t>(), nb::arg("directory"),
           nb::arg("after_sequence") = 0)
      .def_prop_ro("sequence", &ChunkReader::sequence)
      .def("read", &ChunkReader::read_bytes, nb::arg("max_bytes"));

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

// ---- module
// ---------------------------------------------------------------------------------------------------------

NB_MODULE(_native, m) {
  m.doc() = "The native core: engine and journal. See docs/reference/engine.md.";
  bind_journal(m);
}
