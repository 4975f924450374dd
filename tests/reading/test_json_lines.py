from collections.abc import Callable
from typing import Any

import pytest

from bulkpost.errors import InputError

Read = Callable[..., Any]
NO_OBJECT = "the line is not a JSON object"


def test_values_are_the_text_that_stands_there(read: Read) -> None:
    """Numbers keep their digits; true, false and null have one form each."""
    line = b'{"a": 1.10, "b": 12345678901234567890123, "c": true, "d": null, "e": "0123", "f": 1e5}'

    seen = read(line + b"\n", "leads.jsonl")

    assert ("a", "b", "c", "d", "e", "f") == seen.columns
    assert [("1.10", "12345678901234567890123", "true", "", "0123", "1e5")] == seen.good
    assert "JSON Lines, UTF-8" == seen.description


def test_columns_are_all_keys_in_order_of_first_appearance(read: Read) -> None:
    """A key that comes late is a column, and empty where it is missing."""
    seen = read(b'{"b": "1"}\n\n{"a": "2", "b": "3"}\n  \n{"c": "4"}')

    assert ("b", "a", "c") == seen.columns
    assert [("1", "", ""), ("3", "2", ""), ("", "", "4")] == seen.good
    assert [1, 3, 5] == [row.line_number for row in seen.rows]


def test_nested_objects_become_dotted_names(read: Read) -> None:
    """LeadConduit's own spelling of nested fields."""
    seen = read(b'{"loan": {"amount": 5, "x": {"y": false}}, "empty": {}}\n')

    assert {"loan.amount": "5", "loan.x.y": "false"} == dict(
        zip(seen.columns, seen.cells[0], strict=True)
    )


@pytest.mark.parametrize(
    ("line", "defect"),
    [
        (b'{"a": [1]}', "the value of 'a' is a list: a field takes one text"),
        (b'{"b": {"c": []}}', "the value of 'b.c' is a list: a field takes one text"),
        (b'{"a": 1, "a": 2}', "a key stands twice in the object"),
        (b'{"a": {"b": 1}, "a.b": 2}', "a key stands twice in the object"),
        (b'{"a": 1', NO_OBJECT),
        (b'{"a": NaN}', NO_OBJECT),
        (b"5", NO_OBJECT),
        (b"null", NO_OBJECT),
        (b'{"a": "\\u0000"}', "a cell holds a NUL character"),
        (b'{"a": "\\ud800"}', "a cell holds half a character (a lone surrogate)"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "the object is nested too deeply"),
        (b'{"a": "' + b"x" * 1024 * 1025 + b'"}', "a cell is longer than 1,048,576 bytes"),
    ],
)
def test_a_line_of_which_no_row_can_be_made_is_invalid(
    read: Read, line: bytes, defect: str
) -> None:
    """It spoils no other, and keeps its number."""
    seen = read(b'{"a": "1"}\n' + line + b'\n{"a": "2"}\n', "leads.jsonl")

    assert {2: (2, defect)} == seen.bad
    assert ["1", "2"] == [cells[seen.columns.index("a")] for cells in seen.good]


def test_a_json_array_is_refused_with_the_way_out(read: Read) -> None:
    """A file of one array is not a file of lines; an array amid the lines is named by its line."""
    for content, line in ((b'[{"a": 1}]', 1), (b'{"a": 1}\n\n [{"a": 2}]\n', 3)):
        with pytest.raises(InputError, match=f"line {line}: a JSON array, and not") as refused:
            read(content)
        assert "jq -c '.[]' FILE" in refused.value.advice


@pytest.mark.parametrize("content", [b'{\n "a": 1\n}\n', b'{ "a": 1,\n "b": 2}\n', b"{}\n{}\n"])
def test_an_object_over_several_lines_is_refused_and_not_taken_for_nothing(
    read: Read, content: bytes
) -> None:
    """JSON made for reading has no line that is an object: an error, not an empty list."""
    with pytest.raises(InputError, match="no line is a JSON object") as refused:
        read(content)

    assert "jq -c . FILE" in refused.value.advice


def test_too_many_keys_are_refused(read: Read) -> None:
    """Memory does not grow with the keys."""
    with pytest.raises(InputError, match="the limit is 3"):
        read(b"".join(b'{"k%d": 1}\n' % number for number in range(50)), columns_max=3)


def test_a_mark_at_the_beginning_is_no_json(read: Read) -> None:
    """A byte order mark is passed over."""
    assert [("1",)] == read(b'\xef\xbb\xbf{"a": 1}\n').good
