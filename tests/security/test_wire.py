"""What goes over the wire is fixed but for the lead; what comes back is bounded and not obeyed."""

import ast
import tomllib
from pathlib import Path
from urllib.parse import parse_qsl

import aiohttp
import anyio
import pytest
from faultserver import answer, fault_server
from hypothesis import given, settings
from hypothesis import strategies as st
from sending import DONE, a_transport

from bulkpost.destination import Destination
from bulkpost.endpoints.classify import classify
from bulkpost.endpoints.submission import SubmissionEndpoint
from bulkpost.exchange import Reply
from bulkpost.lead import Lead
from bulkpost.outcome import OutcomeKind
from bulkpost.sandbox.xml_body import parse_xml

_ROOT = Path(__file__).parents[2]
_HEADERS = {"host", "accept", "content-type", "content-length", "user-agent"}
_texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30) | st.sampled_from(
    ["\r\nX-Evil: 1", "a\r\n\r\nPOST /x HTTP/1.1\r\n", "\nSet-Cookie: a=b", "\x00", "&x=1", "a=b;c"]
)


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(_texts, _texts, min_size=1, max_size=4))
def test_t11_no_field_name_and_no_value_becomes_a_header_or_another_request(
    fields: dict[str, str],
) -> None:
    """One request with the five fixed headers; names and values come back out of its body."""

    async def sent() -> None:
        async with fault_server(answer(201, DONE)) as server, a_transport() as transport:
            destination = Destination(server.url, "a" * 24, "b" * 24)
            lead = Lead(1, destination, tuple(fields.items()))
            await transport.send(SubmissionEndpoint().request(lead))
        (request,) = server.requests
        assert request.headers.keys() == _HEADERS
        assert fields == dict(parse_qsl(request.body.decode("ascii"), keep_blank_values=True))
        assert int(request.headers["content-length"]) == len(request.body)

    anyio.run(sent)


def test_t12_the_http_library_is_one_without_its_known_holes() -> None:
    """Declared and installed: 3.14.1, which does not let an answer swell without end."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    assert "aiohttp>=3.14.1,<4" in project["dependencies"]
    assert tuple(map(int, aiohttp.__version__.split(".")[:3])) >= (3, 14, 1)


_QUADRATIC = b"<!DOCTYPE r [<!ENTITY a '" + b"A" * 50_000 + b"'>]><r>" + b"&a;" * 10_000 + b"</r>"
_LAUGHS = (
    b"<?xml version='1.0'?><!DOCTYPE result [<!ENTITY a0 'ha'>"
    + b"".join(
        b"<!ENTITY a%d '&a%d;&a%d;'>" % (level, level - 1, level - 1) for level in range(1, 60)
    )
    + b"]><result><outcome>success</outcome><reason>&a59;</reason></result>"
)
_MILD = (
    b'<!DOCTYPE result [<!ENTITY a "no">]><result><outcome>success</outcome><reason>&a;</reason>'
    b"</result>"
)
_OUTSIDE = b"<?xml version='1.0'?><!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><r>&x;</r>"


@pytest.mark.parametrize("status", [200, 201, 303, 400, 500])
@pytest.mark.parametrize(
    "bomb", [_QUADRATIC, _LAUGHS, _OUTSIDE, _MILD], ids=["square", "laughs", "file", "mild"]
)
def test_t13_an_answer_in_xml_that_declares_anything_is_not_read(bomb: bytes, status: int) -> None:
    """No entity is resolved: the row is in doubt or an http_error, with a short reason."""
    verdict = classify(Reply(status, (), bomb), (), strict=False)

    assert verdict.outcome.kind in {OutcomeKind.IN_DOUBT, OutcomeKind.HTTP_ERROR}
    assert len(verdict.outcome.reason or "") < 300
    assert "root:" not in (verdict.outcome.reason or "")


@pytest.mark.parametrize("bomb", [_QUADRATIC, _LAUGHS, _OUTSIDE], ids=["square", "laughs", "file"])
def test_t13_the_sandbox_knows_no_entities(bomb: bytes) -> None:
    """A lead in XML that declares some is refused as unreadable."""
    with pytest.raises(ValueError, match="Invalid character entity"):
        parse_xml(bomb.decode())


def test_t13_no_parser_of_xml_is_imported_but_the_defused_one() -> None:
    """Python's own swells; of it only the types and the writer's escapes are used."""
    found = {
        name
        for path in sorted((_ROOT / "bulkpost").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in _imported(node)
        if name.partition(".")[0] in {"xml", "lxml", "pyexpat", "xmltodict", "bs4", "defusedxml"}
    }

    assert found <= {
        "defusedxml.ElementTree.fromstring",
        "defusedxml.common.DefusedXmlException",
        "xml.etree.ElementTree.Element",
        "xml.etree.ElementTree.ParseError",
        "xml.sax.saxutils.escape",
        "xml.sax.saxutils.quoteattr",
    }


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []
