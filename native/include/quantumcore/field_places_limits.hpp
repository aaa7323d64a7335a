// The same of the layouts of docs/reference/engine.md section 14.
#pragma once

#include "quantumcore/field_places.hpp"

namespace quantumcore {

inline constexpr FieldPlace kLimitFieldPlaces[] = {
    QC_FIELD(SetFirm, header),
    QC_FIELD(SetFirm, firm),
    QC_FIELD(SetFirm, reserved),
    QC_FIELD(QuantityLimits, scope),
    QC_FIELD(QuantityLimits, reserved),
    QC_FIELD(QuantityLimits, group),
    QC_FIELD(QuantityLimits, max_order_lots),
    QC_FIELD(QuantityLimits, max_long),
    QC_FIELD(QuantityLimits, max_short),
    QC_FIELD(QuantityLimits, max_open_orders),
    QC_FIELD(QuantityLimits, max_open_each),
    QC_FIELD(SetQuantityLimits, header),
    QC_FIELD(SetQuantityLimits, limits),
    QC_FIELD(MoneyLimits, scope),
    QC_FIELD(MoneyLimits, reserved),
    QC_FIELD(MoneyLimits, currency),
    QC_FIELD(MoneyLimits, firm),
    QC_FIELD(MoneyLimits, max_order_notional),
    QC_FIELD(MoneyLimits, max_open_notional),
    QC_FIELD(MoneyLimits, credit),
    QC_FIELD(SetMoneyLimits, header),
    QC_FIELD(SetMoneyLimits, limits),
    QC_FIELD(FirmChanged, header),
    QC_FIELD(FirmChanged, firm),
    QC_FIELD(FirmChanged, reserved),
    QC_FIELD(MarketSize, open_interest),
    QC_FIELD(MarketSize, daily_volume),
    QC_FIELD(SetMarketSize, header),
    QC_FIELD(SetMarketSize, size),
    QC_FIELD(MarketSizeChanged, header),
    QC_FIELD(MarketSizeChanged, size),
    QC_FIELD(MarketSizeChanged, reserved),
    QC_FIELD(MarketShares, scope),
    QC_FIELD(MarketShares, reserved),
    QC_FIELD(MarketShares, group),
    QC_FIELD(MarketShares, interest),
    QC_FIELD(MarketShares, volume),
    QC_FIELD(SetMarketShares, header),
    QC_FIELD(SetMarketShares, limits),
    QC_FIELD(MarketSharesChanged, header),
    QC_FIELD(MarketSharesChanged, limits),
    QC_FIELD(MarketSharesChanged, reserved),
    QC_FIELD(QuantityLimitsChanged, header),
    QC_FIELD(QuantityLimitsChanged, limits),
    QC_FIELD(QuantityLimitsChanged, reserved),
    QC_FIELD(MoneyLimitsChanged, header),
    QC_FIELD(MoneyLimitsChanged, limits),
    QC_FIELD(MoneyLimitsChanged, reserved),
};

}  // namespace quantumcore
