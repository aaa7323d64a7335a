// Buffers to spans, and what comes back to Python's values. All that convert are named here: a file
// that misses one compiles, and fails when its function is called.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstddef>
#include <span>
#include <string>

#include "quantumcore/integers.hpp"

namespace quantumcore::python {

namespace nb = nanobind;

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

inline nb::bytes to_bytes(std::span<const std::byte> bytes) {
  return nb::bytes(bytes.data(), bytes.size());
}

inline nb::bytes to_bytes(const std::string& bytes) {
  return nb::bytes(bytes.data(), bytes.size());
}

/// Exact at any size: Python's own long from two's complement bytes.
inline nb::object to_int(i128 value) {
  PyObject* number =
      _PyLong_FromByteArray(reinterpret_cast<const unsigned char*>(&value), sizeof value, 1, 1);
  if (number == nullptr) throw nb::python_error();
  return nb::steal(number);
}

}  // namespace quantumcore::python
