#pragma once

#include "quantumcore/layout.hpp"

namespace quantumcore {

/// What an instrument has beyond a plain book. `Instrument::rare` says which parts of it are in
/// use, one bit each; with none of them nobody looks here.
struct RareBook {
  bool touched;  // in State::touched
};

}  // namespace quantumcore
