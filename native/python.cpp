// The one file of native/ that knows Python: it turns buffers into spans and errors into exceptions.

#include <nanobind/nanobind.h>

namespace nb = nanobind;

NB_MODULE(_native, m) {
  m.doc() = "The native core: engine and journal. See docs/reference/engine.md.";
}
