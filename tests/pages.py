"""Reads a page as a browser would, strictly: every tag closed, every attribute once.

And judges its colours: ``contrast`` is that of WCAG 2.2, "contrast ratio".
"""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

_VOID: Final = frozenset({"meta", "link", "br", "img", "input", "hr"})
_COLOR: Final = re.compile(r"--([a-z]+): (#[0-9a-f]{6});")


@dataclass
class Element:
    """A tag, its attributes, the tags around it, and the text that is right in it."""

    tag: str
    attributes: dict[str, str]
    inside: list["Element"] = field(default_factory=list, repr=False)
    own_text: str = ""

    @property
    def text(self) -> str:
        """All text in it."""
        return self.own_text + "".join(child.text for child in self.inside)

    def every(self, tag: str) -> list["Element"]:
        """Return the elements of this tag in it, in order."""
        found = [self] if self.tag == tag else []
        return found + [entry for child in self.inside for entry in child.every(tag)]

    def all_of_it(self) -> list["Element"]:
        """Return it and every element in it."""
        return [self, *(entry for child in self.inside for entry in child.all_of_it())]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.top = Element("", {})
        self.open = [self.top]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        closed = self.open.pop().tag
        assert closed == tag, f"</{tag}> closes <{closed}>"

    def handle_data(self, data: str) -> None:
        self.open[-1].own_text += data


def parsed(page: str) -> Element:
    """Return the page's tree."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert [reader.top] == reader.open, "a tag is not closed"
    return reader.top


def policy_of(page: str) -> str:
    """Return what the page forbids itself."""
    (policy,) = [
        meta.attributes["content"]
        for meta in parsed(page).every("meta")
        if meta.attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    return policy


def style_digest(page: str) -> str:
    """Return the digest of the page's one style sheet, as a policy names it."""
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def palettes(page: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the colours of the page by their names: in light, and in dark."""
    light_text, _, dark_text = page.partition("prefers-color-scheme: dark")
    light = dict(_COLOR.findall(light_text))
    return light, light | dict(_COLOR.findall(dark_text))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    dark, bright = sorted((_luminance(one), _luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def _luminance(color: str) -> float:
    red, green, blue = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    parts = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (red, green, blue)
    )
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))
