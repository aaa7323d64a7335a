#pragma once

#include <tuple>

#include "quantumcore/integers.hpp"

/// What a feed's parts cost by themselves, and how long an event takes to another core.
namespace quantumcore::bench {

/// CPU nanoseconds each, the memory at hand and nobody else there: to publish an event of 96 bytes
/// in a ring, to take it out, to write best prices into their row, to read them.
using FeedCosts = std::tuple<double, double, double, double>;

/// Does each of them `times` times.
FeedCosts feed_costs(u64 times);

/// How many items were read, and missed; from before an item is published until the reader on
/// another core has it, nanoseconds: p50, p99, p99.9, worst; how often the system took the core
/// away from one of the two threads. 0 read: this process may use one core only.
using Crossing = std::tuple<u64, u64, double, double, double, double, u64>;

/// Publishes `items`, `gap_ns` apart, from one core to a reader that polls on the next.
Crossing crossing(u64 items, u64 gap_ns);

}  // namespace quantumcore::bench
