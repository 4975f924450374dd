"""What holds for every type and every text."""

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import bulkpost.fields
from bulkpost.fields import parse
from bulkpost.fields.catalogue import FINDINGS
from bulkpost.fields.field_type import FieldType
from bulkpost.finding import Finding

AS_OF = datetime(2026, 11, 22, 12, tzinfo=UTC)
# Pieces that the types' rules look for, so that chance finds more than noise.
PIECES = st.lists(
    st.one_of(
        st.text(max_size=4),
        st.sampled_from(
            [
                *("0", "1", "12", "31", "1995", "2024", "512", "555", "0143", "-", "/", ".", ","),
                *(":", "@", "<", ">", "(", ")", "[", "]", '"', "\\", "+", "*", "$", "x", "h", "m"),
                *("Jan", "May", "Mon", " to ", "http://", "://", "::", "ffff", "TX", "K1A", "0B1"),
                *("gmail.com", "n/a", "é", "\u00a0", "\ufeff", "\ud7ff", "😀", "\x00", "\n", "\t"),
            ]
        ),
    ),
    max_size=12,
).map("".join)
TEXTS = st.one_of(st.text(), PIECES)


def findings() -> Iterator[Finding]:
    for module in iter_modules(bulkpost.fields.__path__):
        for value in vars(import_module(f"bulkpost.fields.{module.name}")).values():
            if isinstance(value, Finding):
                yield value


@pytest.mark.parametrize("field_type", list(FieldType))
@given(text=TEXTS)
@example(text="")
@example(text="\x00")
@example(text="0" * 400)
@example(text="-." * 400)
def test_no_text_ever_fails_and_the_same_text_reads_the_same(
    field_type: FieldType, text: str
) -> None:
    """Whatever stands in a cell, there is an answer, and the same one again."""
    parsed = parse(field_type, text, as_of=AS_OF)

    assert parsed == parse(str(field_type), text, as_of=AS_OF)
    assert len({finding.code for finding in parsed.warnings}) == len(parsed.warnings)


@pytest.mark.parametrize("field_type", [FieldType.DATE, FieldType.DOB])
@given(text=PIECES, as_of=st.datetimes(timezones=st.sampled_from([None, UTC])))
def test_no_day_fails_either(field_type: FieldType, text: str, as_of: datetime) -> None:
    """A date is read on the last of February and in the year 1 as well."""
    assert parse(field_type, text, as_of=as_of) == parse(field_type, text, as_of=as_of)


@pytest.mark.parametrize("field_type", list(FieldType))
def test_an_empty_cell_is_no_reason_to_say_anything(field_type: FieldType) -> None:
    """Empty cells are not sent, so nothing about them is worth a word."""
    parsed = parse(field_type, "", as_of=AS_OF)

    wordless = {FieldType.POSTAL_CODE, FieldType.BOOLEAN, FieldType.NUMBER}
    assert () == parsed.warnings
    assert parsed.value == "" or field_type in wordless


def test_an_unknown_type_is_a_mistake_of_the_caller() -> None:
    """A type that LeadConduit has not is refused by name."""
    with pytest.raises(ValueError, match="unknown field type: credit_card"):
        parse("credit_card", "4111", as_of=AS_OF)


def test_a_certificate_link_is_left_alone() -> None:
    """TrustedForm's links can be judged by their maker only: any text passes unchanged."""
    parsed = parse("trustedform_url", "https://cert.trustedform.com/ab", as_of=AS_OF)
    assert (True, "https://cert.trustedform.com/ab", {}) == (
        parsed.valid,
        parsed.value,
        parsed.parts,
    )


def test_findings_have_one_code_each_and_no_room_for_a_value() -> None:
    """A code means one thing, a message is one sentence, and no finding has a gap to fill in."""
    by_code: dict[str, set[Finding]] = {}
    for finding in findings():
        by_code.setdefault(finding.code, set()).add(finding)

    assert len(by_code) > 60
    for code, same in by_code.items():
        (finding,) = same
        assert code.replace("_", "").isalpha(), code
        assert code.islower(), code
        assert not finding.message.endswith("."), code
        assert ". " not in finding.message, code
        assert finding.advice.endswith("."), code
        assert not set("{}%") & set(finding.message + finding.advice), code


@pytest.mark.parametrize("field_type", [FieldType.SSN, FieldType.CREDENTIAL, FieldType.DOB])
@given(text=st.from_regex(r"[0-9]{3}-?[0-9]{2}-?[0-9]{4}", fullmatch=True))
def test_no_warning_and_no_repr_tells_a_sensitive_value(field_type: FieldType, text: str) -> None:
    """What is said of a secret is the same for every secret of its kind."""
    parsed = parse(field_type, text, as_of=AS_OF)

    assert set(parsed.warnings) <= set(findings())
    assert text not in repr(parsed)
    assert text.replace("-", "") not in repr(parsed)


def test_nothing_is_kept_of_what_was_read() -> None:
    """After a number was read, no cache of a module holds it: only six digits of a telephone's."""
    from bulkpost.fields import phone, ssn  # noqa: PLC0415

    parse("ssn", "219-45-6789", as_of=AS_OF)
    parse("phone", "(512) 789-1111", as_of=AS_OF)

    assert not [name for name, value in vars(ssn).items() if hasattr(value, "cache_info")]
    info = phone._region.cache_info()  # noqa: SLF001  # the one cache that grows
    assert info.maxsize is not None
    assert not any("219456789" in repr(value) for value in vars(ssn).values())


MEGABYTES = """
    import resource
    from datetime import UTC, datetime
    from bulkpost.fields import parse
    from bulkpost.fields.field_type import FieldType

    # Linear rules need a few seconds for all of it; one quadratic one needs hours.
    resource.setrlimit(resource.RLIMIT_CPU, (40, 40))
    as_of = datetime(2026, 11, 22, 12, tzinfo=UTC)
    for field_type in FieldType:
        for seed in ("9", "a ", "1-", "a@", "( 1", '"', "jan ", "::"):
            parse(field_type, seed * (1_000_000 // len(seed)) + "!", as_of=as_of)
    print("done")
"""


def test_a_megabyte_in_a_cell_is_read_in_time_proportional_to_it() -> None:
    """Texts made to trap a backtracking pattern do not: the processor's time has an upper limit."""
    done = subprocess.run(  # noqa: S603  # our own interpreter and text
        [sys.executable, "-c", textwrap.dedent(MEGABYTES)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert (0, "done\n") == (done.returncode, done.stdout), done.stderr


def test_the_catalogue_has_every_finding() -> None:
    """A code that can be found can be refused by name."""
    assert {finding.code: finding for finding in findings()} == FINDINGS
