from collections.abc import Callable
from typing import Any

import pytest

from bulkpost.errors import InputError

Read = Callable[..., Any]


def test_i1_a_longer_first_row_is_invalid_with_its_line(read: Read) -> None:
    """A first row with more cells than the header is invalid, and shifts no other row."""
    seen = read(b"a,b\n1,2,3\n4,5\n6,7,\n")

    assert {
        1: (2, "3 cells where the header has 2 columns"),
        3: (4, "3 cells where the header has 2 columns"),
    } == seen.bad
    assert [("4", "5")] == seen.good
    assert ("1", "2", "3") == seen.cells[0]


def test_i2_a_longer_later_row_spoils_no_other(read: Read) -> None:
    """A later row with more cells than the header is invalid, and the rows around it are read."""
    seen = read(b"a,b\n1,2\n3,4,5\n6,7\n")

    assert [("1", "2"), ("6", "7")] == seen.good
    assert [2] == list(seen.bad)


def test_i3_a_shorter_row_is_invalid_unless_padding_is_asked_for(read: Read) -> None:
    """A row with fewer cells than the header is invalid, unless `short_rows` asks for padding."""
    content = b"a,b,c\n1,2\n3,4,5\n"

    assert {1: (2, "only 2 of 3 cells")} == read(content).bad
    assert [("1", "2", ""), ("3", "4", "5")] == read(content, short_rows="pad").good


def test_a_longer_row_stays_invalid_when_short_ones_are_padded(read: Read) -> None:
    """Padding says nothing about rows with too many cells."""
    assert [1] == list(read(b"a,b\n1,2,3\n", short_rows="pad").bad)


@pytest.mark.parametrize(
    "text", ["0123", "01234", "1e5", "True", "12345678901234567890123", "1.10", " x ", "\u00a0y"]
)
def test_i4_text_that_looks_like_something_else_is_kept(read: Read, text: str) -> None:
    """A cell that looks like a number or a truth value stays the text that it is."""
    assert [(text, "z")] == read(f"a,b\n{text},z\n".encode()).good


@pytest.mark.parametrize("text", ["NA", "null", "None", "nan", "N/A", "#N/A", "NULL"])
def test_i5_words_that_mean_nothing_elsewhere_are_kept(read: Read, text: str) -> None:
    """Cells such as `NA`, `null` and `None` stay the text that they are."""
    assert [(text, "z")] == read(f"a,b\n{text},z\n".encode()).good


def test_i6_a_column_with_blanks_keeps_its_digits(read: Read) -> None:
    """A telephone number in a column with empty cells gets no decimal point."""
    seen = read(b"name,phone\na,5127891111\nb,\n")

    assert [("a", "5127891111"), ("b", "")] == seen.good


@pytest.mark.parametrize("header", [b"\xef\xbb\xbfa,b", b'\xef\xbb\xbf"a","b"'])
def test_i7_a_byte_order_mark_is_no_part_of_the_first_name(read: Read, header: bytes) -> None:
    """A byte order mark before the header is no part of the first name, in quotes or not."""
    seen = read(header + b"\r\n1,2\r\n")

    assert ("a", "b") == seen.columns
    assert [("1", "2")] == seen.good
    assert seen.description == "CSV, comma, UTF-8 with BOM"


@pytest.mark.parametrize("codec", ["utf-16", "utf-32"])
def test_i8_wide_text_is_recognised_by_its_mark(read: Read, codec: str) -> None:
    """A list in UTF-16 or UTF-32, such as Excel's Unicode text, is told by its byte order mark."""
    seen = read("name\tcity\r\nJosé\t北京\r\nx\ty\r\n".encode(codec), "leads.txt")

    assert [("José", "北京"), ("x", "y")] == seen.good
    assert [2, 3] == [row.line_number for row in seen.rows]
    assert f"TSV, {codec.upper()} with BOM" == seen.description


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_i8_wide_text_without_a_mark_is_named_and_readable_when_named(
    read: Read, codec: str
) -> None:
    """A list in UTF-16 without its mark is refused, with the encoding to give."""
    content = "name,city\nJosé,Köln\n".encode(codec)

    with pytest.raises(InputError) as refused:
        read(content)

    assert f"--encoding {codec}" in refused.value.advice
    assert [("José", "Köln")] == read(content, encoding=codec).good


def test_i9_bytes_that_are_not_utf_8_refuse_the_input(read: Read) -> None:
    """A byte that is not UTF-8 refuses the list, with its line and the encoding that is likely."""
    content = "name,city\nAnn,Rome\nJosé,Málaga\nRenée,Besançon\n".encode("cp1252")

    with pytest.raises(InputError) as refused:
        read(content)

    assert "leads.csv, line 3: byte 0xe9 at place 4 of the line is not UTF-8" in str(refused.value)
    assert "--encoding cp1252" in refused.value.advice
    assert "Jos" not in str(refused.value)


def test_i9_a_given_encoding_makes_a_bad_row_invalid_and_reads_the_rest(read: Read) -> None:
    """With an encoding given, a line that is not in it is one invalid row, and the rest is read."""
    seen = read(b"a,b\nJos\xc3\xa9,1\nbad\xff,2\nx,3\n", encoding="utf-8")

    assert {2: (3, "the line is not UTF-8")} == seen.bad
    assert [("José", "1"), ("x", "3")] == seen.good


def test_a_given_encoding_is_used(read: Read) -> None:
    """Bytes mean what the user says that they mean."""
    seen = read("a,b\nJosé,€\n".encode("cp1252"), encoding="Windows-1252")

    assert [("José", "€")] == seen.good
    assert "CSV, comma, CP1252" == seen.description


@pytest.mark.parametrize("name", ["nonsense", "base64", "cp037x"])
def test_an_unknown_encoding_is_refused(read: Read, name: str) -> None:
    """A name that is no text encoding is an error, not a guess."""
    with pytest.raises(InputError, match="not known"):
        read(b"a\n1\n", encoding=name)


def test_an_encoding_that_contradicts_the_mark_is_refused(read: Read) -> None:
    """Two statements about one file cannot both hold."""
    with pytest.raises(InputError, match="byte order mark of UTF-8"):
        read(b"\xef\xbb\xbfa\n1\n", encoding="cp1252")


def test_an_encoding_whose_line_ends_are_not_ascii_is_transcoded(read: Read) -> None:
    """A mainframe's list is read in lines like any other."""
    assert [("1", "2")] == read("a,b\n1,2\n".encode("cp037"), encoding="cp037").good


def test_i10_a_nul_makes_its_row_invalid(read: Read) -> None:
    """A row with a NUL character is invalid, and so is a block of them at the end of the file."""
    seen = read(b"a,b\n1,\x00\n3,4\n" + b"\x00" * 5000)

    assert {1: 2, 3: 4} == {number: line for number, (line, _) in seen.bad.items()}
    assert [("3", "4")] == seen.good


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_i11_line_ends_inside_quotes_belong_to_the_cell(read: Read, end: str) -> None:
    """Line ends inside quotes belong to the cell; rows are counted as rows, and lines as lines."""
    content = f'a,b{end}1,"x{end}y{end}z"{end}2,w{end}'.encode()

    seen = read(content)

    assert [("1", f"x{end}y{end}z"), ("2", "w")] == seen.good
    assert [(1, 2), (2, 5)] == [(row.number, row.line_number) for row in seen.rows]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"a,b\r1,2\r3,4\r", id="cr-only"),
        pytest.param(b"a,b\r1,2\r3,4", id="cr-only-no-end"),
        pytest.param(b"a,b\r\n1,2\n3,4\r\n", id="crlf-and-lf"),
        pytest.param(b"a,b\n1,2\r3,4\r\n", id="all-three"),
    ],
)
def test_i12_line_ends_may_be_mixed(read: Read, content: bytes) -> None:
    """LF, CRLF and CR each end a line, in one file, too."""
    seen = read(content)

    assert [("1", "2"), ("3", "4")] == seen.good
    assert [(1, 2), (2, 3)] == [(row.number, row.line_number) for row in seen.rows]


def test_i13_an_unclosed_quote_is_an_error_at_its_line(read: Read) -> None:
    """A quote that is never closed refuses the list, with the line where it opens."""
    with pytest.raises(InputError, match="line 3: a quote opens"):
        read(b'a,b\n1,2\n3,"x\n' + b"4,5\n" * 1000)


def test_i13_an_unclosed_quote_is_found_within_the_record_limit(read: Read) -> None:
    """A quote that runs on beyond `record_bytes_max` refuses the list, with its line."""
    content = b'a,b\n3,"x\n' + b"4,5\n" * 1000 + b'"\n6,7\n'

    with pytest.raises(InputError, match="line 2: a quote opens"):
        read(content, record_bytes_max=256, cell_bytes_max=64)


def test_i13_a_quote_that_closes_far_below_is_an_error_at_its_line(read: Read) -> None:
    """A quote that is closed only by one of another row, far below, refuses the list.

    The rows between would be lost in one invalid row; the message names the line of the quote.
    """
    rows = b"4,5\n" * 100

    with pytest.raises(InputError, match="line 3: a quote opens"):
        read(b'a,b\n1,2\n3,"x\n' + rows + b'6,"y"\n7,8\n')
    seen = read(b'a,b\n1,2\n3,"x\n' + rows[: 98 * 4] + b'6,"y"\n7,8\n')
    assert {2: (3, "text follows the closing quote of a cell; the row takes 100 lines")} == seen.bad
    assert [("1", "2"), ("7", "8")] == seen.good


def test_i14_a_stray_quote_is_text(read: Read) -> None:
    """A quote inside a cell that does not begin with one is text like any other character."""
    assert [('x"y', '5" disk')] == read(b'a,b\nx"y,5" disk\n').good


def test_a_cell_that_goes_on_after_its_closing_quote_makes_the_row_invalid(read: Read) -> None:
    """Where the cells of such a row end cannot be told; the rows after it can be read."""
    seen = read(b'a,b\n"x" y,1\n2,3\n4,5\n')

    assert {1: (2, "text follows the closing quote of a cell")} == seen.bad
    assert [("2", "3"), ("4", "5")] == seen.good


def test_the_rest_of_a_row_with_broken_quotes_is_never_sent_as_a_row(read: Read) -> None:
    """A broken row of two lines leaves a second line that fits the header by chance."""
    seen = read(b'a,b\n"He said "hi" to\nme",x\n2,3\n')

    assert [1, 2] == list(seen.bad)
    assert [("2", "3")] == seen.good


def test_a_row_with_broken_quotes_may_have_many_lines(read: Read) -> None:
    """Until a row is whole again, lines with an odd number of quotes are suspect."""
    seen = read(b'a,b\n"He said "hi" to\nall of us\nand me",x\n2,3\n4,5"\n')

    assert [1, 2, 3] == list(seen.bad)
    assert [("2", "3"), ("4", '5"')] == seen.good


def test_names_are_kept_as_they_are(read: Read) -> None:
    """Duplicate and empty names stay visible; only outer white space goes, and is reported."""
    seen = read("email, Email ,,email,\u200bphone\ufeff\n1,2,3,4,5\n".encode())

    assert ("email", "Email", "", "email", "phone") == seen.columns
    assert (" Email ", "\u200bphone\ufeff") == seen.trimmed


@pytest.mark.parametrize(
    ("content", "columns", "cells"),
    [
        pytest.param(b"", (), [], id="empty"),
        pytest.param(b"\n\r\n", (), [], id="only-blank-lines"),
        pytest.param(b"a,b", ("a", "b"), [], id="only-header-no-end"),
        pytest.param(b"a,b\n", ("a", "b"), [], id="only-header"),
        pytest.param(b"\n\na,b\n\n1,2\n\n\n3,4\n", ("a", "b"), [("1", "2"), ("3", "4")], id="gaps"),
        pytest.param(b'a\n\n1\n""\n\n', ("a",), [("1",), ("",)], id="one-column"),
        pytest.param(b"\xef\xbb\xbf", (), [], id="only-a-mark"),
    ],
)
def test_i17_nothing_and_blank_lines_are_no_rows(
    read: Read, content: bytes, columns: tuple[str, ...], cells: list[tuple[str, ...]]
) -> None:
    """Blank lines are no rows and take no row number; an empty file has no rows either."""
    seen = read(content)

    assert columns == seen.columns
    assert cells == seen.good
    assert list(range(1, len(cells) + 1)) == [row.number for row in seen.rows]


def test_i17_blank_lines_count_as_lines(read: Read) -> None:
    """The line number of a row is that in the file: blank lines count."""
    assert [3, 6] == [row.line_number for row in read(b"a,b\n\n1,2\n\n\n3,4\n").rows]


def test_i18_too_many_columns_are_refused(read: Read) -> None:
    """A list with more columns than the limit is refused, with their number and the limit."""
    with pytest.raises(InputError, match=r"2,001 columns; the limit is 2,000"):
        read(b",".join(b"c%d" % number for number in range(2001)) + b"\n")


def test_i19_a_cell_beyond_the_limit_makes_its_row_invalid(read: Read) -> None:
    """A cell that is one byte longer than the limit makes its row invalid, and no other."""
    content = b"a,b\n" + b"x" * 64 + b",1\n" + b"x" * 65 + b",2\nz,3\n"

    seen = read(content, cell_bytes_max=64)

    assert {2: (3, "a cell is longer than 64 bytes")} == seen.bad
    assert 2 == len(seen.good)


def test_the_standard_librarys_own_limit_does_not_show(read: Read) -> None:
    """A cell of one MiB is read."""
    cell = "x" * 1024 * 1024

    assert [(cell, "1")] == read(f"a,b\n{cell},1\n".encode()).good


def test_i19_a_quote_that_opens_in_a_line_beyond_the_limit_is_not_lost(read: Read) -> None:
    """A row whose line is too long is one invalid row, with all the lines that its quotes hold."""
    content = b'a,b\n1,"' + b"x" * 900 + b'\nlooks,like a row\nends"\n2,3\n'

    seen = read(content, record_bytes_max=256, cell_bytes_max=128)

    assert {1: (2, "the line is longer than 256 bytes")} == seen.bad
    assert [(2, 5, ("2", "3"))] == [(r.number, r.line_number, r.cells) for r in seen.rows[1:]]


@pytest.mark.parametrize("more", range(66))
def test_a_line_beyond_the_limit_may_end_anywhere(read: Read, more: int) -> None:
    """Its CRLF is one line end wherever the blocks of the reading fall."""
    content = b"a,b\r\n1," + b"x" * (900 + more) + b"\r\n2,3\r\n"

    seen = read(content, record_bytes_max=256, cell_bytes_max=128)

    assert [2, 3] == [row.line_number for row in seen.rows]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("cell_bytes_max", range(16, 50))
def test_a_line_end_is_one_wherever_the_blocks_fall(
    read: Read, end: str, cell_bytes_max: int
) -> None:
    """Half a CRLF at the end of a block is no line end of its own."""
    lines = ["a,b", *(f"{'x' * (number % 14)},{number}" for number in range(60))]

    seen = read(end.join(lines).encode(), cell_bytes_max=cell_bytes_max)

    assert list(range(2, 62)) == [row.line_number for row in seen.rows]
    assert lines[1:] == [",".join(cells) for cells in seen.good]


@pytest.mark.parametrize("quote", [b"", b'"'])
def test_i19_a_line_beyond_the_record_limit_is_passed_over(read: Read, quote: bytes) -> None:
    """A line longer than `record_bytes_max` is one invalid row, and the rest is read."""
    content = b"a,b\n1," + quote + b"x" * 900 + quote + b"\r\n2,3\r\n"

    seen = read(content, record_bytes_max=256, cell_bytes_max=128)

    assert {1: (2, "the line is longer than 256 bytes")} == seen.bad
    assert [("2", "3")] == seen.good
    assert [2, 3] == [row.line_number for row in seen.rows]


def test_a_row_of_empty_cells_is_a_row(read: Read) -> None:
    """Whoever maps it decides; it keeps its number."""
    assert [("", ""), ("1", "2")] == read(b"a,b\n,\n1,2\n").good


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a,b\n1,2\n", "CSV, comma, UTF-8"),
        (b"a;b\n1,5;2\n3,5;x, y\n", "CSV, semicolon, UTF-8"),
        (b"a\tb\n1\t2, 3\n", "TSV, UTF-8"),
        (b"a|b\n1|2;3;4\n", "CSV, bar, UTF-8"),
        (b"a\n1;2\n", "CSV, comma, UTF-8"),
        (b"first,last;nick,mail\na,b,c\nd,e,f\n", "CSV, comma, UTF-8"),
        (b'"x;y",b\n"1;2",3\n', "CSV, comma, UTF-8"),
        (b"sep=;\r\na;b\r\n1;2\r\n", "CSV, semicolon, UTF-8"),
    ],
)
def test_the_delimiter_is_found_and_stated(read: Read, content: bytes, words: str) -> None:
    """It is the one with which the rows are as wide as the header."""
    assert words == read(content).description


def test_excels_statement_of_the_delimiter_is_no_header(read: Read) -> None:
    """The line is skipped, and counts as a line."""
    seen = read(b"sep=;\r\na;b\r\n1;2,5\r\n")

    assert ("a", "b") == seen.columns
    assert [(3, ("1", "2,5"))] == [(row.line_number, row.cells) for row in seen.rows]


def test_a_given_delimiter_is_obeyed(read: Read) -> None:
    """No detection overrules the user."""
    assert ("a;b", "c") == read(b"a;b:c\n1;2:3\n", delimiter=":").columns


def test_a_tab_suffix_means_tabs(read: Read) -> None:
    """A TSV file of one column is not split at its commas."""
    assert ("a, b",) == read(b"a, b\nc, d\n", "leads.tsv").columns


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04rest", "Excel"),
        (b"\xd0\xcf\x11\xe0rest", "Excel"),
        (b"%PDF-1.7", "PDF"),
    ],
)
def test_a_file_that_is_no_list_is_named(read: Read, content: bytes, words: str) -> None:
    """A workbook is refused with the way out, not read as garbage."""
    with pytest.raises(InputError, match=words):
        read(content)


def test_a_broken_header_is_refused(read: Read) -> None:
    """Without a header nothing can be mapped."""
    for content in (b'a,"b\n1,2\n', b"a,\x00b\n1,2\n", b'"a"x,b\n1,2\n'):
        with pytest.raises(InputError, match="line 1: the"):
            read(content)


@pytest.mark.parametrize(
    ("content", "cells", "lines"),
    [
        pytest.param(b"1,x\n2,y\n", [("1", "x"), ("2", "y")], [1, 2], id="plain"),
        pytest.param(b"\xef\xbb\xbf1,x\n2,y\n", [("1", "x"), ("2", "y")], [1, 2], id="mark"),
        pytest.param(b'\n\n"1\n",x\n2,y', [("1\n", "x"), ("2", "y")], [3, 5], id="blank-lines"),
        pytest.param(b"sep=;\r\n1;x\r\n2;y", [("1", "x"), ("2", "y")], [2, 3], id="sep"),
    ],
)
def test_i16_without_a_header_the_first_line_is_the_first_row(
    read: Read, content: bytes, cells: list[tuple[str, ...]], lines: list[int]
) -> None:
    """Without a header the first line is row 1, and the columns are called by their place."""
    seen = read(content, header=False)

    assert ("column_1", "column_2") == seen.columns
    assert cells == seen.good
    assert lines == [row.line_number for row in seen.rows]
    assert seen.description.endswith(", no header")


def test_i16_without_a_header_the_first_row_must_be_sound(read: Read) -> None:
    """Without a header a first row that cannot be read refuses the list: it tells the columns."""
    for content in (b'1,"b\n1,2\n', b"1,\x00b\n1,2\n", b'"a"x,b\n1,2\n'):
        with pytest.raises(InputError, match="line 1: the first row"):
            read(content, header=False)
    assert [2] == list(read(b"1,2\n3\n4,5\n", header=False).bad)
    assert () == read(b"\n", header=False).columns
