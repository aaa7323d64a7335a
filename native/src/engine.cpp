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

/// The same of a command that is followed by as many others, or legs, as it says.
template <class Command>
void hand_whole(State& state, const std::byte* bytes, Teller& teller,
                void (*handle)(State&, const Command&, Teller&)) {
  const CommandHeader header = header_at(bytes);
  if (header.size < sizeof(Command)) {
    tell_bad(teller, header);
    return;
  }
  if (reinterpret_cast<std::uintptr_t>(bytes) % alignof(Command) != 0) {
    bytes = static_cast<const std::byte*>(std::memcpy(state.batch.data(), bytes, header.size));
  }
  handle(state, *reinterpret_cast<const Command*>(bytes), teller);
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
    case CommandKind::set_reference:
      return hand(state, bytes, teller, set_reference);
    case CommandKind::set_trading_rules:
      return hand(state, bytes, teller, set_trading_rules);
    case CommandKind::replace_advanced_order:
      return hand(state, bytes, teller, replace_advanced);
    case CommandKind::submit_linked_orders:
      return hand(state, bytes, teller, submit_linked);
    case CommandKind::cancel_all_after:
      return hand(state, bytes, teller, cancel_all_after);
    case CommandKind::end_session:
      return hand(state, bytes, teller, end_session);
    case CommandKind::set_mark:
      return hand(state, bytes, teller, set_mark);
    case CommandKind::set_group:
      return hand(state, bytes, teller, set_group);
    case CommandKind::bust_trade:
      return hand(state, bytes, teller, bust_trade);
    case CommandKind::submit_order_batch:
      return hand_whole(state, bytes, teller, submit_batch);
    case CommandKind::post_group:
      return hand_whole(state, bytes, teller, post_group);
    case CommandKind::set_account_terms:
      return hand(state, bytes, teller, set_account_terms);
    case CommandKind::set_credit:
      return hand(state, bytes, teller, set_credit);
    case CommandKind::place_hold:
      return hand(state, bytes, teller, place_hold);
    case CommandKind::amend_hold:
      return hand(state, bytes, teller, amend_hold);
    case CommandKind::release_hold:
      return hand(state, bytes, teller, release_hold);
    case CommandKind::apply_action:
      return hand(state, bytes, teller, apply_action);
    case CommandKind::set_firm:
      return hand(state, bytes, teller, set_firm);
    case CommandKind::set_quantity_limits:
      return hand(state, bytes, teller, set_quantity_limits);
    case CommandKind::set_money_limits:
      return hand(state, bytes, teller, set_money_limits);
    case CommandKind::set_market_size:
      return hand(state, bytes, teller, set_market_size);
    case CommandKind::set_market_shares:
      return hand(state, bytes, teller, set_market_shares);
    case CommandKind::set_kill:
      return hand(state, bytes, teller, set_kill);
    case CommandKind::set_instrument_class:
      return hand(state, bytes, teller, set_instrument_class);
    case CommandKind::set_entitlements:
      return hand(state, bytes, teller, set_entitlements);
    case CommandKind::set_restriction:
      return hand(state, bytes, teller, set_restriction);
    case CommandKind::set_locate:
      return hand(state, bytes, teller, set_locate);
    case CommandKind::set_throttle:
      return hand(state, bytes, teller, set_throttle);
    case CommandKind::set_patterns:
      return hand(state, bytes, teller, set_patterns);
    case CommandKind::set_protection:
      return hand(state, bytes, teller, set_protection);
    case CommandKind::set_quote:
      return hand(state, bytes, teller, set_quote);
    case CommandKind::resume:
      return hand(state, bytes, teller, resume);
    case CommandKind::set_margin_terms:
      return hand(state, bytes, teller, set_margin_terms);
    case CommandKind::set_risk_array:
      return hand(state, bytes, teller, set_risk_array);
    case CommandKind::set_account_margin:
      return hand(state, bytes, teller, set_account_margin);
    case CommandKind::set_greeks:
      return hand(state, bytes, teller, set_greeks);
    case CommandKind::set_risk_limits:
      return hand(state, bytes, teller, set_risk_limits);
    case CommandKind::open_risk_day:
      return hand(state, bytes, teller, open_risk_day);
    case CommandKind::assess_margin:
      return hand(state, bytes, teller, assess_margin);
    case CommandKind::take_over:
      return hand(state, bytes, teller, take_over);
  }
  tell_bad(teller, header_at(bytes));
}

/// Runs ahead of the command that is worked on and starts loading what later ones will touch, in
/// two steps: where a command will look first, and, once that is there, what hangs on it. Only
/// hints: the fields of a command may be anything. While all that a plain book takes is at hand
/// anyway, it stands still: each kind of command that it guesses wrong costs more than a near load.
class Scout {
 public:
  Scout(const State& state, std::span<const std::byte> commands)
      : state_(state),
        at_(commands.data()),
        end_(at_ + commands.size()),
        runs_(state.accounting() || state.working_bytes() > kNear) {
    if (!runs_) return;
    for (u32 i = 0; i < kAhead && at_ < end_; ++i) advance();
  }

  /// Looks at one command more. Always inline: it is most of what a step costs beside its commands.
  [[gnu::always_inline]] void advance() {
    if (!runs_) return;
    u64 found = kNothing;
    if (at_ < end_) {
      const CommandHeader header = header_at(at_);
      found = look(header);
      at_ += header.size;
    }
    const u64 before = found_[(seen_ - kBetween) % kPlaces];
    found_[seen_++ % kPlaces] = found;
    if (before != kNothing) look_around(before);
  }

 private:
  static constexpr u32 kAhead = 12;   // so many commands before the one that is worked on
  static constexpr u32 kBetween = 6;  // commands between the two steps
  static constexpr u32 kPlaces = 8;
  static constexpr std::size_t kNear = std::size_t{2} << 20;  // bytes that a core has at hand
  static constexpr u64 kNothing = ~u64{0};
  static constexpr u64 kLevel = u64{1} << 32;  // else an order's slot

  u64 look(const CommandHeader& header) const {
    const auto kind = static_cast<CommandKind>(header.kind);
    if (kind == CommandKind::submit_order && header.size == sizeof(SubmitOrder)) {
      return look_at_submission();
    }
    std::size_t named;
    if (kind == CommandKind::replace_order && header.size == sizeof(ReplaceOrder)) {
      named = offsetof(ReplaceOrder, order_slot);
    } else if (kind == CommandKind::cancel_order && header.size == sizeof(CancelOrder)) {
      named = offsetof(CancelOrder, order_slot);
    } else {
      return kNothing;
    }
    u32 slot;
    std::memcpy(&slot, at_ + named, sizeof slot);
    if (slot >= state_.orders.slots().used()) return kNothing;
    state_.orders.prefetch(slot);
    return slot;
  }

  u64 look_at_submission() const {
    const CommandHeader header = header_at(at_);
    if (state_.accounting()) {
      char id[kIdBytes];
      std::memcpy(id, at_ + offsetof(SubmitOrder, client_id), sizeof id);
      const u32 account = state_.accounts.find(header.account);
      state_.client_ids.prefetch(id_tag(account, id), first_ + seen_);
      // As a rule the row that its account opened last.
      if (account != kNone) state_.positions.prefetch(state_.accounts[account].first_position);
    }
    state_.orders.prefetch_fresh(kAhead);
    const Instrument* const instrument = state_.find_instrument(header.instrument);
    if (instrument == nullptr) return kNothing;
    i64 price;
    std::memcpy(&price, at_ + offsetof(SubmitOrder, price), sizeof price);
    const u8 scale = static_cast<u8>(at_[offsetof(SubmitOrder, price_scale)]);
    const bool sell = static_cast<u8>(at_[offsetof(SubmitOrder, side)]) == kSell;
    if (scale != instrument->terms.tick_scale || instrument->terms.tick != 1) return kNothing;
    const u32 level = instrument->book.side(sell).prefetch(state_.pages, key_of(sell, price));
    return level == kNone ? kNothing : kLevel | level;
  }

  void look_around(u64 found) const {
    if ((found & kLevel) != 0) {
      // The order that now ends the queue of the level.
      state_.orders.prefetch_node(state_.pages.level(static_cast<u32>(found)).tail);
      return;
    }
    const u32 slot = static_cast<u32>(found);
    state_.pages.prefetch(state_.orders.prefetch_neighbours(slot));
    if (state_.accounting()) {
      state_.client_ids.prefetch_entry(state_.orders.record(slot).client_entry);
      state_.positions.prefetch(state_.orders.record(slot).position);
    }
  }

  const State& state_;
  const std::byte* at_;
  const std::byte* const end_;
  const bool runs_;
  const u64 first_ = state_.sequence + 1;  // of the first command of the step
  u32 seen_ = 0;
  u64 found_[kPlaces] = {kNothing, kNothing, kNothing, kNothing,
                         kNothing, kNothing, kNothing, kNothing};
};

constexpr u32 kReservedGroups = 1'024;  // with four legs each
constexpr u32 kReservedHolds = 1'024;
constexpr std::size_t kLoadAhead = 1024;  // bytes, about as many lines as a core loads at a time

}  // namespace

std::size_t count_commands(std::span<const std::byte> commands) {
  std::size_t count = 0;
  const std::byte* const begin = commands.data();
  std::size_t left = commands.size();
  while (left > 0) {
    const std::byte* const command = begin + (commands.size() - left);
    // Each size says where the next one is: without help the walk waits for every cache line. What
    // lies beyond the buffer is loaded in vain, not read.
    __builtin_prefetch(command + kLoadAhead);
    __builtin_prefetch(command + kLoadAhead + 64);
    u16 size = 0;
    if (left >= kMinCommandSize) std::memcpy(&size, command, sizeof size);
    if (size < kMinCommandSize || size % 8 != 0 || size > kMaxCommandSize || size > left)
        [[unlikely]] {
      throw InvalidCommand("command " + std::to_string(count) + " at byte " +
                           std::to_string(commands.size() - left) + " has size " +
                           std::to_string(size) + " with " + std::to_string(left) + " bytes left");
    }
    left -= size;
    ++count;
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

void refuse(Teller& teller, const CommandHeader& command, Reason reason, Scope scope) {
  Refusal why;
  why.no(reason, scope);
  tell_refused(teller, command, why);
}

u32 named_account(const State& state, const CommandHeader& command, Teller& teller) {
  const u32 account = state.accounts.find(command.account);
  if (account == kNone) refuse(teller, command, Reason::unknown_account, Scope::account);
  return account;
}

Instrument* named_instrument(State& state, const CommandHeader& command, Teller& teller) {
  Instrument* const instrument = state.find_instrument(command.instrument);
  if (instrument == nullptr) refuse(teller, command, Reason::unknown_symbol, Scope::instrument);
  return instrument;
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

void tell_again(Teller& teller, const CommandHeader& command, Known known, const Named& first,
                u8 field) {
  if (known == Known::same) {
    tell_done(teller, command, kRepeat).order_sequence = first.order_sequence;
    return;
  }
  Refusal why;
  if (known == Known::failed) {
    why.no(Reason::id_already_failed, Scope::none);
  } else {
    why.no(Reason::duplicate_id, Scope::none, 0, 0, field);
  }
  tell_refused(teller, command, why, first);
}

Engine::Engine(const EngineConfig& config) : state_(std::make_unique<State>(config)) {}
Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Engine::~Engine() = default;

void Engine::step(std::span<const std::byte> commands, std::int64_t time_ns, EventBuffer& events) {
  demand_whole();
  count_commands(commands);
  State& state = *state_;
  broken_ = true;  // until every command is through
  std::size_t told_before = events.size();
  Scout scout(state, commands);
  const std::byte* command = commands.data();
  const std::byte* const end = command + commands.size();
  while (command < end) {
    scout.advance();
    if (time_ns > state.time_ns) state.time_ns = time_ns;
    Teller teller(events, ++state.sequence, state.time_ns);
    const std::size_t size = header_at(command).size;
    dispatch(state, command, teller);
    if ((state.touched_count | state.tripped_count) != 0) [[unlikely]] {
      aftermath(state, teller);
    }
    teller.finish();
    state.hash = hash_events(state.hash, events.at(told_before), events.size() - told_before);
    told_before = events.size();
    command += size;
  }
  broken_ = false;
}

void Engine::demand_whole() const {
  if (broken_) throw InvariantViolation("the engine stopped at an earlier violation");
}

void Engine::reserve(std::uint32_t orders, std::uint32_t submissions) {
  State& state = *state_;
  const u32 slots = std::min(orders, state.config.max_orders);
  state.orders.fill(slots);
  // Orders share their prices: a leaf of 64 prices for 16 orders, but the first thousands may each
  // stand alone in theirs.
  state.pages.leaves.fill(std::min(slots / 16 + std::min(slots, 4'096U), state.config.max_orders));
  state.pages.windows.fill(16);
  state.client_ids.reserve(std::min(submissions, state.config.max_client_ids));
  state.group_ids.reserve(std::min(kReservedGroups, state.config.max_groups),
                          std::min(kReservedGroups * 4, state.config.max_legs));
  state.hold_ids.reserve(std::min(kReservedHolds, state.config.max_holds));
}

std::uint64_t Engine::sequence() const noexcept { return state_->sequence; }
std::int64_t Engine::time_ns() const noexcept { return state_->time_ns; }
std::uint64_t Engine::state_hash() const noexcept { return state_->hash; }

}  // namespace quantumcore
