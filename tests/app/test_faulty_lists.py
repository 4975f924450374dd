"""Faulty lists from end to end: what the server gets of them, and what the ledger says."""

import gzip
from pathlib import Path

import pytest
from faultserver import fault_server
from faultylists import arrived, check_verbatim, refused
from submitting import Answerer, an_order, submitted

from bulkpost.reporting.status import ExitStatus


async def test_i1_a_longer_first_row_is_not_sent_and_shifts_nothing(tmp_path: Path) -> None:
    """A first row with more cells than the header, or with trailing commas, is invalid.

    It is recorded with its line, the rows after it are sent with their cells in their columns, and
    the run ends with 3.
    """
    seen = await arrived(tmp_path, b"row,a,b\n1,x,y,z\n2,x,y,,\n3,x,y\n")

    assert ExitStatus.ROWS_BAD is seen.result.exit_status
    assert {3: {"a": "x", "b": "y"}} == seen.leads
    assert [
        (1, 2, "4 cells where the header has 3 columns"),
        (2, 3, "5 cells where the header has 3 columns"),
    ] == seen.invalid


async def test_i2_a_longer_row_stops_none_of_the_others(tmp_path: Path) -> None:
    """A later row with more cells than the header is invalid; all rows around it are sent."""
    seen = await arrived(tmp_path, b"row,a\n1,x\n2,x,y\n3,z\n")

    assert [1, 3] == seen.rows
    assert [(2, 3, "3 cells where the header has 2 columns")] == seen.invalid


async def test_i3_a_shorter_row_is_not_sent_unless_padding_is_asked_for(tmp_path: Path) -> None:
    """A row with fewer cells than the header is invalid; with `short_rows = "pad"` it is sent."""
    content = b"row,a,b\n1,x\n2,x,y\n"
    seen = await arrived(tmp_path, content)
    assert [2] == seen.rows
    assert [(1, 2, "only 2 of 3 cells")] == seen.invalid

    padded = await arrived(tmp_path, content, input__short_rows="pad", kept_in="padded.db")

    assert {1: {"a": "x"}, 2: {"a": "x", "b": "y"}} == padded.leads


async def test_i4_text_that_looks_like_a_number_arrives_as_it_stands(tmp_path: Path) -> None:
    """Zeros at the beginning, exponents, truth values and long digits arrive as they stand."""
    await check_verbatim(
        tmp_path, {"a": "0123", "b": "1e5", "c": "True", "d": "12345678901234567890123", "e": "1.0"}
    )


async def test_i5_words_for_nothing_arrive_as_they_stand(tmp_path: Path) -> None:
    """`NA`, `null`, `None` and `nan` are text like any other: somebody may be called so."""
    await check_verbatim(tmp_path, {"a": "NA", "b": "null", "c": "None", "d": "nan", "e": "#N/A"})


async def test_i6_digits_beside_empty_cells_arrive_as_they_stand(tmp_path: Path) -> None:
    """A telephone number in a column that has empty cells gets no decimal point."""
    seen = await arrived(tmp_path, b"row,phone_1\n1,5127891111\n2,\n")

    assert {1: {"phone_1": "5127891111"}, 2: {}} == seen.leads


async def test_i7_a_byte_order_mark_is_in_no_field_name(tmp_path: Path) -> None:
    """The mark that Excel writes before UTF-8 is no part of the first column's name."""
    seen = await arrived(tmp_path, '\ufeff"row","a"\r\n1,é\r\n'.encode())

    assert {1: {"a": "é"}} == seen.leads


@pytest.mark.parametrize("codec", ["utf-16", "utf-32"])
async def test_i8_excels_unicode_text_arrives_as_utf_8(tmp_path: Path, codec: str) -> None:
    """A list in UTF-16 or UTF-32 with its mark is read without being told, and sent as UTF-8."""
    seen = await arrived(tmp_path, "row\ta\r\n1\tJosé 北京\r\n".encode(codec), "leads.txt")

    assert {1: {"a": "José 北京"}} == seen.leads


async def test_i9_a_list_in_another_encoding_is_refused_until_it_is_named(tmp_path: Path) -> None:
    """One byte of another encoding in the last of many rows refuses the list: nothing is sent.

    The message names the line and the likely encoding. With `--encoding` the text arrives right.
    """
    content = b"row,a\n" + b"".join(b"%d,x\n" % row for row in range(1, 9_000)) + b"9000,\xe9\n"
    error = await refused(tmp_path, content)
    assert "line 9,001: byte 0xe9" in error.message
    assert "--encoding" in error.advice

    seen = await arrived(tmp_path, b"row,a\n1,\xe9\n", input__encoding="cp1252")

    assert {1: {"a": "é"}} == seen.leads


async def test_i10_a_row_with_a_nul_is_not_sent_and_a_block_of_them_is_one_row(
    tmp_path: Path,
) -> None:
    """A row that holds a NUL character is invalid, and so is a block of them after the last row.

    Such a block stands at the end of a file whose writing a crash cut short: look for lost rows.
    """
    content = b"row,a\n1,x\x00y\n2,z\n" + b"\x00" * 70_000

    seen = await arrived(tmp_path, content)

    assert ExitStatus.ROWS_BAD is seen.result.exit_status
    assert {2: {"a": "z"}} == seen.leads
    assert [(1, 2, "a cell holds a NUL character"), (3, 4, "a cell holds a NUL character")] == (
        seen.invalid
    )


async def test_i10_a_file_of_nuls_is_refused(tmp_path: Path) -> None:
    """A file that holds nothing but NUL characters is refused."""
    error = await refused(tmp_path, b"\x00" * 5_000)

    assert "NUL" in error.message


async def test_i11_line_ends_in_a_cell_arrive_and_lines_are_counted(tmp_path: Path) -> None:
    """Line ends inside quotes arrive as they are, and a bad row after them has its right line."""
    seen = await arrived(tmp_path, b'row,a\r\n1,"x\r\ny\nz"\r\n2\r\n3,w\r\n')

    assert {1: {"a": "x\r\ny\nz"}, 3: {"a": "w"}} == seen.leads
    assert [(2, 5, "only 1 of 2 cells")] == seen.invalid


@pytest.mark.parametrize("content", [b"row,a\r1,x\r2,y\r", b"row,a\r\n1,x\n2,y\r"])
async def test_i12_line_ends_of_any_kind_end_a_row(tmp_path: Path, content: bytes) -> None:
    """CR alone, and CRLF, LF and CR mixed, end a row each; no cell holds any of them."""
    seen = await arrived(tmp_path, content)

    assert {1: {"a": "x"}, 2: {"a": "y"}} == seen.leads


@pytest.mark.parametrize(
    "end", [pytest.param(b"", id="never-closed"), pytest.param(b'8,"y"\n', id="closed-far-below")]
)
async def test_i13_an_unclosed_quote_refuses_the_list_at_its_line(
    tmp_path: Path, end: bytes
) -> None:
    """A quote that is never closed, or only in a row far below, refuses the list: nothing is sent.

    The message names the line where the quote opens. The rows before it are not sent either.
    """
    rows = b"".join(b"%d,x\n" % row for row in range(3, 50_000))

    error = await refused(tmp_path, b'row,a\n1,x\n2,"x\n' + rows + end)

    assert "leads.csv, line 3: a quote opens" in error.message


async def test_i13_a_quote_that_swallows_more_than_a_record_may_hold_is_found_there(
    tmp_path: Path,
) -> None:
    """A quote that runs on beyond the record limit refuses the list without reading all of it."""
    rows = b"5,some more text\n" * 300_000

    error = await refused(tmp_path, b'row,a\n1,"x\n' + rows + b'"\n2,y\n')

    assert "leads.csv, line 2: a quote opens" in error.message


async def test_i14_a_stray_quote_arrives_as_it_stands(tmp_path: Path) -> None:
    """A quote inside a cell that does not begin with one is text: `5" disk` arrives so.

    Text after a closing quote makes its row invalid, for nobody can tell where its cells end.
    """
    seen = await arrived(tmp_path, b'row,a,b\n1,x"y,5" disk\n2,"x"y,z\n3,x,"say ""hi"""\n')

    assert {1: {"a": 'x"y', "b": '5" disk'}, 3: {"a": "x", "b": 'say "hi"'}} == seen.leads
    assert [(2, 3, "text follows the closing quote of a cell")] == seen.invalid


@pytest.mark.parametrize("header", [b"row,a,a", b"row,a,A", b"row,a, a "])
async def test_i15_duplicate_headers_refuse_the_list(tmp_path: Path, header: bytes) -> None:
    """Two columns of one name, be it in other case, refuse the list, with their numbers."""
    error = await refused(tmp_path, header + b"\n1,x,y\n")

    assert "column 2 'a', column 3 " in error.message


@pytest.mark.parametrize(
    "content", [b"", b"\n \n"[:1], b"row,a", b"row,a\r\n\r\n", b"\xef\xbb\xbf"], ids=repr
)
async def test_i17_a_list_without_rows_is_no_failure(tmp_path: Path, content: bytes) -> None:
    """An empty file, blank lines and a header alone hold no rows: nothing is sent, status 0."""
    answerer = Answerer()
    leads = tmp_path / "leads.csv"
    leads.write_bytes(content)
    async with fault_server(answerer.script) as server:
        result = await submitted(an_order(server.url, leads, ledger=tmp_path / "l.db"))

    assert (ExitStatus.DONE, []) == (result.exit_status, answerer.seen)


async def test_i17_blank_lines_move_no_row_number(tmp_path: Path) -> None:
    """Blank lines are no rows: row numbers leave them out, line numbers count them."""
    seen = await arrived(tmp_path, b"\nrow,a\n\n1,x\n\n\n2\n\n3,y\n")

    assert [1, 3] == seen.rows
    assert [(2, 7, "only 1 of 2 cells")] == seen.invalid


async def test_i18_ten_thousand_columns_are_refused_with_their_number(tmp_path: Path) -> None:
    """A list with more columns than `columns_max` (2,000) is refused, with both numbers."""
    header = b",".join(b"c%d" % number for number in range(10_000))

    error = await refused(tmp_path, header + b"\n")

    assert "10,000 columns; the limit is 2,000" in error.message
    assert "columns_max" in error.advice


async def test_i19_a_cell_of_a_mebibyte_is_sent_and_a_longer_one_is_not(tmp_path: Path) -> None:
    """A cell of 1 MiB arrives whole; one byte more makes its row invalid, and no other."""
    mebibyte = b"x" * 1024 * 1024

    seen = await arrived(
        tmp_path, b"row,a\n1," + mebibyte + b"\n2," + mebibyte + b"x\n3,y\n", transport__read_s=30
    )

    assert {1: len(mebibyte), 3: 1} == {row: len(lead["a"]) for row, lead in seen.leads.items()}
    assert [(2, 3, "a cell is longer than 1,048,576 bytes")] == seen.invalid


async def test_i20_a_packed_list_that_is_cut_off_sends_nothing(tmp_path: Path) -> None:
    """A gzip file whose last bytes are missing is refused before its first row is sent.

    Two packed files joined are one list, and a name that promises packing may lie.
    """
    content = b"row,a\n" + b"".join(b"%d,x\n" % row for row in range(1, 30_000))
    error = await refused(tmp_path, gzip.compress(content)[:-9], "leads.csv.gz")
    assert "cut off" in error.message

    joined = gzip.compress(b"row,a\n1,x\n") + gzip.compress(b"2,y\n")
    seen = await arrived(tmp_path, joined, "leads.txt")
    assert [1, 2] == seen.rows
    plain = await arrived(tmp_path, b"row,a\n3,x\n", "plain.csv.gz", kept_in="plain.db")
    assert [3] == plain.rows


async def test_i26_dates_arrive_as_they_stand(tmp_path: Path) -> None:
    """Excel's day numbers and dates of any order are text, and arrive as they stand."""
    await check_verbatim(tmp_path, {"a": "44927", "b": "1/2/2024", "c": "2024-02-01", "d": "1-Feb"})


async def test_i27_formulas_arrive_as_they_stand(tmp_path: Path) -> None:
    """Cells that a spreadsheet would take for formulas arrive as they stand.

    Only the file that `export` writes gets an apostrophe before them.
    """
    await check_verbatim(
        tmp_path, {"a": '=HYPERLINK("http://x","y")', "b": "@sum", "c": "+15125550143", "d": "-1"}
    )


async def test_i29_spaces_around_a_text_arrive_unless_they_are_stripped(tmp_path: Path) -> None:
    """Spaces, no-break and zero-width ones are sent as they stand; `strip = true` takes them off.

    The names of the columns are always trimmed.
    """
    content = "row, a ,\u00a0b\u200b\n1, x ,\u00a0y\u200b\n2,\u00a0,z\n".encode()

    kept = await arrived(tmp_path, content)
    stripped = await arrived(tmp_path, content, map__strip=True, kept_in="stripped.db")

    assert {1: {"a": " x ", "b": "\u00a0y\u200b"}, 2: {"a": "\u00a0", "b": "z"}} == kept.leads
    assert {1: {"a": "x", "b": "y"}, 2: {"b": "z"}} == stripped.leads


BAD_TEXT = b'row,a\n1,x\n2,"y\nbad \xff and \xed\xa0\x80\nz"\n3,w\n'


async def test_i30_bytes_that_are_no_text_amid_a_quoted_cell(tmp_path: Path) -> None:
    """Bytes that are no UTF-8, half characters among them, refuse the list with their line.

    With `--encoding utf-8` only their row is invalid, all of it, and the rows around it are sent.
    """
    error = await refused(tmp_path, BAD_TEXT)
    assert "line 4: byte 0xff at place 5" in error.message

    seen = await arrived(tmp_path, BAD_TEXT, input__encoding="utf-8")

    assert {1: {"a": "x"}, 3: {"a": "w"}} == seen.leads
    assert [(2, 3, "the line is not UTF-8")] == seen.invalid


async def test_i30_half_characters_in_utf_16(tmp_path: Path) -> None:
    """A lone surrogate in a list in UTF-16 refuses it, or makes its row invalid if it is named."""
    content = "row,a\n1,x\n2,y\ud800z\n3,w\n".encode("utf-16", "surrogatepass")
    error = await refused(tmp_path, content)
    assert "line 3: byte 0xed" in error.message

    seen = await arrived(tmp_path, content, input__encoding="utf-16")

    assert [1, 3] == seen.rows
    assert [(2, 3, "the line is not UTF-16")] == seen.invalid


async def test_i31_a_row_without_text_is_not_sent(tmp_path: Path) -> None:
    """A row whose cells are empty or hold nothing but spaces is invalid: it would be billed."""
    seen = await arrived(
        tmp_path, 'row,a,b\n,,\n2,x,\n , ,\u00a0\n"",,\n'.encode(), map__constants={"c": "1"}
    )

    assert ExitStatus.ROWS_BAD is seen.result.exit_status
    assert {2: {"a": "x", "c": "1"}} == seen.leads
    assert [(row, row + 1, "all fields are empty") for row in (1, 3, 4)] == seen.invalid
