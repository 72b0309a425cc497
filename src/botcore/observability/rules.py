"""The thresholds as rules for Prometheus: what the product watches, watched from outside too.

``python docs/generate.py`` renews ``deploy/prometheus/rules/botcore.yml`` from here.
"""

from typing import Any, Final

import yaml

from botcore.observability.thresholds import THRESHOLDS, Threshold, Watch

_HEAD: Final = """\
# The alerts of src/botcore/observability/thresholds.py, one rule each.
# Generated: python docs/generate.py
"""
_SIGNS: Final = {Watch.ABOVE: ">", Watch.BELOW: "<", Watch.GROWS: ">"}


def rules_page() -> str:
    """Return the rules file."""
    groups = [
        {
            "name": f"botcore-{component}",
            "rules": [
                _rule(each) for each in THRESHOLDS if each.metric.component.value == component
            ],
        }
        for component in dict.fromkeys(each.metric.component.value for each in THRESHOLDS)
    ]
    text = yaml.dump(
        {"groups": groups}, Dumper=_Indented, sort_keys=False, allow_unicode=True, width=110
    )
    return _HEAD + text


def expression(threshold: Threshold) -> str:
    """Return a threshold as PromQL, true while it is beyond its level."""
    where = ",".join(_matcher(label, values) for label, values in threshold.where.items())
    found = threshold.metric.full_name + (f"{{{where}}}" if where else "")
    if threshold.watch is Watch.GROWS:
        found = f"increase({found}[{_span(threshold.within_s)}])"
    if threshold.is_summed:
        found = f"sum({found})"
    return f"{found} {_SIGNS[threshold.watch]} {threshold.level:.15g}"


def _rule(threshold: Threshold) -> dict[str, Any]:
    rule: dict[str, Any] = {"alert": threshold.name, "expr": expression(threshold)}
    if threshold.for_s:
        rule["for"] = _span(threshold.for_s)
    rule["labels"] = {"severity": threshold.severity.value}
    rule["annotations"] = {"summary": _summary(threshold), "runbook": threshold.runbook}
    return rule


def _matcher(label: str, values: tuple[str, ...]) -> str:
    return f'{label}="{values[0]}"' if len(values) == 1 else f'{label}=~"{"|".join(values)}"'


def _span(seconds: int) -> str:
    for unit, size in (("h", 3_600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


class _Indented(yaml.SafeDumper):
    """Writes the items of a list further in than its name."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002  # as PyYAML calls it
        super().increase_indent(flow, indentless=False)


class _Field(str):
    """Stands where a figure or label will; formatted, it is what Prometheus puts there itself."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        name = str(self)
        if name != "value":
            return f"{{{{ $labels.{name} }}}}"
        shown = "humanizePercentage" if spec.endswith("%") else "humanize"
        return f"{{{{ $value | {shown} }}}}"


def _summary(threshold: Threshold) -> str:
    names = ("value", *threshold.metric.labels)
    return threshold.words.format(**{name: _Field(name) for name in names})
