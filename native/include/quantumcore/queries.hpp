#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "quantumcore/state.hpp"

/// Questions about the state. They allocate, they are not on the order path, they change nothing.
namespace quantumcore {

/// (price in ticks, lots, orders), best first, at most n.
std::vector<std::tuple<i64, i64, u32>> depth(const State& state, u32 instrument, u8 side, u32 n);
/// (order_sequence, slot, account, price in ticks, leaves in lots) in priority.
std::vector<std::tuple<u64, u32, u32, i64, i64>> orders_of(const State& state, u32 instrument,
                                                           u8 side);
/// (instrument, account, side, price, quantity, leaves, hold) of a working order.
std::optional<std::tuple<u32, u32, u8, i64, i64, i64, i64>> order_of(const State& state,
                                                                     u64 sequence, u32 slot);
/// (orders, lots) shown on its side that would trade before the order; none when it does not rest.
std::optional<std::tuple<u64, i128>> queue_of(const State& state, u64 sequence, u32 slot);
/// (currency, total, held) of what is not zero, ascending.
std::vector<std::tuple<u16, i64, i64>> balances_of(const State& state, u64 account);

/// (instrument, signed lots) of every position that is not zero, ascending.
std::vector<std::tuple<u32, i128>> positions_of(const State& state, u64 account);

/// All of a currency, minor units: what customers have and hold, and accounts of the house. Where
/// no group has moved any and no bust has left anything to equity: customers + fees - rebates +
/// rounding = deposited.
struct Totals {
  i128 customers;
  i128 held;
  i128 fees;
  i128 rebates;
  i128 rounding;
  i128 deposited;
};
Totals totals_of(const State& state, u16 currency);
/// (code, balance) of every account of the house that is not zero, ascending; under 220 what
/// customers have put aside.
std::vector<std::tuple<u16, i128>> house_of(const State& state, u16 currency);
/// (currency, total) of what an account has put aside, without what is zero, ascending.
std::vector<std::tuple<u16, i64>> collateral_of(const State& state, u64 account);
/// (currency, limit, available) of every balance that has a credit limit, ascending.
std::vector<std::tuple<u16, i64, i64>> credits_of(const State& state, u64 account);
/// How many holds were placed, with the ids that failed.
inline u32 hold_count_of(const State& state) { return state.hold_ids.count(); }
/// (sequence, account, currency, placed, captured, released, expires_ns) of those of `rows` holds
/// from the `first` that are open, in the order of placing. Cost: O(rows).
std::vector<std::tuple<u64, u32, u16, i64, i64, i64, i64>> holds_of(const State& state, u32 first,
                                                                    u32 rows);
/// 1 open, 2 frozen, 3 closed; 0: there is no such account.
u8 account_state_of(const State& state, u64 account);

/// What works of an account in an instrument: lots to buy, lots to sell, orders.
struct AtWork {
  i128 buys;
  i128 sells;
  u32 orders;
};
AtWork working_of(const State& state, u64 account, u32 instrument);
/// What a firm has drawn of its line, minor units: what works, what has filled since its record was
/// set; zeros without a record.
struct Drawn {
  i128 working;
  i128 filled;
};
Drawn drawn_of(const State& state, u32 firm, u16 currency);

/// Name and bytes of each large table, as far as it is in use.
std::vector<std::pair<const char*, std::size_t>> memory_of(const State& state);
/// The earliest instant at which AdvanceTime would end something by itself, UTC nanoseconds; 0:
/// nothing waits for time.
i64 next_deadline(const State& state);

std::vector<u32> account_ids(const State& state);
/// How many orders work.
inline u32 open_orders_of(const State& state) { return state.orders.slots().live(); }
/// Definitions as the commands that would make them, ascending by id.
std::string currency_definitions(const State& state);
std::string instrument_definitions(const State& state);

}  // namespace quantumcore
