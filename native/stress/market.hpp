#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "actions.hpp"
#include "groups.hpp"
#include "guards.hpp"
#include "holds.hpp"
#include "limits.hpp"
#include "margin.hpp"
#include "names.hpp"
#include "orders.hpp"
#include "quantumcore/engine.hpp"
#include "random.hpp"

/// What the stress programs share: commands written into a buffer.
namespace quantumcore::stress {

inline constexpr u32 kAccounts = 12;
inline constexpr u32 kInstruments = 3;

struct Order {
  u64 sequence;
  u32 slot;
  u64 account;
};

/// Builds commands, and listens to the events to know which orders there are.
class Market {
 public:
  explicit Market(u64 seed) : random(seed) {}

  Random random;
  std::vector<std::byte> commands;
  std::vector<Order> orders;

  template <class Command>
  void add(Command& command, CommandKind kind, u32 instrument = 0, u64 account = 0) {
    frame(command, kind, instrument, account);
    put(&command, sizeof command);
  }

  /// A command and whole rows that follow it.
  template <class Command, class Row>
  void add_with(Command command, CommandKind kind, u32 instrument, u64 account,
                const std::vector<Row>& rows) {
    frame(command, kind, instrument, account, rows.size() * sizeof(Row));
    put(&command, sizeof command);
    put(rows.data(), rows.size() * sizeof(Row));
  }

  i64 tick() { return now_ += random.between(0, 1'000'000); }
  void advance() {
    now_ += random.between(0, 3'600'000'000'000);
    AdvanceTime command{};
    add(command, CommandKind::advance_time);
  }

  /// Currencies, instruments, accounts and money.
  void open(Engine& engine, EventBuffer& events) {
    define_currency(1, 2, "USD");
    define_currency(2, 8, "BTC");
    define_currency(3, 0, "ACME");
    define_instrument(1, "BTC-USD", 1, 5, 2, 100'000, 50'000);
    define_instrument(2, "ACME", 2, 0, 3, 100'000, -20'000);
    define_instrument(3, "ACME-WIDE", 0, 0, 3, 0, 0);
    for (u64 account = 1; account <= kAccounts; ++account) {
      OpenAccount command{};
      command.owner[0] = static_cast<u8>(account);
      add(command, CommandKind::open_account, 0, account);
      for (u16 currency = 1; currency <= 3; ++currency) {
        transfer(account, kDeposit, currency, 1'000'000'000'000, 0);
      }
    }
    engine.step(commands, tick(), events);
    commands.clear();
  }

  void define_currency(u16 id, u8 scale, const char* code) {
    DefineCurrency command{};
    command.currency = id;
    command.scale = scale;
    std::memcpy(command.code, code, std::strlen(code));
    add(command, CommandKind::define_currency);
  }

  void define_instrument(u32 id, const char* symbol, u8 tick_scale, u8 lot_scale, u16 base,
                         i64 taker, i64 maker, i64 minimum = 0) {
    DefineInstrument command{};
    InstrumentTerms& t = command.terms;
    t.kind = 1;
    t.status = kContinuous;
    t.base = base;
    t.quote = 1;
    t.tick_scale = tick_scale;
    t.lot_scale = lot_scale;
    t.tick = t.lot = t.multiplier = 1;
    t.min_price = t.min_quantity = 1;
    t.max_price = t.max_quantity = 1'000'000'000'000;
    t.max_notional = kMaxI64;
    t.taker_fee = taker;
    t.maker_fee = maker;
    t.minimum_fee = minimum;
    t.collar = 5'000'000;
    std::memcpy(t.symbol, symbol, std::strlen(symbol));
    add(command, CommandKind::define_instrument, id);
  }

  void transfer(u64 account, u8 kind, u16 currency, i64 amount, u64 to) {
    Transfer command{};
    command.amount = amount;
    command.to_account = to;
    command.currency = currency;
    command.kind = kind;
    name(command.transfer_id, 't', next_id_++);
    add(command, CommandKind::transfer, 0, account);
  }

  void submit(u64 account, u32 instrument, u8 side, i64 price, i64 quantity, u8 type, u8 tif,
              u8 stp, u16 flags, u64 id) {
    SubmitOrder command{};
    command.price = type == kMarket ? 0 : price;
    command.quantity = quantity;
    command.price_scale = type == kMarket ? u8{0} : kPriceScale[instrument & 3];
    command.quantity_scale = kLotScale[instrument & 3];
    command.side = side;
    command.type = type;
    command.time_in_force = tif;
    command.self_trade_prevention = stp;
    command.flags = flags;
    command.session = 1;
    name(command.client_id, 'c', id);
    add(command, CommandKind::submit_order, instrument, account);
  }

  void submit_shown_random() {
    const u32 instrument = 1 + static_cast<u32>(random.below(kInstruments));
    SubmitAdvancedOrder command = shown_order(random, instrument, price(instrument));
    name(command.order.client_id, 'c', next_id_++);
    add(command, CommandKind::submit_advanced_order, instrument, account());
  }

  void submit_random() {
    if (random.below(4) == 0) {
      submit_shown_random();
      return;
    }
    static constexpr u8 kTifs[4] = {kGoodTillCancel, kGoodTillCancel, kImmediateOrCancel,
                                    kFillOrKill};
    const u32 instrument = 1 + static_cast<u32>(random.below(kInstruments));
    const u8 type = random.below(10) == 0 ? kMarket : kLimit;
    const u8 tif = kTifs[random.below(4)];
    const u16 flags = type == kLimit && random.below(8) == 0 ? kPostOnly : 0;
    const u64 id = random.below(20) == 0 ? random.below(next_id_ + 1) : next_id_++;
    submit(account(), instrument, random.below(2) == 0 ? kBuy : kSell, price(instrument),
           random.between(0, 200), type, tif, static_cast<u8>(random.below(6)), flags, id);
  }

  /// An order that waits for a price, or a price for which orders wait.
  void wait_random() {
    const u32 instrument = 1 + static_cast<u32>(random.below(kInstruments));
    if (random.below(4) == 0) {
      SetMark mark{};
      mark.price = price(instrument);
      add(mark, CommandKind::set_mark, instrument);
      return;
    }
    SubmitAdvancedOrder command =
        waiting_order(random, instrument, price(instrument), price(instrument), now_);
    name(command.order.client_id, 'c', next_id_++);
    add(command, CommandKind::submit_advanced_order, instrument, account());
  }

  /// Orders that are tied to each other, reduce-only orders, and what shares levels out.
  void tie_random() {
    const u32 instrument = 1 + static_cast<u32>(random.below(kInstruments));
    if (random.below(8) == 0) {
      SetTradingRules rules{};
      rules.rules.allocation = static_cast<u8>(random.below(3));
      add(rules, CommandKind::set_trading_rules, instrument);
      return;
    }
    if (random.below(8) == 0) {
      SetGroup group{};
      group.group = static_cast<u32>(random.below(3));
      add(group, CommandKind::set_group, 0, account());
      return;
    }
    if (random.below(12) == 0) {
      limit(random, account(), instrument,
            [&](auto& command, CommandKind kind, u32 where, u64 owner) {
              add(command, kind, where, owner);
            });
      return;
    }
    if (random.below(4) == 0) {
      batch_random();
      return;
    }
    SubmitLinkedOrders act{};
    act.link = static_cast<u8>(1 + random.below(3));
    act.count = act.link == kBracket ? 3 : 2;
    SubmitAdvancedOrder* const members[3] = {&act.first, &act.second, &act.third};
    const u64 owner = account();
    const u8 side = random.below(2) == 0 ? kBuy : kSell;
    for (u32 i = 0; i < act.count; ++i) {
      SubmitOrder& order = members[i]->order;
      order.header =
          CommandHeader{sizeof(SubmitAdvancedOrder),
                        static_cast<u8>(CommandKind::submit_advanced_order), 0, instrument, owner};
      const bool turns = i > 0 && (act.link == kBracket || random.below(2) == 0);
      order.side = turns ? static_cast<u8>(3 - side) : side;
      order.type = i == 2 ? kStop : kLimit;
      order.time_in_force = kGoodTillCancel;
      order.quantity = random.between(1, 200);
      order.session = 1;
      (i == 2 ? members[i]->terms.stop_price : order.price) = price(instrument);
      (i == 2 ? members[i]->terms.stop_scale : order.price_scale) = kPriceScale[instrument & 3];
      if (act.link == kOco && random.below(4) == 0) order.flags = kReduceOnly;
      name(order.client_id, 'c', next_id_++);
    }
    add(act, CommandKind::submit_linked_orders, instrument, owner);
  }

  /// A batch of one account: mostly a few orders, now and then as many as there may be.
  void batch_random() {
    SubmitOrderBatch batch{};
    batch.count = static_cast<u8>(random.below(50) == 0 ? 100 : random.between(1, 6));
    const u64 owner = account();
    std::vector<SubmitAdvancedOrder> members(batch.count);
    for (SubmitAdvancedOrder& member : members) {
      const u32 instrument = 1 + static_cast<u32>(random.below(kInstruments));
      member.order.side = random.below(2) == 0 ? kBuy : kSell;
      member.order.type = kLimit;
      member.order.time_in_force =
          random.below(4) == 0 ? kImmediateOrCancel : static_cast<u8>(kGoodTillCancel);
      member.order.price = price(instrument);
      member.order.price_scale = kPriceScale[instrument & 3];
      member.order.quantity = random.between(random.below(20) == 0 ? 0 : 1, 50);
      if (random.below(10) == 0) member.order.flags = kReduceOnly;
      name(member.order.client_id, 'c', next_id_++);
      frame(member, CommandKind::submit_advanced_order, instrument, owner);
    }
    add_with(batch, CommandKind::submit_order_batch, 0, owner, members);
  }

  void replace_random() {
    const Order order = some_order();
    ReplaceOrder command{};
    command.fields = static_cast<u16>(random.between(1, 3));
    const u32 instrument = 1 + static_cast<u32>(random.below(kInstruments));
    if ((command.fields & kPriceGiven) != 0) {
      command.price = price(instrument);
      command.price_scale = kPriceScale[instrument & 3];
    }
    if ((command.fields & kQuantityGiven) != 0) {
      command.quantity = random.between(1, 200);
      command.quantity_scale = random.below(2) == 0 ? 5 : 0;
    }
    command.order_sequence = order.sequence;
    command.order_slot = order.slot;
    add(command, CommandKind::replace_order, 0, order.account);
  }

  void cancel_random() {
    const Order order = some_order();
    CancelOrder command{};
    if (random.below(4) == 0) {
      name(command.client_id, 'c', random.below(next_id_ + 1));
    } else {
      command.order_sequence = order.sequence;
      command.order_slot = order.slot;
    }
    add(command, CommandKind::cancel_order, 0, order.account);
  }

  void transfer_random() {
    const u64 from = account();
    const u8 kind = static_cast<u8>(random.between(1, 3));
    if (random.below(10) == 0) next_id_ -= next_id_ > 5 ? 3 : 0;
    transfer(from, kind, static_cast<u16>(random.between(1, 3)), random.between(-1, 1'000'000'000),
             kind == kBetween ? account() : 0);
  }

  /// A group of transfers between customers and the house; now and then one that takes another
  /// back.
  void post_random() {
    if (random.below(6) == 0) {
      SetCredit command{};
      command.limit = random.between(0, 1'000'000);
      command.currency = static_cast<u16>(random.between(1, 3));
      add(command, CommandKind::set_credit, 0, account());
      return;
    }
    if (random.below(8) == 0) {
      SetAccountTerms command{};
      const u64 whom = account();
      command.state = static_cast<u8>(random.between(kOpen, kShut));
      add(command, CommandKind::set_account_terms, 0, whom);
      command.state = kOpen;
      add(command, CommandKind::set_account_terms, 0, whom);
      return;
    }
    const PostGroup group = groups_.next(random, next_id_++, holds_);
    add_with(group, CommandKind::post_group, 0, 0, groups_.legs());
  }

  /// Something about a hold.
  void hold_random() {
    holds_.act(random, account(), now_, next_id_++,
               [&](auto& command, CommandKind kind, u32 instrument, u64 owner) {
                 add(command, kind, instrument, owner);
               });
  }

  void mass_cancel_random() {
    MassCancel command{};
    command.side = static_cast<u8>(random.below(3));
    add(command, CommandKind::mass_cancel, static_cast<u32>(random.below(5)), account());
  }

  void kill_random() {
    SetKillSwitch command{};
    const u64 whom = random.below(20) == 0 ? 0 : account();
    command.engaged = static_cast<u8>(random.below(2));
    add(command, CommandKind::set_kill_switch, 0, whom);
    command.engaged = 0;
    add(command, CommandKind::set_kill_switch, 0, whom);
  }

  void redefine_random() {
    const i64 maker = random.between(-50'000, 100'000);
    define_instrument(2, "ACME", 2, 0, 3, random.between(50'000, 200'000), maker,
                      maker < 0 ? 0 : random.between(0, 20));
    SetInstrumentStatus command{};
    command.status = static_cast<u8>(random.below(20) == 0 ? 2 : 1);
    add(command, CommandKind::set_instrument_status, 3);
  }

  /// Another phase, other rules or another reference for one of the first two instruments, or an
  /// order for an auction.
  void auction_random() {
    static constexpr u8 kTimes[4] = {kAtOpen, kAtClose, kGoodForAuction, kAtClosingCross};
    const u32 instrument = 1 + static_cast<u32>(random.below(2));
    switch (random.below(8)) {
      case 0: {
        SetInstrumentStatus command{};
        command.status = random.below(3) == 0 ? u8{1} : static_cast<u8>(random.between(1, 11));
        add(command, CommandKind::set_instrument_status, instrument);
        return;
      }
      case 1: {
        SetTradingRules command{};
        TradingRules& r = command.rules;
        r.dynamic_band = random.below(2) == 0 ? 0 : random.between(1, 50'000);
        r.static_band = random.below(4) == 0 ? random.between(1, 100'000) : 0;
        r.limit_state_ns = random.below(2) == 0 ? 0 : random.between(1, 2'000'000);
        r.velocity = random.below(2) == 0 ? 0 : random.between(1, 50'000);
        r.velocity_ns = random.between(1, 1'000'000'000);
        r.call_ns = random.between(1, 2'000'000);
        add(command, CommandKind::set_trading_rules, instrument);
        return;
      }
      case 2: {
        SetReference command{};
        command.price = random.below(4) == 0 ? 0 : price(instrument);
        add(command, CommandKind::set_reference, instrument);
        return;
      }
      case 3: {
        AdvanceTime command{};
        add(command, CommandKind::advance_time);
        return;
      }
      default:
        submit(account(), instrument, random.below(2) == 0 ? kBuy : kSell, price(instrument),
               random.between(0, 200), random.below(10) == 0 ? kMarket : kLimit,
               kTimes[random.below(4)], static_cast<u8>(random.below(6)), 0, next_id_++);
    }
  }

  /// Something that befalls all holders, at times of the instrument whose base another one has too.
  void action_random() {
    ApplyAction command = some_action(random);
    const bool one = command.terms.quantity != 0;
    name(command.terms.action_id, 'x', next_id_++);
    add(command, CommandKind::apply_action, random.below(8) == 0 ? 2 : 1, one ? account() : 0);
  }

  /// Who may, and how often.
  void guard_random() {
    const u32 instrument = 1 + static_cast<u32>(random.below(kInstruments));
    guard(random, instrument, account(), [&](auto command, CommandKind kind, u32 of, u64 owner) {
      add(command, kind, of, owner);
    });
  }

  /// What accounts are margined by, and how they stand.
  void margin_random() {
    const u32 instrument = 1 + static_cast<u32>(random.below(kInstruments));
    margin(
        random, instrument, account(), price(instrument),
        [&](auto& command, CommandKind kind, u32 of, u64 owner) { add(command, kind, of, owner); });
  }

  /// Well framed, and then anything.
  void nonsense() {
    const u64 size = 16 + 8 * random.below(20);
    std::vector<std::byte> bytes(size);
    for (std::byte& b : bytes) {
      b = static_cast<std::byte>(random.below(3) == 0 ? random.below(256) : 0);
    }
    const u16 framed = static_cast<u16>(size);
    std::memcpy(bytes.data(), &framed, sizeof framed);
    bytes[2] = static_cast<std::byte>(random.below(58));
    if (bytes[2] == std::byte{10} || bytes[2] == std::byte{7} || bytes[2] == std::byte{8} ||
        bytes[2] == std::byte{40}) {
      bytes[3] = std::byte{1};  // no accidental switch or definition
    }
    commands.insert(commands.end(), bytes.begin(), bytes.end());
  }

  /// Draws any kind of command: mostly orders that meet, sometimes nonsense.
  void anything() {
    const u64 dice = random.below(1000);
    if (dice < 240) {
      submit_random();
    } else if (dice < 290) {
      auction_random();
    } else if (dice < 360) {
      tie_random();
    } else if (dice < 450) {
      wait_random();
    } else if (dice < 650) {
      replace_random();
    } else if (dice < 900) {
      cancel_random();
    } else if (dice < 940) {
      transfer_random();
    } else if (dice < 955) {
      post_random();
    } else if (dice < 963) {
      hold_random();
    } else if (dice < 970) {
      mass_cancel_random();
    } else if (dice < 975) {
      kill_random();
    } else if (dice < 985) {
      redefine_random();
    } else if (dice < 988) {
      advance();
    } else if (dice < 989) {
      action_random();
    } else if (dice < 991) {
      guard_random();
    } else if (dice < 995) {
      margin_random();
    } else {
      nonsense();
    }
  }

  /// Notes new orders, and holds.
  void hear(std::span<const std::byte> events) {
    for (std::size_t at = 0; at < events.size();) {
      EventHeader header;
      std::memcpy(&header, events.data() + at, sizeof header);
      if (header.kind == static_cast<u8>(EventKind::order_accepted)) {
        OrderAccepted accepted;
        std::memcpy(&accepted, events.data() + at, sizeof accepted);
        const Order order{header.sequence, accepted.order_slot, header.account};
        if (orders.size() < 4096) {
          orders.push_back(order);
        } else {
          orders[random.below(orders.size())] = order;
        }
      }
      if (header.kind == static_cast<u8>(EventKind::hold_changed)) {
        holds_.hear(events.data() + at, random);
      }
      at += header.size;
    }
  }

 private:
  template <class Command>
  static void frame(Command& command, CommandKind kind, u32 instrument, u64 account,
                    std::size_t following = 0) {
    const CommandHeader header{static_cast<u16>(sizeof command + following), static_cast<u8>(kind),
                               0, instrument, account};
    std::memcpy(static_cast<void*>(&command), &header, sizeof header);  // wherever it is nested
  }
  void put(const void* from, std::size_t size) {
    const auto* const bytes = static_cast<const std::byte*>(from);
    commands.insert(commands.end(), bytes, bytes + size);
  }
  u64 account() { return 1 + random.below(kAccounts); }
  Order some_order() {
    if (orders.empty() || random.below(50) == 0) {
      return {1 + random.below(1000), static_cast<u32>(random.below(5000)), account()};
    }
    return orders[random.below(orders.size())];
  }
  i64 price(u32 instrument) {
    // One market in a narrow band, one wide enough for several windows.
    return instrument == 3 ? 1'000'000 + random.between(-2, 2) * 400'000 + random.between(0, 30)
                           : 100'000 + random.between(0, 60);
  }

  Holds holds_;
  Groups groups_{kAccounts};
  i64 now_ = 1'000;
  u64 next_id_ = 1;
};

}  // namespace quantumcore::stress
