"""Every metric is documented, and every documented metric is one that ``/metrics`` serves."""

import re

from source_files import ROOT, pages, shown

from holdfast.faces.metrics import METRICS

PAGE = ROOT / "docs" / "reference" / "metrics.md"
ROW = re.compile(r"^\| `(holdfast_\w+)` \| (\w+) \| ([^|]*) \| ([^|]+) \|$", re.MULTILINE)
NAMED = re.compile(r"`(holdfast_[a-z0-9_]+)")


def test_every_metric_is_documented_with_its_type_labels_and_meaning() -> None:
    rows = ROW.findall(PAGE.read_text("utf-8"))
    documented = {
        name: (kind, tuple(re.findall(r"`(\w+)`", labels)), meaning.strip())
        for name, kind, labels, meaning in rows
    }
    in_code = {
        metric.name: (metric.kind, metric.labels, metric.meaning[0].upper() + metric.meaning[1:])
        for metric in METRICS
    }
    told = {
        name: (kind, labels, text.rstrip(".")) for name, (kind, labels, text) in documented.items()
    }
    assert told == in_code


def test_a_metric_that_a_page_names_exists() -> None:
    names = {metric.name for metric in METRICS}
    unknown = {
        f"{shown(page)}: {name}"
        for page in pages()
        for name in NAMED.findall(page.read_text("utf-8"))
        if name not in names
    }
    assert unknown == set()
