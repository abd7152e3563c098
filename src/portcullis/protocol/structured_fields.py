"""Structured Field Values (RFC 8941, RFC 9651): the dictionaries that message signatures are written in, no more.

A member is an item or an inner list of items, each with parameters. Items are integers, strings, tokens, byte
sequences and booleans. Stricter than the RFC where it lets a parser be lenient or lets the last of several win: a
repeated key, unpadded base64 and base64 with stray bits are refused, so that one text has one reading.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as MalformedBase64
from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_LENGTH = 4096

_KEY = re.compile(r"[a-z*][a-z0-9_.*-]*", re.ASCII)
_INTEGER = re.compile(r"-?[0-9]{1,15}(?![0-9.])", re.ASCII)
_STRING = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"', re.ASCII)
_TOKEN = re.compile(r"[A-Za-z*][A-Za-z0-9:/!#$%&'*+.^_`|~-]*", re.ASCII)
_BYTES = re.compile(r":([A-Za-z0-9+/]*={0,2}):", re.ASCII)
_BOOLEAN = re.compile(r"\?([01])", re.ASCII)
_SPACES = re.compile(r" *", re.ASCII)
_COMMA = re.compile(r"[ \t]*,[ \t]*", re.ASCII)


class MalformedField(ValueError):
    """The text is no dictionary of the kind above. The message says what was expected, and at which character."""


class Token(str):
    """A token, which is not a string: it is written without quotes."""

    __slots__ = ()


BareItem = int | str | bytes | bool
Parameters = Mapping[str, BareItem]


@dataclass(frozen=True, slots=True)
class Item:
    """A bare item with its parameters; a bool is a boolean, a Token a token, another str a string."""

    value: BareItem
    parameters: Parameters = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InnerList:
    """Items in parentheses, with the parameters of the list."""

    items: tuple[Item, ...]
    parameters: Parameters = field(default_factory=dict)


Member = Item | InnerList


def parse_dictionary(text: str) -> dict[str, Member]:
    """The members in their order, at least one; MalformedField when the text is anything else."""
    if len(text) > MAX_LENGTH:
        raise MalformedField(f"expected at most {MAX_LENGTH} characters")
    return _Reader(text.strip(" ")).dictionary()


def serialize(member: Member) -> str:
    """The one canonical text of a member (RFC 8941 section 4.1)."""
    if isinstance(member, Item):
        return _bare(member.value) + _parameters(member.parameters)
    return f"({' '.join(serialize(item) for item in member.items)})" + _parameters(member.parameters)


def _parameters(parameters: Parameters) -> str:
    return "".join(f";{key}" if value is True else f";{key}={_bare(value)}" for key, value in parameters.items())


def _bare(value: BareItem) -> str:
    if isinstance(value, bool):
        return f"?{value:d}"
    if isinstance(value, int | Token):
        return str(value)
    if isinstance(value, bytes):
        return f":{b64encode(value).decode()}:"
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


class _Reader:
    """Reads ``text`` from ``at`` on."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def dictionary(self) -> dict[str, Member]:
        members: dict[str, Member] = {}
        while True:
            key = self._new_key(members)
            members[key] = self._member() if self._takes("=") else Item(True, self._parameters())
            if self.at == len(self.text):
                return members
            self._expect(_COMMA, "a comma or the end")

    def _member(self) -> Member:
        if not self._takes("("):
            return self._item()
        items: list[Item] = []
        while True:
            spaces = self._expect(_SPACES, "an item")[0]
            if self._takes(")"):
                return InnerList(tuple(items), self._parameters())
            if items and not spaces:
                raise self._malformed("a space or a closing parenthesis")
            items.append(self._item())

    def _item(self) -> Item:
        return Item(self._bare(), self._parameters())

    def _parameters(self) -> dict[str, BareItem]:
        parameters: dict[str, BareItem] = {}
        while self._takes(";"):
            self._expect(_SPACES, "a parameter")
            key = self._new_key(parameters)
            parameters[key] = self._bare() if self._takes("=") else True
        return parameters

    def _bare(self) -> BareItem:
        if match := self._match(_INTEGER):
            return int(match[0])
        if match := self._match(_STRING):
            return re.sub(r"\\(.)", r"\1", match[1])
        if match := self._match(_BYTES):
            return self._decoded(match[1])
        if match := self._match(_BOOLEAN):
            return match[1] == "1"
        return Token(self._expect(_TOKEN, "an integer, string, token, byte sequence or boolean")[0])

    def _decoded(self, text: str) -> bytes:
        try:
            value = b64decode(text, validate=True)
        except MalformedBase64:
            value = b""
        if b64encode(value).decode() != text:
            raise self._malformed("canonical base64 with padding before here")
        return value

    def _new_key(self, known: Mapping[str, object]) -> str:
        key = self._expect(_KEY, "a lower-case key")[0]
        if key in known:
            raise self._malformed("each key once")
        return key

    def _takes(self, character: str) -> bool:
        found = self.text.startswith(character, self.at)
        self.at += found
        return found

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.at)
        if match:
            self.at = match.end()
        return match

    def _expect(self, pattern: re.Pattern[str], what: str) -> re.Match[str]:
        match = self._match(pattern)
        if match is None:
            raise self._malformed(what)
        return match

    def _malformed(self, what: str) -> MalformedField:
        return MalformedField(f"expected {what} at character {self.at + 1}")
