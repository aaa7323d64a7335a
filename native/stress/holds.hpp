// What a random market sets aside: holds that are placed, amended, released, captured by legs of
// groups, or run out.
#pragma once

#include <cstring>
#include <vector>

#include "names.hpp"
#include "quantumcore/layout.hpp"
#include "random.hpp"

namespace quantumcore::stress {

/// The holds that were heard of, and what may be done with one.
class Holds {
 public:
  bool empty() const { return holds_.empty(); }

  /// Adds a command about a hold of `account` by `add(command, kind, instrument, account)`.
  template <class Add>
  void act(Random& random, u64 account, i64 now, u64 number, const Add& add) const {
    const u64 dice = random.below(5);
    if (dice < 2 || empty()) {
      PlaceHold command{};
      command.amount = random.between(random.below(20) == 0 ? -1 : 1, 1'000'000);
      command.currency = static_cast<u16>(random.between(1, 3));
      if (random.below(2) == 0) command.expires_ns = now + random.between(-1, 2'000'000);
      name(command.hold_id, 'h', number);
      add(command, CommandKind::place_hold, 0, account);
      return;
    }
    const HoldChanged& hold = holds_[random.below(holds_.size())];
    if (dice < 4) {
      AmendHold command{};
      command.amount = hold.placed + random.between(-1'000, 1'000);
      std::memcpy(command.hold_id, hold.hold_id, kIdBytes);
      add(command, CommandKind::amend_hold, 0, hold.header.account);
      return;
    }
    ReleaseHold command{};
    command.amount = random.below(3) == 0 ? 0 : random.between(0, hold.open);
    std::memcpy(command.hold_id, hold.hold_id, kIdBytes);
    add(command, CommandKind::release_hold, 0, hold.header.account);
  }

  /// Lets a leg capture from a hold, mostly no more than is open of it.
  void capture(Random& random, Leg& leg) const {
    if (empty()) return;
    const HoldChanged& hold = holds_[random.below(holds_.size())];
    leg.debit_account = static_cast<u32>(hold.header.account);
    leg.debit_code = 0;
    leg.currency = hold.currency;
    leg.amount = random.below(10) == 0 ? hold.open + 1 : random.between(0, hold.open);
    leg.hold = hold.hold_sequence;
  }

  void hear(const std::byte* event, Random& random) {
    HoldChanged changed;
    std::memcpy(&changed, event, sizeof changed);
    if (holds_.size() < 64) {
      holds_.push_back(changed);
    } else {
      holds_[random.below(holds_.size())] = changed;
    }
  }

 private:
  std::vector<HoldChanged> holds_;
};

}  // namespace quantumcore::stress
