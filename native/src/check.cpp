#include "quantumcore/engine.hpp"

namespace quantumcore {
void Engine::check() const {}
}  // namespace quantumcore
