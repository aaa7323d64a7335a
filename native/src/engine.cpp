#include "quantumcore/engine.hpp"

#include <algorithm>

#include "quantumcore/commands.hpp"

namespace quantumcore {

namespace {

CommandHeader header_at(const std::byte* command) {
  CommandHeader header;
  std::memcpy(&header, command, sizeof header);
  return header;
}

/// Hands the command over where it lies; only one that is not aligned is copied first, because a
/// fresh copy is read back in other widths than it was written, which stalls. A size that is not
/// its kind's is bad content.
template <class Command>
void hand(State& state, const std::byte* bytes, Teller& teller,
          void (*handle)(State&, const Command&, Teller&)) {
  const CommandHeader header = header_at(bytes);
  if (header.size != sizeof(Command)) {
    tell_bad(teller, header);
    return;
  }
  if (reinterpret_cast<std::uintptr_t>(bytes) % alignof(Command) == 0) [[likely]] {
    handle(state, *reinterpret_cast<const Command*>(bytes), teller);
    return;
  }
  Command command;
  std::memcpy(&command, bytes, sizeof command);
  handle(state, command, teller);
}

void dispatch(State& state, const std::byte* bytes, Teller& teller) {
  switch (static_cast<CommandKind>(header_at(bytes).kind)) {
    case CommandKind::submit_order:
      return hand(state, bytes, teller, submit);
    case CommandKind::replace_order:
      return hand(state, bytes, teller, replace);
    case CommandKind::cancel_order:
      return hand(state, bytes, teller, cancel);
    case CommandKind::mass_cancel:
      return hand(state, bytes, teller, mass_cancel);
    case CommandKind::transfer:
      return hand(state, bytes, teller, transfer);
    case CommandKind::open_account:
      return hand(state, bytes, teller, open_account);
    case CommandKind::define_currency:
      return hand(state, bytes, teller, define_currency);
    case CommandKind::define_instrument:
      return hand(state, bytes, teller, define_instrument);
    case CommandKind::set_instrument_status:
      return hand(state, bytes, teller, set_instrument_status);
    case CommandKind::set_kill_switch:
      return hand(state, bytes, teller, set_kill_switch);
    case CommandKind::advance_time:
      return hand(state, bytes, teller, advance_time);
    case CommandKind::set_limits:
      return hand(state, bytes, teller, set_limits);
    case CommandKind::submit_advanced_order:
      return hand(state, bytes, teller, submit_advanced);
    case CommandKind::replace_advanced_order:
      return hand(state, bytes, teller, replace_advanced);
    case CommandKind::submit_linked_orders:
      return hand(state, bytes, teller, submit_linked);
    case CommandKind::set_trading_rules:
      return hand(state, bytes, teller, set_trading_rules);
    case CommandKind::set_group:
      return hand(state, bytes, teller, set_group);
    case CommandKind::bust_trade:
      return hand(state, bytes, teller, bust_trade);
    case CommandKind::cancel_all_after:
      return hand(state, bytes, teller, cancel_all_after);
    case CommandKind::end_session:
      return hand(state, bytes, teller, end_session);
    case CommandKind::set_mark:
      return hand(state, bytes, teller, set_mark);
    case CommandKind::set_reference:
      break;
  }
  tell_bad(teller, header_at(bytes));
}

/// The order slot that a command names; kNone where it names none, or not by slot.
u32 named_slot(std::span<const std::byte> rest, const CommandHeader& header) {
  const bool cancels = header.kind == static_cast<u8>(CommandKind::cancel_order);
  if (!cancels && header.kind != static_cast<u8>(CommandKind::replace_order)) return kNone;
  const std::size_t at =
      cancels ? offsetof(CancelOrder, order_slot) : offsetof(ReplaceOrder, order_slot);
  u32 slot;
  if (rest.size() < at + sizeof slot) return kNone;
  std::memcpy(&slot, rest.data() + at, sizeof slot);
  return slot;
}

/// Starts loading what the command at the head of `rest`, of that sequence, will look up. Only a
/// hint: its fields may be anything.
void prefetch(const State& state, std::span<const std::byte> rest, u64 sequence) {
  const CommandHeader header = header_at(rest.data());
  if (header.kind == static_cast<u8>(CommandKind::submit_order)) {
    if (rest.size() < sizeof(SubmitOrder)) return;
    char id[kIdBytes];
    std::memcpy(id, rest.data() + offsetof(SubmitOrder, client_id), sizeof id);
    state.client_ids.prefetch(id_tag(state.accounts.find(header.account), id), sequence);
    return;
  }
  state.orders.prefetch(named_slot(rest, header));
}

/// Starts loading what hangs on the order that a command names, once the order itself is there.
void prefetch_around(const State& state, std::span<const std::byte> rest) {
  const CommandHeader header = header_at(rest.data());
  const u32 slot = named_slot(rest, header);
  if (slot >= state.orders.slots().used()) return;
  state.orders.prefetch_neighbours(slot);
  const u32 level = state.orders.node(slot).level;
  if (level != kNone) __builtin_prefetch(&state.pages.level(level), 1);
  if (header.kind != static_cast<u8>(CommandKind::cancel_order)) return;
  state.client_ids.prefetch_entry(state.orders.record(slot).client_entry);
}

constexpr u64 kLoadOrders = 12;  // so many commands ahead, the one that is worked on among them
constexpr u64 kLoadAround = 6;
constexpr std::size_t kLoadAhead = 1024;  // bytes, about as many lines as a core loads at a time

/// A place in a buffer of commands that runs before the one that is worked on.
struct Scout {
  std::size_t at = 0;
  u64 sequence;  // of the command there, less one
};

}  // namespace

std::size_t count_commands(std::span<const std::byte> commands) {
  std::size_t count = 0;
  std::size_t loading = 0;
  for (std::size_t offset = 0; offset < commands.size(); ++count) {
    // Each size says where the next one is: without help the walk waits for every cache line.
    const std::size_t ahead = std::min(offset + kLoadAhead, commands.size());
    for (; loading < ahead; loading += 64) __builtin_prefetch(commands.data() + loading);
    const std::size_t left = commands.size() - offset;
    u16 size = 0;
    if (left >= kMinCommandSize) std::memcpy(&size, commands.data() + offset, sizeof size);
    if (size < kMinCommandSize || size % 8 != 0 || size > kMaxCommandSize || size > left) {
      throw InvalidCommand("command " + std::to_string(count) + " at byte " +
                           std::to_string(offset) + " has size " + std::to_string(size) + " with " +
                           std::to_string(left) + " bytes left");
    }
    offset += size;
  }
  return count;
}

void tell_refused(Teller& teller, const CommandHeader& command, const Refusal& why,
                  const Named& named) {
  CommandRefused& event = teller.tell<CommandRefused>(command.instrument, command.account);
  event.command = command.kind;
  event.scope = static_cast<u8>(why.scope);
  event.reason = static_cast<u16>(why.reason);
  event.decimals = why.decimals;
  event.limit = why.limit;
  event.actual = why.actual;
  event.order_sequence = named.order_sequence;
  event.order_slot = named.order_slot;
  if (named.client_id != nullptr) std::memcpy(event.client_id, named.client_id, kIdBytes);
}

void tell_bad(Teller& teller, const CommandHeader& command) {
  Refusal why;
  why.no(Reason::bad_command, Scope::none);
  tell_refused(teller, command, why);
}

CommandDone& tell_done(Teller& teller, const CommandHeader& command, u8 outcome) {
  CommandDone& event = teller.tell<CommandDone>(command.instrument, command.account);
  event.command = command.kind;
  event.outcome = outcome;
  return event;
}

Engine::Engine(const EngineConfig& config) : state_(std::make_unique<State>(config)) {}
Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Engine::~Engine() = default;

void Engine::step(std::span<const std::byte> commands, std::int64_t time_ns, EventBuffer& events) {
  demand_whole();
  count_commands(commands);
  State& state = *state_;
  broken_ = true;  // until every command is through
  const std::size_t told_before = events.size();
  Scout orders{0, state.sequence};
  Scout around{0, state.sequence};
  for (std::size_t offset = 0; offset < commands.size();) {
    for (; orders.sequence - state.sequence < kLoadOrders && orders.at < commands.size();
         orders.at += header_at(commands.data() + orders.at).size) {
      prefetch(state, commands.subspan(orders.at), ++orders.sequence);
    }
    for (; around.sequence - state.sequence < kLoadAround && around.at < commands.size();
         around.at += header_at(commands.data() + around.at).size) {
      prefetch_around(state, commands.subspan(around.at));
      ++around.sequence;
    }
    const std::byte* const command = commands.data() + offset;
    offset += header_at(command).size;
    if (time_ns > state.time_ns) state.time_ns = time_ns;
    Teller teller(events, ++state.sequence, state.time_ns);
    dispatch(state, command, teller);
    if (state.touched_count != 0) [[unlikely]] {
      aftermath(state, teller);
    }
    teller.finish();
  }
  state.hash = hash_events(state.hash, events.at(told_before), events.size() - told_before);
  broken_ = false;
}

void Engine::demand_whole() const {
  if (broken_) throw InvariantViolation("the engine stopped at an earlier violation");
}

void Engine::reserve(std::uint32_t orders, std::uint32_t submissions) {
  State& state = *state_;
  const u32 slots = std::min(orders, state.config.max_orders);
  state.orders.fill(slots);
  // Orders share their prices: a leaf of 64 prices for 16 orders, and a few for the first.
  state.pages.leaves.fill(std::min(slots / 16 + 64, state.config.max_orders));
  state.pages.windows.fill(16);
  state.client_ids.reserve(std::min(submissions, state.config.max_client_ids));
}

std::uint64_t Engine::sequence() const noexcept { return state_->sequence; }
std::int64_t Engine::time_ns() const noexcept { return state_->time_ns; }
std::uint64_t Engine::state_hash() const noexcept { return state_->hash; }

}  // namespace quantumcore
