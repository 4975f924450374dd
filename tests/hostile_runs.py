"""Ledgers whose texts would be markup, if any page believed them, and pages about them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from past_runs import Ending, Past, ended, leads_csv, make_past, ok

from bulkpost.ledger.reader import open_reader
from bulkpost.outcome import Outcome, OutcomeKind
from bulkpost.reporting.page.findings import FoundCount
from bulkpost.reporting.page.page import PageContent, page_text
from bulkpost.reporting.run_report import run_report

_K = OutcomeKind
SCRIPT: Final = "<script>alert(1)</script>"
HOSTILE: Final = (
    SCRIPT,
    "</td></table></section><img src=x onerror=alert(1)>",
    '" onload="alert(1)" x=\'',
    "javascript:alert(1)",
    "<img src='http://leak.invalid/seen.png'>",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt; &amp; &#60;script&#62;",
    "</style><style>body{display:none}",
    "<!-- --><svg onload=alert(1)>]]><![CDATA[",
    "\u202egnihton\x1b[2J",
)
NAME: Final = '"><img src=x onerror=alert(2)>.csv'


def a_past() -> Past:
    """Return a run with every outcome, and reasons that are anything but reasons."""
    busy = Outcome(_K.DEFERRED, "HTTP 503", 503)
    texts = [ended(row, _K.FAILURE, text, 201) for row, text in enumerate(HOSTILE, start=1)]
    others = [
        Ending(21, Outcome(_K.SUCCESS, None, 201, "a" * 24, 1_250_000), waits=[busy]),
        ended(22, _K.ERROR, SCRIPT, 201),
        Ending(23, Outcome(_K.IN_DOUBT, SCRIPT, 201, "d" * 24)),
        ended(24, _K.HTTP_ERROR, SCRIPT, 500),
        Ending(25, busy),
        ended(26, _K.INVALID, SCRIPT),
        ended(27, _K.DUPLICATE, "same lead"),
        ended(28, _K.CONFLICT, "other content"),
        *(ok(row) for row in range(29, 36)),
    ]
    return Past([*texts, *others], settings={"reference": SCRIPT})


FINDINGS: Final = (
    FoundCount(NAME, SCRIPT, "email", "email_not_understood", "a message", "advice", 3),
    FoundCount("x" * 150, "y" * 150, "z" * 150, "email_not_understood", "m" * 300, "a" * 300, 2),
)


async def hostile_page(folder: Path) -> str:
    """Return a page on which every text from outside would be markup, if it could."""
    earlier = Past([ok(row) for row in range(36, 39)])
    return await a_page(folder / "l.db", earlier, a_past(), runs=(2,), findings=FINDINGS, name=NAME)


async def a_page(
    ledger: Path,
    *pasts: Past,
    runs: Sequence[int] = (1,),
    is_busy: bool = False,
    findings: Sequence[FoundCount] | None = None,
    rows: int = 40,
    name: str = "leads.csv",
) -> str:
    """Return the page about runs that are made for it."""
    await make_past(ledger, leads_csv(ledger.parent / name, rows), *pasts)
    async with open_reader(ledger) as reader:
        reports = [await run_report(reader, run, is_busy=is_busy) for run in runs]
    return page_text(PageContent(reports, findings, ledger, 1_780_000_000_000, "0.0.0"))
