#pragma once

#include <nanobind/nanobind.h>

/// What the module is made of.
namespace quantumcore::python {

void bind_engine(nanobind::module_& m);
void bind_journal(nanobind::module_& m);
void bind_bench(nanobind::module_& m);

}  // namespace quantumcore::python
