"""matplotlib's SVG, made part of a page: colours of the page's, and no style but in its sheet.

The page allows one style sheet, known by its digest, and nothing else. So each ``style`` becomes a
class; drawn colours are names (``INKS``) that the sheet gives a value, one for light and one for
dark. Pure.
"""

import re
from typing import Final

# What matplotlib is given as a colour -> what the page calls it.
INKS: Final = {
    "#000001": "ink",
    "#000002": "quiet",
    "#000003": "grid",
    "#000004": "paper",
    "#000005": "good",
    "#000006": "bad",
    "#000007": "none",
    "#000008": "low",
    "#000009": "high",
    "#00000a": "top",
}
_STYLE: Final = re.compile(r' style="([^"]*)"')
_ID: Final = re.compile(r' id="([^"]*)"')
_USED: Final = re.compile(r"#([A-Za-z_][\w.-]*)")
_HEAD: Final = re.compile(r"\A.*?<svg\b[^>]*viewBox=\"([^\"]*)\"[^>]*>", re.DOTALL)
_OWN_STYLE: Final = re.compile(r"<defs>\s*<style\b.*?</style>\s*</defs>\s*", re.DOTALL)
_SPACES: Final = re.compile(r"\s+")
_BETWEEN: Final = re.compile(r"> <")
_SIZE: Final = re.compile(r"[\d.]+px")


class StyleSheet:
    """The rules that drawings need; each is written once."""

    def __init__(self) -> None:
        self._classes: dict[str, str] = {}

    def class_of(self, style: str) -> str:
        """Return the class that stands for a style."""
        return self._classes.setdefault(_rule(style), f"d{len(self._classes)}")

    def text(self) -> str:
        """Return the rules."""
        return "".join(f".{name}{{{rule}}}\n" for rule, name in self._classes.items())


def inlined(drawn: str, sheet: StyleSheet) -> tuple[str, str]:
    """Return the view box of a drawing, and what it is made of.

    Args:
        drawn: A file of matplotlib's, its ids salted, so that no other drawing has the same.
        sheet: Takes the rules that it needs.
    """
    head = _HEAD.search(drawn)
    if head is None:  # pragma: no cover  # matplotlib has always written one
        raise ValueError("not a drawing of matplotlib's")
    body = _OWN_STYLE.sub("", drawn[head.end() :]).rpartition("</svg>")[0]
    body = body.replace("xlink:href=", "href=")
    body = _STYLE.sub(lambda found: f' class="{sheet.class_of(found[1])}"', body)
    used = set(_USED.findall(body))
    body = _ID.sub(lambda found: found[0] if found[1] in used else "", body)
    return head[1], _BETWEEN.sub("><", _SPACES.sub(" ", body)).strip()


def _rule(style: str) -> str:
    declarations = []
    for declaration in style.split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if name == "font":  # older matplotlib: "12px 'DejaVu Sans', ..."
            size = _SIZE.search(value)
            name, value = "font-size", size[0] if size else "12px"
        if name and name != "font-family":
            ink = INKS.get(value)
            declarations.append(f"{name}:{f'var(--{ink})' if ink else value}")
    return ";".join(declarations)
