"""Cases S1 to S14 of the fault catalogue, end to end: broken, strange and hostile bodies."""

import ast
import zlib
from pathlib import Path

import pytest
from faultserver import JSON, close, drip, fault_server, flood, response, say
from odd_answers import HEAD, HTML, ID, ONCE, SUCCESS, accepted, created, held, third_row
from submitting import (
    Answerer,
    a_list,
    all_of,
    an_order,
    asked,
    bulkpost,
    endings,
    submitted,
    verdict,
)

import bulkpost as client
from bulkpost.reporting.status import ExitStatus


async def test_s1_an_answer_that_drips_is_in_doubt_at_the_total_limit(tmp_path: Path) -> None:
    """If an answer's headers come a byte at a time, the wait ends at the total limit (600 s).

    The row is in doubt and is not sent again.
    """
    dripping = [say(HEAD), drip(b"X-Slow: " + b"x" * 3000, every_s=0.05)]
    await held(dripping, tmp_path, None, "did not answer in time", transport__total_s=1.0)


async def test_s2_a_body_that_drips_is_in_doubt_with_its_lead_id(tmp_path: Path) -> None:
    """If the answer's body does not end in time, the row is in doubt and is not sent again.

    The lead id is kept if it came by then.
    """
    dripping = [say(created(SUCCESS, 999)), drip(b" " * 900, every_s=0.05)]
    await held(dripping, tmp_path, ID, "no more came in time", transport__total_s=1.0)


async def test_s3_a_cut_body_is_in_doubt_with_its_lead_id(tmp_path: Path) -> None:
    """If the answer's body is cut off, the row is in doubt and is not sent again.

    The lead id and the outcome's word are kept if they came.
    """
    cut = f'{{"outcome":"success","reason":"é","lead":{{"id":"{ID}"}}'.encode()
    await held([say(created(cut, 999)), close], tmp_path, ID, "the outcome reads success")


async def test_s3_a_length_counted_in_characters_is_in_doubt_with_its_lead_id(
    tmp_path: Path,
) -> None:
    """If the stated length of an answer is too short, because of an accent, the row is in doubt.

    Nothing of the answer is taken for the next lead's; the lead id and the outcome's word are kept.
    """
    body = f'{{"outcome":"failure","reason":"trop âgé","lead":{{"id":"{ID}"}}}}'
    answer = created(body.encode(), len(body))
    await held(answer, tmp_path, ID, "the outcome reads failure")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(b"{oops", "not JSON", id="garbage"),
        pytest.param(b"", "the body is empty", id="empty"),
    ],
)
async def test_s4_garbage_is_in_doubt(body: bytes, words: str, tmp_path: Path) -> None:
    """If a 201 comes with garbage or with nothing, the row is in doubt and is not sent again."""
    await held(created(body), tmp_path, None, words)


@pytest.mark.parametrize(
    ("answer", "lead_id", "words"),
    [
        pytest.param(created(b"[1,2]"), None, "not an object", id="a-list"),
        pytest.param(created(b"7"), None, "not an object", id="a-number"),
        pytest.param(verdict("skip", lead={"id": ID}), ID, "skip", id="an-unknown-outcome"),
        pytest.param(verdict("deferred", lead={"id": ID}), ID, "deferred", id="a-word-of-ours"),
        pytest.param(
            created(b'{"outcome":null,"lead":{"id":"%s"}}' % ID.encode()), ID, "outcome", id="null"
        ),
        pytest.param(verdict(lead={"id": "12345"}), None, "lead id", id="an-odd-lead-id"),
        pytest.param(
            created(b'{"outcome":"success","price":NaN,"lead":{"id":"%s"}}' % ID.encode()),
            ID,
            "not JSON",
            id="a-price-that-is-none",
        ),
        pytest.param(
            created(b'{"outcome":"success","outcome":"failure","lead":{"id":"%s"}}' % ID.encode()),
            ID,
            "twice",
            id="a-name-twice",
        ),
    ],
)
async def test_s6_an_answer_of_another_shape_is_in_doubt(
    answer: bytes, lead_id: str | None, words: str, tmp_path: Path
) -> None:
    """If a 201 is not the answer that LeadConduit documents, the row is in doubt.

    A proper lead id in it is kept, and the row is not sent again.
    """
    await held(answer, tmp_path, lead_id, words)


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"price":' + b"9" * 5_000 + b"}"], ids=["nested", "a-long-number"]
)
async def test_s7_an_answer_that_breaks_parsers_is_in_doubt(body: bytes, tmp_path: Path) -> None:
    """If an answer is nested absurdly deep or has an absurdly long number, the row is in doubt."""
    await held(created(body), tmp_path, None, "not JSON")


async def test_s8_a_huge_body_is_in_doubt(tmp_path: Path) -> None:
    """If an answer is longer than 1 MiB, the rest is not read, and the row is in doubt."""
    huge = [say(HEAD + b"Content-Length: 52428800\r\n\r\n"), flood(b" " * 65_536, 800), close]
    await held(huge, tmp_path, None, "longer than")


async def test_s9_a_gzip_bomb_is_in_doubt(tmp_path: Path) -> None:
    """If a small answer unpacks to hundreds of megabytes, only 1 MiB of it is unpacked.

    The row is in doubt and is not sent again.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    megabyte = bytes(1_048_576)
    bomb = b"".join(packer.compress(megabyte) for _ in range(40)) + packer.flush()
    packed = response(201, bomb, (*JSON, ("Content-Encoding", "gzip")))
    await held(packed, tmp_path, None, "longer than")


async def test_s10_a_body_that_cannot_be_unpacked_is_in_doubt(tmp_path: Path) -> None:
    """If a 201 cannot be decompressed, the row is in doubt; other statuses count as they are."""
    bad = response(201, b"no gzip", (*JSON, ("Content-Encoding", "gzip")))
    await held(bad, tmp_path, None, "the body cannot be decompressed")


async def test_s10_an_error_that_cannot_be_unpacked_counts_by_its_status(tmp_path: Path) -> None:
    """If an error's page cannot be decompressed, the status counts: the row is an http_error."""
    bad = response(400, b"no gzip", (*JSON, ("Content-Encoding", "gzip")))
    fared = await third_row(bad, tmp_path)

    assert (ExitStatus.ROWS_BAD, all_of(6, _3="http_error"), ONCE) == fared


async def test_s10_an_unknown_coding_is_read_as_it_came(tmp_path: Path) -> None:
    """If an answer names a coding that nobody knows and can be read all the same, it counts."""
    await accepted(response(201, SUCCESS, (*JSON, ("Content-Encoding", "klingon"))), tmp_path)


async def test_s12_a_wrong_content_type_changes_nothing(tmp_path: Path) -> None:
    """If an answer in JSON is labelled as something else, it counts all the same."""
    await accepted(response(201, SUCCESS, HTML), tmp_path)


HOSTILE = {
    1: (b"caf\xe9 full", "caf\ufffd full"),
    2: (rb"a\ud800b", "a?b"),
    3: (rb"a\u0000b", "a?b"),
    4: (rb"\u001b[31mred\u001b]52;c;x\u0007", "?red?"),
    5: (rb"abc\u202edef", "abcdef"),
    6: (b"<script>alert(1)</script>", "<script>alert(1)</script>"),
    7: (b"=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
    8: (b"no " * 340_000, ("no " * 200)[:497]),
}


async def test_s13_hostile_reasons_are_kept_harmless(tmp_path: Path) -> None:
    """If a reason holds control characters, broken text, markup or a megabyte, its outcome counts.

    The reason is kept without what could do harm in a terminal, and with at most 500 characters.
    """
    leads, ledger = a_list(tmp_path, len(HOSTILE)), tmp_path / "l.db"
    said = {row: b'{"outcome":"failure","reason":"%b"}' % raw for row, (raw, _) in HOSTILE.items()}
    answerer = Answerer({row: [created(body)] for row, body in said.items()})
    async with fault_server(answerer.script) as server:
        result = await submitted(an_order(server.url, leads, ledger=ledger))
    shown = await bulkpost("show", "--ledger", ledger, cwd=tmp_path)

    assert (ExitStatus.DONE, all_of(8, "failure")) == (result.exit_status, endings(ledger))
    assert dict.fromkeys(HOSTILE, 1) == answerer.counts
    kept = dict(asked(ledger, "SELECT row, reason FROM rows"))
    assert {row: expected for row, (_, expected) in HOSTILE.items() if row < 8} == {
        row: reason for row, reason in kept.items() if row < 8
    }
    assert kept[8].startswith(HOSTILE[8][1])
    assert len(kept[8]) <= 500
    assert 0 == shown.returncode
    assert not {"\x1b", "\x07", "\x00", "\u202e"} & set(shown.stdout.decode())


XML = f"<result><outcome>success</outcome><lead><id>{ID}</id></lead></result>"
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
FORBIDDEN = "XML with a document type or entities, which is not read"


async def test_s14_an_answer_in_xml_counts(tmp_path: Path) -> None:
    """If LeadConduit answers in XML although JSON was asked for, its answer counts."""
    answer = f"<?xml version='1.0'?>{XML}".encode()
    await accepted(response(201, answer, (("Content-Type", "application/xml"),)), tmp_path)


@pytest.mark.parametrize(
    ("body", "lead_id", "words"),
    [
        pytest.param(f"<!DOCTYPE result SYSTEM 'x'>{XML}", ID, FORBIDDEN, id="a-dtd"),
        pytest.param(
            f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY l0 "ha">{LAUGHS}]><r>&l9;</r>',
            None,
            FORBIDDEN,
            id="an-entity-bomb",
        ),
        pytest.param(
            f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "{"a" * 50_000}">]>'
            f"<r>{'&a;' * 50_000}{XML}</r>",
            ID,
            FORBIDDEN,
            id="a-quadratic-bomb",
        ),
        pytest.param(
            f"<?xml version='1.0'?><response>{XML}</response>", ID, "not a result", id="another-xml"
        ),
        pytest.param(f"<?xml version='1.0'?>{XML[:-3]}", ID, "not XML", id="cut"),
    ],
)
async def test_s14_xml_that_is_odd_or_hostile_is_in_doubt(
    body: str, lead_id: str | None, words: str, tmp_path: Path
) -> None:
    """If an answer in XML has a document type or entities, or another shape, the row is in doubt.

    Entities in it are not unpacked. A lead id that stands in it is kept, and the row is not sent
    again.
    """
    answer = response(201, body.encode(), (("Content-Type", "application/xml"),))
    await held(answer, tmp_path, lead_id, words)


async def test_s14_an_external_entity_is_not_fetched(tmp_path: Path) -> None:
    """If an answer in XML names an address to load, nothing is loaded from there."""
    async with fault_server(Answerer().script) as target:
        document = f'<!DOCTYPE r [<!ENTITY x SYSTEM "{target.url}/x">]><r>&x;</r>'
        body = b'<?xml version="1.0"?>' + document.encode()
        await held(created(body), tmp_path, None, FORBIDDEN)

    assert 0 == target.connections


def test_s14_xml_is_parsed_by_the_safe_parser_only() -> None:
    """All XML is parsed by defusedxml, which unpacks no entities and fetches nothing."""
    root = Path(client.__file__).parent
    nodes = [n for path in root.rglob("*.py") for n in ast.walk(ast.parse(path.read_text("utf-8")))]
    whole = {alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names}
    parts = {
        f"{n.module}.{alias.name}"
        for n in nodes
        if isinstance(n, ast.ImportFrom)
        for alias in n.names
    }
    parsing = {name for name in whole | parts if name.partition(".")[0] in PARSERS}

    assert {
        "xml.etree.ElementTree.Element",  # a type
        "xml.etree.ElementTree.ParseError",  # an error
        "xml.sax.saxutils.escape",  # for what is sent
    } >= parsing


PARSERS = {"xml", "lxml", "pyexpat"}
