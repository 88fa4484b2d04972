"""A review's report, written for people and for programs. Pure: texts come out.

Promises: the same report gives the same text, byte for byte; SARIF is valid 2.1.0; the HTML page runs
no script and loads nothing.
"""

from holdfast.blueprint.review.report.machine import machine_form
from holdfast.blueprint.review.report.markdown import markdown_text
from holdfast.blueprint.review.report.marks import marks_of
from holdfast.blueprint.review.report.page import html_page
from holdfast.blueprint.review.report.places import OriginalPlaces, Places, WrittenPlaces, nowhere
from holdfast.blueprint.review.report.sarif import sarif_form
from holdfast.blueprint.review.report.terminal import terminal_text

__all__ = [
    "OriginalPlaces",
    "Places",
    "WrittenPlaces",
    "html_page",
    "machine_form",
    "markdown_text",
    "marks_of",
    "nowhere",
    "sarif_form",
    "terminal_text",
]
