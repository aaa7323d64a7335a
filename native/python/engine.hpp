#pragma once

#include <atomic>
#include <cstring>
#include <memory>
#include <utility>

#include "bytes.hpp"
#include "quantumcore/engine.hpp"
#include "quantumcore/records.hpp"
#include "quantumcore/sole_use.hpp"

namespace quantumcore::python {

/// The engine with its output buffer and a mark that someone is inside.
class PyEngine {
 public:
  explicit PyEngine(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}

  nb::bytes step(nb::handle commands, std::int64_t time_ns) {
    const SoleUse entered(busy_);
    const BufferView view(commands);
    events_.clear();
    {
      const nb::gil_scoped_release released;
      engine_->step(view.bytes(), time_ns, events_);
    }
    return to_bytes(events_.bytes());
  }

  /// Steps one order: what SubmitOrder's layout holds, without making the layout in Python first.
  nb::bytes submit(std::uint32_t instrument, std::uint64_t account, std::uint8_t side,
                   std::uint8_t type, std::uint8_t time_in_force, std::int64_t price,
                   std::uint8_t price_scale, std::int64_t quantity, std::uint8_t quantity_scale,
                   const char* client_id, std::uint8_t self_trade_prevention, std::uint16_t flags,
                   std::int64_t time_ns) {
    const std::size_t length = std::strlen(client_id);
    if (length > kIdBytes) throw InvalidCommand("client_id is longer than 36 bytes");
    SubmitOrder order{};
    order.header = {sizeof order, static_cast<std::uint8_t>(CommandKind::submit_order), 0,
                    instrument, account};
    order.price = price;
    order.quantity = quantity;
    order.price_scale = price_scale;
    order.quantity_scale = quantity_scale;
    order.side = side;
    order.type = type;
    order.flags = flags;
    order.time_in_force = time_in_force;
    order.self_trade_prevention = self_trade_prevention;
    std::memcpy(order.client_id, client_id, length);
    const SoleUse entered(busy_);
    events_.clear();  // what follows is too short to let go of the GIL
    engine_->step(std::as_bytes(std::span(&order, 1)), time_ns, events_);
    return to_bytes(events_.bytes());
  }

  /// Steps journal records (u64 sequence, i64 time_ns, u32 epoch, u32 length, command, padding to
  /// 8), each at its own time; the first must continue the engine's sequence.
  nb::bytes replay(nb::handle records) {
    const SoleUse entered(busy_);
    const BufferView view(records);
    events_.clear();
    {
      const nb::gil_scoped_release released;
      replay_.run(*engine_, view.bytes(), events_);
    }
    return to_bytes(events_.bytes());
  }

  void reserve(std::uint32_t orders, std::uint32_t submissions) {
    const SoleUse entered(busy_);
    const nb::gil_scoped_release released;
    engine_->reserve(orders, submissions);
  }

  /// Runs `measure` with the engine and its output buffer to itself, without the GIL.
  template <class Measure>
  auto measured(nb::handle commands, Measure&& measure) {
    const SoleUse entered(busy_);
    const BufferView view(commands);
    const nb::gil_scoped_release released;
    return measure(*engine_, events_, view.bytes());
  }

  /// Runs `ask` with the engine to itself.
  template <class Ask>
  auto with(Ask&& ask) {
    const SoleUse entered(busy_);
    return ask(*engine_);
  }

 private:
  std::unique_ptr<Engine> engine_;
  EventBuffer events_;
  RecordReplay replay_;
  std::atomic<bool> busy_{false};
};

}  // namespace quantumcore::python
