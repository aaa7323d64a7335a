// The folder that knows Python: it turns buffers into spans and errors into exceptions.

#include "module.hpp"

NB_MODULE(_native, m) {
  m.doc() = "The native core: engine and journal. See docs/reference/engine.md.";
  // A process that ends in an error keeps its stack, and with it an engine: no leak worth a page.
  nanobind::set_leak_warnings(false);
  quantumcore::python::bind_engine(m);
  quantumcore::python::bind_journal(m);
  quantumcore::python::bind_bench(m);
}
