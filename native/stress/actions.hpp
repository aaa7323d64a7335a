// What befalls all who hold in a random market.
#pragma once

#include "quantumcore/layout.hpp"
#include "random.hpp"

namespace quantumcore::stress {

/// An action of any kind, as yet without an id; with a quantity where one account exercises.
inline ApplyAction some_action(Random& random) {
  ApplyAction command{};
  ActionTerms& t = command.terms;
  t.action = static_cast<u8>(1 + random.below(10));
  const bool ratio = t.action <= 6 && t.action != kCashDividend;
  const bool target = t.action == kConversion || t.action == kSpinOff || t.action == kExercise;
  t.target = target ? 2 : 0;
  if (ratio || t.action == kExercise) t.numerator = static_cast<u32>(1 + random.below(4));
  if (ratio) t.denominator = static_cast<u32>(1 + random.below(4));
  if (t.action != kCashDividend) t.price = 1 + static_cast<i64>(random.below(100'000));
  if (t.action == kCashDividend) t.amount = t.amount_scale = 2;
  if (t.action == kSpinOff || t.action >= kFunding) t.rate = 1 + random.between(0, 100'000'000) / 2;
  if (t.action == kExercise) t.right = random.below(2) == 0 ? kCall : kPut;
  const bool one = t.action == kExercise && random.below(2) == 0;
  if (one) t.quantity = random.between(1, 10);
  if (one) t.seed = random.below(1000);
  return command;
}

}  // namespace quantumcore::stress
