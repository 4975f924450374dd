from pathlib import Path

import anyio
import pytest
from browser import Seen, browser, seen
from hostile_runs import HOSTILE, NAME, hostile_page
from pages import contrast, palettes

_WIDTHS = (390, 1280)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page on which every text from outside would be markup, if it could."""
    browser()
    folder = tmp_path_factory.mktemp("page")
    path = folder / "report.html"
    path.write_text(anyio.run(hostile_page, folder), "utf-8")
    return path


@pytest.fixture(scope="module")
def shown(page: Path, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """What a browser made of it, on a telephone and on a desk."""
    return seen(page, _WIDTHS, tmp_path_factory.mktemp("browser"))


def test_nothing_leaves_and_nothing_is_said(shown: Seen) -> None:
    """No request and no word on the console but those that prove that they would be seen."""
    assert shown.requests == ["GET http://control.invalid/seen.png HTTP/1.1"]
    assert [True] == ["control-word" in line for line in shown.console]


def test_a_hostile_text_is_text_to_a_browser_too(shown: Seen) -> None:
    """It builds no element of it, and shows it as it is."""
    for frame in shown.frames:
        assert 0 == frame["markup"]
        assert set(HOSTILE[:-1]) <= set(frame["cells"])
        assert NAME in frame["heading"]


def test_the_page_fits_a_telephone_and_a_desk(shown: Seen) -> None:
    """Nothing is wider than the screen, no label is cut or lies on another, no text is tiny."""
    assert list(_WIDTHS) == [frame["width"] for frame in shown.frames]
    for frame in shown.frames:
        assert frame["width"] == frame["scroll_width"]
        assert [] == frame["too_wide"]
        assert ([], []) == (frame["clashes"], frame["outside"])
        assert 4 == frame["drawings"]
        assert frame["smallest_px"] >= 11


def test_the_style_sheet_is_obeyed_in_light_and_in_dark(
    page: Path, shown: Seen, tmp_path: Path
) -> None:
    """The policy lets it through, and whoever wants dark pages gets one, drawings too."""
    dark = seen(page, _WIDTHS[1:], tmp_path, is_dark=True).frames[0]
    light = shown.frames[1]

    for frame, palette in zip((light, dark), palettes(page.read_text("utf-8")), strict=True):
        assert _rgb(palette["ink"]) == frame["ink"] == frame["label"]
        assert _rgb(palette["paper"]) == frame["paper"]
        assert contrast(palette["ink"], palette["paper"]) > 7


def _rgb(color: str) -> str:
    red, green, blue = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgb({red}, {green}, {blue})"
