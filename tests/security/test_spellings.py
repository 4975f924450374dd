"""Lead data is known again in whatever spelling an answer repeats it, and where it is cut off."""

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from faultserver import close, fault_server, response, say
from submitting import Answerer, Doing, an_order, asked, submitted, table

_SPELLED: dict[str, Callable[[str], str]] = {
    "every byte for a URL": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "Latin-1 for a URL": lambda text: quote(text, encoding="latin-1"),
    "encodeURIComponent": lambda text: quote(text, safe="!'()*~"),
    "escape of JavaScript": lambda text: quote(text.replace("ö", "\0")).replace("%00", "%u00F6"),
    "hyphens for a URL": lambda text: text.replace("-", "%2D"),
    "a URL in a URL": lambda text: quote(quote(text, safe="")),
    "every character for JSON": lambda text: "".join(f"\\u{ord(char):04x}" for char in text),
    "hyphens for JSON": lambda text: text.replace("-", "\\u002d"),
    "JSON of PHP": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON of Go": lambda text: text.replace("&", "\\u0026").replace('"', '\\"'),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text))[3:-3],
    "decimal for HTML": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "hexadecimal for HTML": lambda text: "".join(f"&#x{ord(char):X};" for char in text),
    "names for HTML": lambda text: text.replace("&", "&amp;").replace("ö", "&ouml;"),
    "apostrophes for XML": lambda text: text.replace("&", "&amp;").replace("'", "&apos;"),
    "apostrophes of Go": lambda text: text.replace("&", "&amp;").replace("'", "&#39;"),
    "HTML in HTML": lambda text: text.replace("&", "&amp;amp;").replace("-", "&amp;#45;"),
    "signs that nobody sees": "\u00ad".join,
    "marks of direction": lambda text: "\u202e" + "\u200e".join(text),
    "full width": lambda text: "".join(
        chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text
    ),
}
_CELLS = {
    "last_name": "O'Brien-Söhne & Co/Zyxquorra",
    "ssn": "219-09-9901",
    "phone_1": "512-555-0143",
}


async def test_t1_a_value_in_any_spelling_of_urls_json_and_html_is_taken_out(
    tmp_path: Path,
) -> None:
    """Whoever escapes more, less or twice, or slips in what nobody sees, hides no value."""
    leads = table(
        tmp_path / "l.csv",
        ["row", *_CELLS],
        [[str(row), *_CELLS.values()] for row, _ in enumerate(_SPELLED, 1)],
    )
    told = [
        "bad: " + "; ".join(f"<{spelled(cell)}>" for cell in _CELLS.values())
        for spelled in _SPELLED.values()
    ]
    plan = {row: [response(422, text.encode(), ())] for row, text in enumerate(told, 1)}
    async with fault_server(Answerer(plan).script) as server:
        await submitted(an_order(server.url, leads, ledger=tmp_path / "l.db"))

    kept = asked(
        tmp_path / "l.db", "SELECT reason, reply FROM rows JOIN exchanges USING (row) ORDER BY row"
    )
    expected = "bad: <[last_name]>; <[ssn]>; <[phone_1]>"
    for name, (reason, reply) in zip(_SPELLED, kept, strict=True):
        texts = [reason.partition(": ")[2], json.loads(reply)["reply_body"]]
        assert [expected] * 2 == [text.replace("[digits]", "[phone_1]") for text in texts], name


@pytest.mark.parametrize("row", range(1, 7))
async def test_t1_a_value_that_an_answer_is_cut_off_in_is_not_half_shown(
    row: int, tmp_path: Path
) -> None:
    """The connection ends inside a name, a number, an address, an escape; the limit too."""
    cells = ["Vandenplork-Smythe", "219-09-9901", "canary.one@leaky.example.com"]
    leads = table(tmp_path / "l.csv", ["row", "name", "ssn", "email"], [["1", *cells]])
    cut = {
        1: b"told Vandenplork-Smy",
        2: b"told 219-09-9",
        3: b"told canary.one",
        4: b"told \\u0056\\u0061\\u006e\\u0064\\u0065\\u00",
        5: b"told %56%61%6E%64%65%6E%7",
    }
    if row in cut:
        whole = response(500, cut[row] + b"XXX", ())
        answer: Doing = [say(whole[:-3]), close]
    else:  # three bytes each, folded into nothing: the limit in bytes falls into the name
        answer = response(500, b"told" + "\u3000".encode() * 10_916 + cells[0].encode(), ())
    async with fault_server(Answerer({1: [answer]}).script) as server:
        await submitted(an_order(server.url, leads, ledger=tmp_path / "l.db"))

    ((reason,),) = asked(tmp_path / "l.db", "SELECT reason FROM rows")
    ((reply,),) = asked(tmp_path / "l.db", "SELECT reply FROM exchanges")
    assert "told" == json.loads(reply)["reply_body"]
    assert reason.endswith(": told")
