"""Metrics as whoever scrapes them reads them."""

from collections.abc import Mapping

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families


class Scrape:
    """One answer of `/metrics`."""

    def __init__(self, text: str) -> None:
        self.families = {each.name: each for each in text_string_to_metric_families(text)}

    def value(self, sample: str, **labels: str) -> float | None:
        """The value of a sample, None where there is none."""
        found = [
            each.value
            for family in self.families.values()
            for each in family.samples
            if each.name == sample and each.labels == labels
        ]
        assert len(found) <= 1, f"{sample} is there {len(found)} times"
        return found[0] if found else None

    def values(self, sample: str, label: str) -> Mapping[str, float]:
        """The values of a sample by one label, those with equal ones added up."""
        values: dict[str, float] = {}
        for family in self.families.values():
            for each in family.samples:
                if each.name == sample:
                    values[each.labels[label]] = values.get(each.labels[label], 0) + each.value
        return values


def full_name(family: Metric) -> str:
    """The name by which the metric is asked for."""
    return f"{family.name}_total" if family.type == "counter" else family.name
