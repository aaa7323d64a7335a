#include "workload.hpp"

#include <unordered_map>

#include "market.hpp"

namespace quantumcore::bench {

namespace {

constexpr u32 kInstrument = 2;  // Market::submit knows its scales
constexpr i64 kMixMiddle = 100'000;
constexpr i64 kMiddle = 1'000'000;
constexpr i64 kBand = 100;  // new orders rest within so many ticks of the middle
constexpr i64 kMaxLots = 50;
constexpr u64 kMixResting = 1'000;
constexpr i64 kMixReach = 10;  // ticks beyond the middle that an immediate order reaches
constexpr u64 kResting = 10'000;
constexpr u64 kTrend = 20;       // commands per tick
constexpr u64 kSwing = 200'000;  // commands, there and back
constexpr u64 kCrash = 50'000;   // commands from crash to crash
constexpr u64 kSweeps = 300;     // sells of a crash
constexpr u64 kRefill = 5'000;   // bids after it
constexpr i64 kColdBand = 100'000;

struct Resting {
  u64 sequence;
  u32 slot;
  u64 account;
  i64 price;
  bool sell;
};

class Player {
 public:
  Player(Shape shape, u64 commands, u64 seed, bool accounting)
      : shape_(shape), market_(seed), accounts_(shape == Shape::mix ? 8 : 64) {
    work_.config.max_orders = shape == Shape::cold ? static_cast<u32>(commands) + 65'536 : 65'536;
    work_.config.max_accounts = 1'024;
    work_.config.max_client_ids = static_cast<u32>(commands) + 65'536;
    work_.config.max_balances = 4'096;
    work_.config.accounting = accounting ? 1 : 0;
    work_.count = commands;
  }

  Workload play() {
    engine_ = std::make_unique<Engine>(work_.config);
    open();
    for (u64 i = 0; i < work_.count; ++i) {
      draw(i);
      step(work_.commands);
    }
    engine_->check();
    work_.hash = engine_->state_hash();
    return std::move(work_);
  }

 private:
  void open() {
    market_.define_currency(1, 2, "USD");
    market_.define_currency(2, 0, "ACME");
    market_.define_instrument(kInstrument, "ACME", 2, 0, 2, 100'000, 50'000);
    for (u64 account = 1; account <= accounts_; ++account) {
      OpenAccount command{};
      market_.add(command, CommandKind::open_account, 0, account);
      SetLimits limits{};
      limits.max_open_orders = 10'000'000;
      market_.add(limits, CommandKind::set_limits, 0, account);
      if (work_.config.accounting == 0) continue;
      market_.transfer(account, kDeposit, 1, 1'000'000'000'000'000, 0);
      market_.transfer(account, kDeposit, 2, 1'000'000'000'000, 0);
    }
    step(work_.setup);
    const u64 first = shape_ == Shape::cold ? 0 : shape_ == Shape::mix ? kMixResting : kResting;
    for (u64 i = 0; i < first; ++i) {
      rest(middle(0));
      step(work_.setup);
    }
  }

  void step(std::vector<std::byte>& kept) {
    kept.insert(kept.end(), market_.commands.begin(), market_.commands.end());
    events_.clear();
    engine_->step(market_.commands, 1, events_);
    market_.commands.clear();
    hear();
    work_.resting = std::max(work_.resting, static_cast<u32>(resting_.size()));
  }

  void draw(u64 i) {
    switch (shape_) {
      case Shape::mix:
        return draw_mix();
      case Shape::cold:
        return rest_within(kMiddle, kColdBand);
      case Shape::crash:
        return draw_crash(i % kCrash);
      default:
        return draw_simple(middle(i));
    }
  }

  i64 middle(u64 i) const {
    switch (shape_) {
      case Shape::mix:
        return kMixMiddle;
      case Shape::trend:
        return kMiddle + static_cast<i64>(i / kTrend);
      case Shape::swing_25:
        return kMiddle + swung(i, kMiddle / 4);
      case Shape::swing_40:
        return kMiddle + swung(i, kMiddle * 2 / 5);
      default:
        return kMiddle;
    }
  }

  /// A triangle between -height and height that begins at 0.
  static i64 swung(u64 i, i64 height) {
    const i64 quarter = static_cast<i64>(kSwing / 4);
    const i64 at = static_cast<i64>(i % kSwing);
    const i64 up = at <= quarter ? at : at <= 3 * quarter ? 2 * quarter - at : at - 4 * quarter;
    return up * height / quarter;
  }

  void draw_mix() {
    const u64 dice = market_.random.below(100);
    if (dice < 82) return move();
    if (dice < 85) {
      const bool sell = market_.random.below(2) == 0;
      return submit(sell, kMixMiddle + (sell ? -kMixReach : kMixReach),
                    market_.random.between(1, kMaxLots), kImmediateOrCancel);
    }
    // Nine of fifteen are new, unless there are many: what trades takes leaves room for them.
    const bool many = resting_.size() > kMixResting;
    if ((dice < 94) != many) return rest(kMixMiddle);
    cancel();
  }

  void draw_simple(i64 middle) {
    const u64 dice = market_.random.below(100);
    const bool few = resting_.size() < kResting * 9 / 10;
    const bool many = resting_.size() > kResting * 11 / 10;
    if ((dice < 50 && !many) || few) return rest(middle);
    if (dice < 90 || shape_ == Shape::still) return cancel();
    const bool sell = market_.random.below(2) == 0;
    submit(sell, middle + (sell ? -kBand / 10 : kBand / 10), market_.random.between(1, kMaxLots),
           kImmediateOrCancel);
  }

  void draw_crash(u64 at) {
    if (at < kSweeps) return submit(true, 1, kMaxLots * 20, kImmediateOrCancel);
    if (at < kSweeps + kRefill) {
      return submit(false, kMiddle - market_.random.between(1, kBand),
                    market_.random.between(1, kMaxLots), kGoodTillCancel);
    }
    draw_simple(kMiddle);
  }

  void rest(i64 middle) { rest_within(middle, kBand); }
  /// A new order that does not trade: where the middle has moved past orders of the other side, it
  /// joins before them.
  void rest_within(i64 middle, i64 band) {
    const bool sell = market_.random.below(2) == 0;
    const i64 away = market_.random.between(1, band);
    i64 price = sell ? middle + away : middle - away;
    const Book& book = engine_->state().find_instrument(kInstrument)->book;
    if (book.crosses(!sell, price)) price = book.best(!sell) + (sell ? 1 : -1);
    submit(sell, price, market_.random.between(1, kMaxLots), kGoodTillCancel);
  }

  void submit(bool sell, i64 price, i64 lots, u8 time_in_force) {
    const u64 account = 1 + market_.random.below(accounts_);
    market_.submit(account, kInstrument, sell ? kSell : kBuy, price, lots, kLimit, time_in_force,
                   kStpCancelOldest, 0, ++work_.submissions);
    if (shape_ != Shape::fresh_ids) return;
    std::byte* const id = market_.commands.data() + market_.commands.size() - sizeof(SubmitOrder) +
                          offsetof(SubmitOrder, client_id);
    for (std::size_t k = 0; k < kIdBytes; ++k) {
      id[k] = static_cast<std::byte>('a' + market_.random.below(26));
    }
  }

  void move() {
    Resting& order = resting_[market_.random.below(resting_.size())];
    ReplaceOrder command{};
    i64 price = order.price + (market_.random.below(2) == 0 ? 1 : -1);
    if (order.sell && price <= kMixMiddle) price = order.price + 1;
    if (!order.sell && price >= kMixMiddle) price = order.price - 1;
    order.price = price;
    command.price = price;
    command.price_scale = 2;
    command.fields = kPriceGiven;
    command.order_sequence = order.sequence;
    command.order_slot = order.slot;
    market_.add(command, CommandKind::replace_order, 0, order.account);
  }

  void cancel() {
    const Resting& order = moves() ? oldest() : resting_[market_.random.below(resting_.size())];
    CancelOrder command{};
    command.order_sequence = order.sequence;
    command.order_slot = order.slot;
    market_.add(command, CommandKind::cancel_order, 0, order.account);
  }

  /// Where the price moves, what is far from it goes first.
  bool moves() const {
    return shape_ == Shape::trend || shape_ == Shape::swing_25 || shape_ == Shape::swing_40;
  }
  const Resting& oldest() {
    while (!places_.contains(accepted_[oldest_])) ++oldest_;
    return resting_[places_[accepted_[oldest_]]];
  }

  void hear() {
    const std::span<const std::byte> events = events_.bytes();
    for (std::size_t at = 0; at < events.size();) {
      const auto header = read<EventHeader>(events, at);
      switch (static_cast<EventKind>(header.kind)) {
        case EventKind::order_accepted: {
          const auto e = read<OrderAccepted>(events, at);
          if (e.time_in_force != kGoodTillCancel) break;
          places_[header.sequence] = resting_.size();
          if (moves()) accepted_.push_back(header.sequence);
          resting_.push_back(
              {header.sequence, e.order_slot, header.account, e.price, e.side == kSell});
          break;
        }
        case EventKind::order_cancelled:
          drop(read<OrderCancelled>(events, at).order_sequence);
          break;
        case EventKind::trade_printed: {
          const auto e = read<TradePrinted>(events, at);
          ++work_.trades;
          if (e.maker_leaves == 0) drop(e.maker_order_sequence);
          if (e.taker_leaves == 0) drop(e.taker_order_sequence);
          break;
        }
        case EventKind::command_refused:
        case EventKind::order_rejected:
          ++work_.refused;
          break;
        default:
          break;
      }
      at += header.size;
    }
  }

  void drop(u64 sequence) {
    const auto found = places_.find(sequence);
    if (found == places_.end()) return;
    const std::size_t place = found->second;
    places_.erase(found);
    if (place != resting_.size() - 1) {
      resting_[place] = resting_.back();
      places_[resting_[place].sequence] = place;
    }
    resting_.pop_back();
  }

  template <class E>
  static E read(std::span<const std::byte> events, std::size_t at) {
    E event;
    std::memcpy(&event, events.data() + at, sizeof event);
    return event;
  }

  Shape shape_;
  stress::Market market_;
  u64 accounts_;
  Workload work_;
  std::unique_ptr<Engine> engine_;
  EventBuffer events_;
  std::vector<Resting> resting_;
  std::unordered_map<u64, std::size_t> places_;  // by sequence, in resting_
  std::vector<u64> accepted_;                    // sequences, where the oldest is asked for
  std::size_t oldest_ = 0;                       // in accepted_
};

}  // namespace

Workload make_workload(Shape shape, u64 commands, u64 seed, bool accounting) {
  return Player(shape, commands, seed, accounting).play();
}

}  // namespace quantumcore::bench
