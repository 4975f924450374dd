"""XML text becomes a lead.

Observed: the root's name does not matter, attributes are fields, a name that comes again makes an
array, text is not trimmed, names with dots stay whole, and nothing after the root is read. Only
character references and XML's five entities are known, so no document can grow while it is read.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

_DEPTH_MAX: Final = 200
_ENTITIES: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_ENTITY_NAME = re.compile(r"#?[A-Za-z0-9_:.\-]*", re.ASCII)
_NUMBER = re.compile(r"#(?:[xX](?P<hex>[0-9a-fA-F]{1,6})|(?P<decimal>[0-9]{1,7}))", re.ASCII)
_NAME = re.compile(r"[^\W\d][\w:.\-]*")
_SPACE = re.compile(r"[ \t\r\n]*")
_TEXT_KEY: Final = "_"


@dataclass(slots=True)
class _Element:
    name: str
    fields: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    has_cdata: bool = False

    def add(self, name: str, value: Any) -> None:
        if name not in self.fields:
            self.fields[name] = value
        elif isinstance(self.fields[name], list):
            self.fields[name].append(value)
        else:
            self.fields[name] = [self.fields[name], value]

    def value(self) -> Any:
        """Return what the element says: text alone, or fields with the text under ``_``."""
        if not self.fields:
            return self.text
        if self.text.strip() or self.has_cdata:
            return {_TEXT_KEY: self.text, **self.fields}
        return self.fields


def parse_xml(text: str) -> Any:
    """Read one document: a mapping, or a text if the root holds no elements.

    Raises:
        ValueError: It is not XML; the message is the text of LeadConduit's answer.
    """
    return _Reader(text).read()


class _Reader:
    """Reads one document from front to end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._open: list[_Element] = []
        self._root: _Element | None = None

    def read(self) -> Any:
        markup: tuple[tuple[str, Callable[[], None]], ...] = (
            ("<!--", self._comment),
            ("<![CDATA[", self._cdata),
            ("<!", self._declaration),
            ("<?", self._instruction),
            ("</", self._end_tag),
            ("<", self._start_tag),
        )
        while self._root is None:
            if self._at >= len(self._text):
                raise self._error("Unclosed root tag", self._at)
            for opening, reader in markup:
                if self._text.startswith(opening, self._at):
                    reader()
                    break
            else:
                self._characters()
        return self._root.value()

    def _characters(self) -> None:
        end = self._text.find("<", self._at)
        end = len(self._text) if end < 0 else end
        if self._open:
            self._open[-1].text += self._decoded(self._at, end)
        elif (blank := _SPACE.match(self._text, self._at, end)) and blank.end() < end:
            raise self._error("Non-whitespace before first tag.", blank.end())
        self._at = end

    def _comment(self) -> None:
        self._skip_past("-->", "Malformed comment")

    def _instruction(self) -> None:
        self._skip_past("?>", "Unclosed processing instruction")

    def _declaration(self) -> None:
        """Skip a document type, its entities with it: they stay unknown."""
        inner, end = self._text.find("[", self._at), self._text.find(">", self._at)
        if 0 <= inner < end:
            self._skip_past("]", "Unclosed document type")
        self._skip_past(">", "Unclosed document type")

    def _cdata(self) -> None:
        if not self._open:
            raise self._error("Non-whitespace before first tag.", self._at)
        start = self._at + len("<![CDATA[")
        self._skip_past("]]>", "Unclosed CDATA section")
        self._open[-1].text += self._text[start : self._at - 3]
        self._open[-1].has_cdata = True

    def _start_tag(self) -> None:
        if len(self._open) >= _DEPTH_MAX:
            raise self._error("Nested too deeply", self._at)
        element = _Element(self._name(self._at + 1, "Unencoded <"))
        while not (ending := self._tag_ending()):
            self._attribute(element)
        self._open.append(element)
        if ending == "/>":
            self._close()

    def _tag_ending(self) -> str:
        self._skip_space()
        for ending in (">", "/>"):
            if self._text.startswith(ending, self._at):
                self._at += len(ending)
                return ending
        return ""

    def _attribute(self, element: _Element) -> None:
        name = self._name(self._at, "Invalid attribute name")
        self._skip_space()
        if not self._text.startswith("=", self._at):
            raise self._error("Attribute without value", self._at)
        self._at += 1
        self._skip_space()
        quote = self._text[self._at : self._at + 1]
        if quote not in {'"', "'"}:
            raise self._error("Unquoted attribute value", self._at)
        start = self._at + 1
        self._at = start
        self._skip_past(quote, "Unclosed attribute value")
        element.add(name, self._decoded(start, self._at - 1))

    def _end_tag(self) -> None:
        name = self._name(self._at + 2, "Invalid tagname in closing tag.")
        self._skip_space()
        if not self._text.startswith(">", self._at):
            raise self._error("Invalid characters in closing tag", self._at)
        if not self._open or self._open[-1].name != name:
            raise self._error("Unexpected close tag", self._at)
        self._at += 1
        self._close()

    def _close(self) -> None:
        element = self._open.pop()
        if self._open:
            self._open[-1].add(element.name, element.value())
        else:
            self._root = element

    def _name(self, start: int, complaint: str) -> str:
        match = _NAME.match(self._text, start)
        if match is None:
            raise self._error(complaint, start)
        self._at = match.end()
        return match[0]

    def _skip_space(self) -> None:
        if blank := _SPACE.match(self._text, self._at):
            self._at = blank.end()

    def _skip_past(self, ending: str, complaint: str) -> None:
        found = self._text.find(ending, self._at)
        if found < 0:
            raise self._error(complaint, len(self._text))
        self._at = found + len(ending)

    def _decoded(self, start: int, end: int) -> str:
        """Return a stretch of text with its entities resolved."""
        pieces = []
        while (ampersand := self._text.find("&", start, end)) >= 0:
            pieces.append(self._text[start:ampersand])
            name = _ENTITY_NAME.match(self._text, ampersand + 1, end)
            assert name is not None
            if not name[0] or self._text[name.end() : name.end() + 1] != ";":
                raise self._error("Invalid character in entity name", name.end())
            pieces.append(self._entity(name[0], name.end()))
            start = name.end() + 1
        return "".join([*pieces, self._text[start:end]])

    def _entity(self, name: str, at: int) -> str:
        if name in _ENTITIES:
            return _ENTITIES[name]
        if number := _NUMBER.fullmatch(name):
            code = int(number["hex"], 16) if number["hex"] else int(number["decimal"])
            if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF:
                return chr(code)
        raise self._error("Invalid character entity", at)

    def _error(self, complaint: str, at: int) -> ValueError:
        """Return the complaint with its place, as LeadConduit words it on one line."""
        before = self._text[: at + 1]
        line = before.count("\n")
        column = len(before) - (before.rfind("\n") + 1)
        char = self._text[at : at + 1]
        place = f"Error: {complaint} Line: {line} Column: {column} Char: {char}."
        place = place.replace("\n", " ")
        return ValueError(f"Body does not contain XML or XML is unparseable -- {place}")
