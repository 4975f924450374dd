"""The page, whole: one file that needs nothing beside it.

Every value is escaped by the template engine, and control characters are shown, not passed on.
What the page may load is nothing, and its one style sheet is named by its digest: should a text
from outside ever become markup, no browser would run it or fetch for it.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FunctionLoader, StrictUndefined

from bulkpost.redact import printable
from bulkpost.reporting.page.findings import FoundCount
from bulkpost.reporting.page.svg import StyleSheet
from bulkpost.reporting.page.view import input_name, run_view
from bulkpost.reporting.run_report import RunReport
from bulkpost.reporting.wording import time_text

FINDINGS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class PageContent:
    """What a page is made of.

    Attributes:
        reports: The runs, in the order of the page.
        findings: What a check found; None if none was named.
        ledger_path: The ledger, for commands.
        made_at_ms: When it was read, milliseconds since 1970.
        version: Of bulkpost.
    """

    reports: Sequence[RunReport]
    findings: Sequence[FoundCount] | None
    ledger_path: Path
    made_at_ms: int
    version: str


def page_text(content: PageContent) -> str:
    """Return the page, HTML."""
    sheet = StyleSheet()
    views = [run_view(report, content.ledger_path, sheet) for report in content.reports]
    style = f"{_read('page.css')}{sheet.text()}"
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    found = content.findings
    return (
        _environment()
        .get_template("page.html")
        .render(
            findings=None if found is None else [_cells(entry) for entry in found[:FINDINGS_MAX]],
            findings_left=_left(found or ()),
            made_at=time_text(content.made_at_ms),
            policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
            "form-action 'none'",
            style=style,
            title=_title(content.reports),
            version=content.version,
            views=views,
        )
    )


def _title(reports: Sequence[RunReport]) -> str:
    if len(reports) > 1:
        return f"What became of {len(reports)} runs"
    return f"What became of {input_name(reports[0])}"


def _cells(entry: FoundCount) -> tuple[str, ...]:
    name = f"{entry.code} ({entry.type}): {entry.message}."
    return (entry.column, entry.input, f"{entry.values:,}", name, entry.advice)


def _left(found: Sequence[FoundCount]) -> str:
    left = len(found) - FINDINGS_MAX
    return f"And {left:,} rarer ones: they are in the file of findings." if left > 0 else ""


def _environment() -> Environment:
    return Environment(
        autoescape=True,
        finalize=_shown,
        loader=FunctionLoader(_read),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )


def _shown(value: Any) -> Any:
    """Show what a reader could not see and a browser would obey; our own markup is neither."""
    is_text = isinstance(value, str) and not hasattr(value, "__html__")
    return printable(value) if is_text else value


def _read(name: str) -> str:
    return (files("bulkpost.reporting.page") / name).read_text(encoding="utf-8")
