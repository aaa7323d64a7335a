"""The reference page of metrics is complete and current.

Goal: an operator can rely on the page; nobody adds a metric without telling, and no label can grow without bound.
Method: a real house in this process; every family that its ports show stands on the page with its kind and labels, and the
other way round.
"""

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from quantumcore.app.annex.process import AnnexRoom
from quantumcore.app.compose import build
from quantumcore.app.metrics import registry_of
from quantumcore.app.reload import Reloader
from quantumcore.app.run import Running
from quantumcore.app.settings import Source
from quantumcore.ports.telemetry import Durations, counter, gauge

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "metrics.md").read_text()
NAME = re.compile(r"qc_[a-z]+(_[a-z]+)+\Z")
UNBOUNDED = {"account", "user", "order", "symbol", "peer", "token", "detail", "reason"}
LABELS = {
    "qc_gateway_requests": ("method", "route", "status"),
    "qc_gateway_request_seconds": ("method", "route"),
    "qc_gateway_limited": ("what",),
    "qc_gateway_idempotency": ("what",),
    "qc_gateway_ws_closed": ("code",),
    "qc_auth_token_failures": ("kind",),
    "qc_auth_signature_failures": ("kind",),
    "qc_auth_security_events": ("kind",),
    "qc_bus_dropped_notices": ("notice",),
    "qc_orders_refusals": ("code",),
    "qc_orders_ended": ("code",),
    "qc_orders_submissions": ("outcome",),
    "qc_ledger_transfers": ("outcome",),
    "qc_ledger_transactions": ("outcome",),
    "qc_ledger_conversions": ("outcome",),
    "qc_ledger_tax_documents": ("outcome",),
    "qc_ledger_proposals": ("outcome",),
    "qc_ledger_holds": ("outcome",),
    "qc_ledger_saga_steps": ("outcome",),
}
"""Of families that have no sample in a house that has just started."""


def _rows() -> dict[str, tuple[str, tuple[str, ...], str]]:
    rows = {}
    for line in PAGE.partition("## All of them")[2].splitlines():
        if line.startswith("| `qc_"):
            _, name, kind, labels, *_ = (cell.strip() for cell in line.split("|"))
            found = tuple(re.findall(r"`([a-z_]+)`", labels))
            rows[name.strip("`").removesuffix("_total") if kind == "counter" else name.strip("`")] = (kind, found, name)
    return rows


@pytest.fixture
async def shown(tmp_path: Path) -> dict[str, tuple[str, tuple[str, ...]]]:
    """{family: (kind, labels)} of all ports together."""
    reloader = Reloader(Source(data_dir=tmp_path))
    running = Running(reloader.live.current, await build(reloader.live.current))
    await running.start()
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    try:
        for service in running.house.services:
            parts = [*running.measured, reloader, service, *running.house.measured.get(service.name, [])]
            registry = CollectorRegistry()
            if service is running.house.gateway:
                registry = running.house.gateway.gate.metrics.registry
            families = list(registry_of(service.name, parts, registry).collect())
            if isinstance(service, AnnexRoom):
                families += text_string_to_metric_families((await service.exposition()).decode())
            for family in families:
                if family.name.startswith("qc_"):
                    labels = {label for sample in family.samples for label in sample.labels} - {"le"}
                    found[family.name] = (family.type, tuple(sorted(labels)) or LABELS.get(family.name, ()))
    finally:
        await running.stop()
    return found


async def test_every_metric_stands_on_the_page_and_nothing_else(shown: dict[str, tuple[str, tuple[str, ...]]]) -> None:
    rows = _rows()
    assert shown.keys() - rows.keys() == set(), "not on the page"
    assert rows.keys() - shown.keys() == set(), "on the page and nowhere else"
    for name, (kind, labels) in shown.items():
        assert rows[name][:2] == (kind, tuple(sorted(labels))), name


async def test_names_say_part_what_and_unit_and_labels_are_bounded(
    shown: dict[str, tuple[str, tuple[str, ...]]],
) -> None:
    for name, (_, labels) in shown.items():
        assert NAME.match(name), name
        assert UNBOUNDED.isdisjoint(labels), name


def test_a_counter_ends_in_total_on_the_page_and_a_gauge_does_not() -> None:
    for kind, _, name in _rows().values():
        assert name.strip("`").endswith("_total") == (kind == "counter"), name


def test_a_histogram_counts_each_bucket_with_those_below_it() -> None:
    durations = Durations("qc_x_y_seconds", "x", (0.1, 1.0), part="a")
    for seconds in (0.05, 0.1, 0.5, 7.0):
        durations.observe(seconds)
    (family,) = durations.collect()
    values = {(s.name, s.labels.get("le", "")): s.value for s in family.samples}
    assert values["qc_x_y_seconds_bucket", "0.1"] == 2
    assert values["qc_x_y_seconds_bucket", "1.0"] == 3
    assert values["qc_x_y_seconds_bucket", "+Inf"] == values["qc_x_y_seconds_count", ""] == 4
    assert values["qc_x_y_seconds_sum", ""] == pytest.approx(7.65)


def test_a_count_may_have_a_value_for_each_of_a_label() -> None:
    (one, two) = counter("qc_x_y", "x", {"a": 1, "b": 2}, by="kind", part="p").samples
    assert (one.labels, one.value, two.labels, two.value) == (
        {"part": "p", "kind": "a"},
        1,
        {"part": "p", "kind": "b"},
        2,
    )
    assert gauge("qc_x_z", "x", 3).samples[0].value == 3
