#pragma once

#include "quantumcore/commands.hpp"
#include "quantumcore/gate.hpp"

/// Corporate actions, expiry, exercise and funding (docs/reference/engine.md section 13): what an
/// action is, and what it brings one account.
namespace quantumcore {

/// Lots and minor units of one account, before, afterwards and moved; and minor units of what a lot
/// is worth.
inline constexpr i128 kMostHeld = i128{1} << 61;

/// Minor units for each unit that is counted, in lowest terms; both below 2^126.
struct Worth {
  u128 num;
  u128 den;

  /// n × this, rounded to -infinity or to +infinity. What does not fit is +-kHuge.
  i128 floor(i128 n) const;
  i128 ceil(i128 n) const { return -floor(-n); }
};

/// An action and what it means for any account.
struct ActionMeaning {
  const ApplyAction& command;
  Instrument& instrument;
  Instrument& got;  // the target, or where there is none the instrument itself
  u64 lots_num;     // lots of `got` for a lot held
  u64 lots_den;
  Worth worth;
  u128 fraction;  // in so many parts a lot of `got` is counted, where fractions are paid

  const ActionTerms& terms() const { return command.terms; }
  u8 kind() const { return command.terms.action; }
  bool for_all() const { return command.header.account == 0; }
  bool moves_target() const { return command.terms.target != 0; }
  bool by_ratio() const {
    return kind() == kSplit || kind() == kStockDividend || kind() == kConversion ||
           kind() == kSpinOff || kind() == kAdjustment;
  }
  /// Whether an account has another quantity of the base afterwards.
  bool changes_base() const {
    return (by_ratio() && kind() != kSpinOff) || kind() == kSettlement || kind() == kExercise;
  }
};

/// A refusal, and the account whose numbers do not fit, if it was one's.
struct ActionFault {
  Refusal why;
  u32 account = 0;
};

/// Whether an action has what its kind needs, and nothing else.
bool action_is_good(const ApplyAction& command);
/// What no holder could be given: UNKNOWN_SYMBOL, BAD_ACTION. `lots_num` and what follows is
/// filled in.
bool judge_action(State& state, ActionMeaning& meaning, Refusal& why);
/// Whether whose base changes is the only instrument that has it.
bool is_alone(const State& state, const Instrument& instrument);

/// What changes for one account: see PositionAdjusted. `counted` is what its money is counted in.
struct Share {
  i128 before;
  i128 quantity;
  i128 target_before;
  i128 target_quantity;
  i128 asset;
  i128 collateral;
  i128 target_asset;
  i128 target_collateral;
  i128 counted;
  i128 money;
};

enum class Touched : u8 { no = 0, yes = 1, refused = 2 };

/// The share of an account, by slot; `exercised` lots of it are exercised, of a short those that
/// are assigned (< 0). Cost: a few look-ups and multiplications.
Touched measure_share(const State& state, const ActionMeaning& meaning, u32 account, i64 exercised,
                      Share& share, ActionFault& fault);

/// Whole lots that an account is short; who exercises is not.
i64 short_lots(const State& state, const ActionMeaning& meaning, u32 account);

/// Draws what each short is assigned, account by account in order of their numbers.
class Assignment {
 public:
  Assignment(u64 seed, i64 total, i64 quantity)
      : start_(static_cast<i128>(
            (static_cast<u128>(mum(seed ^ kHash1, kHash2)) * static_cast<u128>(total)) >> 64)),
        total_(total),
        quantity_(quantity) {}

  /// The lots of the next one, who is short `lots`.
  i64 next(i64 lots) {
    if (lots == 0) return 0;
    passed_ += lots;
    // How many of start, start + total, ... are below passed × quantity.
    const i128 below = passed_ * quantity_ - start_;
    const i128 upto = below <= 0 ? 0 : (below + total_ - 1) / total_;
    const i128 its = upto - taken_;
    taken_ = upto;
    return static_cast<i64>(its);
  }

 private:
  const i128 start_;
  const i128 total_;
  const i128 quantity_;
  i128 passed_ = 0;
  i128 taken_ = 0;
};

}  // namespace quantumcore
