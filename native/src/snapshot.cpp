#include "quantumcore/engine.hpp"

namespace quantumcore {
std::string Engine::snapshot() const { return {}; }
std::unique_ptr<Engine> Engine::restore(std::span<const std::byte>) {
  throw CorruptedSnapshot("not written yet");
}
}  // namespace quantumcore
