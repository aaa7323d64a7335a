#pragma once

#include <cstddef>
#include <type_traits>

#include "quantumcore/layout_action_events.hpp"
#include "quantumcore/layout_commands.hpp"
#include "quantumcore/layout_events.hpp"
#include "quantumcore/layout_guard_commands.hpp"
#include "quantumcore/layout_guard_events.hpp"
#include "quantumcore/layout_limits.hpp"
#include "quantumcore/layout_margin_commands.hpp"
#include "quantumcore/layout_margin_events.hpp"
#include "quantumcore/layout_money_commands.hpp"
#include "quantumcore/layout_money_events.hpp"
#include "quantumcore/layout_venue_events.hpp"

/// The bytes of commands and events, and that the compiler lays them out as the reference says.
namespace quantumcore {

template <class T, std::size_t Size>
inline constexpr bool kLaidOut = sizeof(T) == Size && std::is_trivially_copyable_v<T> &&
                                 std::has_unique_object_representations_v<T>;

static_assert(kLaidOut<CommandHeader, 16> && kLaidOut<SubmitOrder, 80>);
static_assert(kLaidOut<ReplaceOrder, 88> && kLaidOut<CancelOrder, 72>);
static_assert(kLaidOut<MassCancel, 24> && kLaidOut<Transfer, 72> && kLaidOut<OpenAccount, 32>);
static_assert(kLaidOut<DefineCurrency, 32> && kLaidOut<InstrumentTerms, 136>);
static_assert(kLaidOut<DefineInstrument, 152> && kLaidOut<SetInstrumentStatus, 24>);
static_assert(kLaidOut<SetKillSwitch, 24> && kLaidOut<AdvanceTime, 16> && kLaidOut<SetLimits, 24>);

static_assert(kLaidOut<OrderTerms, 80> && kLaidOut<SubmitAdvancedOrder, 160>);
static_assert(kLaidOut<ReplaceAdvancedOrder, 112> && kLaidOut<SubmitLinkedOrders, 504>);
static_assert(kLaidOut<SubmitOrderBatch, 24>);
static_assert(kLaidOut<CancelAllAfter, 24> && kLaidOut<EndSession, 24> && kLaidOut<SetMark, 24>);
static_assert(kLaidOut<SetReference, 24> && kLaidOut<SetTradingRules, 80>);
static_assert(kLaidOut<GroupTerms, 224> && kLaidOut<PostGroup, 240> && kLaidOut<Leg, 32>);
static_assert(kLaidOut<SetAccountTerms, 24> && kLaidOut<SetCredit, 32>);
static_assert(kLaidOut<PlaceHold, 72> && kLaidOut<AmendHold, 64> && kLaidOut<ReleaseHold, 64>);
static_assert(kLaidOut<ActionTerms, 96> && kLaidOut<ApplyAction, 112>);
static_assert(kLaidOut<SetFirm, 24> && kLaidOut<QuantityLimits, 48>);
static_assert(kLaidOut<SetQuantityLimits, 64> && kLaidOut<MoneyLimits, 32>);
static_assert(kLaidOut<SetMoneyLimits, 48> && kLaidOut<FirmChanged, 48>);
static_assert(kLaidOut<QuantityLimitsChanged, 96> && kLaidOut<MoneyLimitsChanged, 80>);
static_assert(kLaidOut<SetGroup, 24> && kLaidOut<BustTrade, 96>);
static_assert(kLaidOut<SetMarketSize, 32> && kLaidOut<MarketSizeChanged, 64>);
static_assert(kLaidOut<SetMarketShares, 32> && kLaidOut<MarketSharesChanged, 64>);

static_assert(kLaidOut<SetKill, 24> && kLaidOut<SetInstrumentClass, 32>);
static_assert(kLaidOut<SetEntitlements, 32> && kLaidOut<SetRestriction, 24>);
static_assert(kLaidOut<SetLocate, 24> && kLaidOut<SetThrottle, 32> && kLaidOut<SetPatterns, 56>);
static_assert(kLaidOut<SetProtection, 64> && kLaidOut<SetQuote, 32> && kLaidOut<Resume, 24>);

static_assert(kLaidOut<SetMarginTerms, 56> && kLaidOut<SetRiskArray, 160>);
static_assert(kLaidOut<SetAccountMargin, 24> && kLaidOut<SetGreeks, 40>);
static_assert(kLaidOut<SetRiskLimits, 88> && kLaidOut<OpenRiskDay, 24>);
static_assert(kLaidOut<AssessMargin, 24> && kLaidOut<TakeOver, 40>);

static_assert(kLaidOut<EventHeader, 40> && kLaidOut<CommandDone, 64>);
static_assert(kLaidOut<CommandRefused, 128> && kLaidOut<OrderAccepted, 128>);
static_assert(kLaidOut<OrderRejected, 144> && kLaidOut<OrderReplaced, 96>);
static_assert(kLaidOut<OrderCancelled, 80> && kLaidOut<TradePrinted, 176>);
static_assert(kLaidOut<TransferPosted, 112> && kLaidOut<AccountOpened, 64>);
static_assert(kLaidOut<CurrencyDefined, 64> && kLaidOut<InstrumentDefined, 176>);
static_assert(kLaidOut<InstrumentStatusChanged, 48> && kLaidOut<KillSwitchChanged, 48>);
static_assert(kLaidOut<LimitsChanged, 48>);
static_assert(kLaidOut<TermsAccepted, 144>);
static_assert(kLaidOut<OrderTriggered, 80>);
static_assert(kLaidOut<OrderEntered, 80>);
static_assert(kLaidOut<OrderWaits, 64>);
static_assert(kLaidOut<OrderRefilled, 80>);
static_assert(kLaidOut<StopMoved, 80>);
static_assert(kLaidOut<MarkChanged, 48>);
static_assert(kLaidOut<ReferenceChanged, 48>);
static_assert(kLaidOut<TradingRulesChanged, 112>);
static_assert(kLaidOut<GroupChanged, 48>);
static_assert(kLaidOut<IndicativeChanged, 64>);
static_assert(kLaidOut<AuctionUncrossed, 80>);
static_assert(kLaidOut<LimitStateChanged, 64>);
static_assert(kLaidOut<CancelTimerSet, 48>);
static_assert(kLaidOut<TradeBusted, 128>);
static_assert(kLaidOut<OrdersLinked, 64>);
static_assert(kLaidOut<TransferMade, 112> && kLaidOut<GroupNoted, 176>);
static_assert(kLaidOut<GroupPosted, 144> && kLaidOut<AccountTermsChanged, 48>);
static_assert(kLaidOut<CreditChanged, 64> && kLaidOut<HoldChanged, 144>);
static_assert(kLaidOut<PositionAdjusted, 160> && kLaidOut<ActionApplied, 176>);
static_assert(kLaidOut<KillChanged, 64>);
static_assert(kLaidOut<InstrumentClassChanged, 64> && kLaidOut<EntitlementsChanged, 64>);
static_assert(kLaidOut<RestrictionChanged, 48> && kLaidOut<LocateChanged, 48>);
static_assert(kLaidOut<ThrottleChanged, 64> && kLaidOut<PatternsChanged, 80>);
static_assert(kLaidOut<ProtectionChanged, 96> && kLaidOut<QuoteChanged, 64>);
static_assert(kLaidOut<PauseChanged, 64>);
static_assert(kLaidOut<MarginTermsChanged, 80> && kLaidOut<RiskArrayChanged, 192>);
static_assert(kLaidOut<AccountMarginChanged, 48> && kLaidOut<GreeksChanged, 64>);
static_assert(kLaidOut<RiskLimitsChanged, 112> && kLaidOut<RiskDayOpened, 64>);
static_assert(kLaidOut<MarginAssessed, 112> && kLaidOut<PositionTaken, 96>);

static_assert(offsetof(SubmitOrder, client_id) == 44 && offsetof(ReplaceOrder, client_id) == 52);
static_assert(offsetof(CancelOrder, client_id) == 32 && offsetof(Transfer, transfer_id) == 36);
static_assert(offsetof(InstrumentTerms, symbol) == 112 && offsetof(InstrumentTerms, tick) == 8);
static_assert(offsetof(CommandRefused, limit) == 48 && offsetof(CommandRefused, client_id) == 92);
static_assert(offsetof(OrderAccepted, client_id) == 76 && offsetof(OrderAccepted, session) == 112);
static_assert(offsetof(OrderRejected, limit) == 64 && offsetof(OrderRejected, client_id) == 104);
static_assert(offsetof(OrderReplaced, reason) == 84 && offsetof(OrderCancelled, reason) == 68);
static_assert(offsetof(TradePrinted, price) == 72 && offsetof(TradePrinted, fill) == 160);
static_assert(offsetof(TransferPosted, transfer_id) == 76);

}  // namespace quantumcore
