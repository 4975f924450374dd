"""What the format of a lead cannot carry: a rule for its names, and one for each row's texts."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlencode

from bulkpost.lead import LeadFormat
from bulkpost.mapping.assignment import Assignment, kept, shown
from bulkpost.mapping.refusal import Refusal

PARTICULAR = frozenset({LeadFormat.XML, LeadFormat.GET})  # these cannot carry every text
QUERY_BYTES_MAX = 8_000
# XML 1.0, productions 4 and 4a without the colon, which would ask for a namespace.
_START = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d"
    "\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_XML_NAME = re.compile(f"[{_START}][{_START}.0-9\u00b7\u0300-\u036f\u203f\u2040-]*")
# Production 2, turned round.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def uncarried_names(
    plan: Assignment, lead_format: LeadFormat, ssn_fields: frozenset[str]
) -> Iterator[str]:
    """Return a sentence for each field that cannot be sent in a format."""
    for name, where in plan.sent():
        if lead_format is LeadFormat.XML and _XML_NAME.fullmatch(name) is None:
            yield f"{where}: '{shown(name)}' cannot be the name of an XML element"
        if lead_format is LeadFormat.GET and name == "redir_url":
            yield f"{where}: in a GET, redir_url makes LeadConduit redirect instead of answer"
        if lead_format is LeadFormat.GET and name in ssn_fields:
            yield f"{where}: a GET puts it into the URL, and servers write URLs down"


def unfit_for(lead_format: LeadFormat, pairs: Iterable[tuple[str, str]]) -> Refusal | None:
    """Return why the texts of one lead cannot be sent in a format; None if they can."""
    if lead_format is LeadFormat.XML:
        odd = next((name for name, text in pairs if _NOT_XML.search(text)), None)
        if odd is not None:
            return Refusal(f"the field {kept(odd)} holds a character that XML does not allow")
    if lead_format is LeadFormat.GET and len(urlencode(tuple(pairs))) > QUERY_BYTES_MAX:
        return Refusal(f"the lead is too long for a GET: over {QUERY_BYTES_MAX:,} bytes of URL")
    return None
