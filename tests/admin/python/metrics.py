"""Reads metrics in Prometheus' text format from standard input, strictly, and writes them as JSON: one object for each family.

Beyond what prometheus_client's parser refuses it is an error if a family has no help or no type, occurs twice, or if a sample
occurs twice, a counter does not end in _total, or a histogram's buckets do not add up.
"""

import json
import math
import sys

from prometheus_client.parser import text_string_to_metric_families


def check(family):
    name = family.name
    if not family.documentation:
        raise ValueError(f"{name} has no help")
    if family.type not in ("counter", "gauge", "histogram"):
        raise ValueError(f"{name} is of type {family.type}")
    seen = set()
    for sample in family.samples:
        key = (sample.name, tuple(sorted(sample.labels.items())))
        if key in seen:
            raise ValueError(f"{key} occurs twice")
        seen.add(key)
        if math.isnan(sample.value) or (family.type != "gauge" and sample.value < 0):
            raise ValueError(f"{key} is {sample.value}")
        if family.type == "counter" and sample.name != f"{name}_total":
            raise ValueError(f"{sample.name} is a counter and does not end in _total")
    if family.type == "histogram":
        check_histogram(family)


def check_histogram(family):
    buckets = [s for s in family.samples if s.name == f"{family.name}_bucket"]
    bounds = [float(s.labels["le"]) for s in buckets]
    counts = [s.value for s in buckets]
    (count,) = [s.value for s in family.samples if s.name == f"{family.name}_count"]
    if bounds != sorted(bounds) or not bounds or bounds[-1] != math.inf:
        raise ValueError(f"the bounds of {family.name} are {bounds}")
    if counts != sorted(counts) or counts[-1] != count:
        raise ValueError(f"the buckets of {family.name} are {counts}, its count {count}")


def main():
    text = sys.stdin.read()
    families, names = [], set()
    for family in text_string_to_metric_families(text):
        if family.name in names:
            raise ValueError(f"{family.name} occurs twice")
        names.add(family.name)
        check(family)
        samples = [{"name": s.name, "labels": s.labels, "value": s.value} for s in family.samples]
        families.append({"name": family.name, "type": family.type, "samples": samples})
    json.dump(families, sys.stdout)


main()
