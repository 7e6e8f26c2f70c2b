"""XMPP over WebSocket (RFC 7395): each message is one whole element, streams open and close.

Read with expat, which is told to stop at everything that XMPP has no use for: document
types (and so entities), processing instructions and comments.
"""

from __future__ import annotations

from typing import NoReturn
from xml.parsers import expat

from gateway.websocket.subprotocols.base import (
    BAD_DATA,
    POLICY,
    Base,
    Direction,
    Message,
    broken,
    text_of,
)

FRAMING = "urn:ietf:params:xml:ns:xmpp-framing"
STREAMS = "http://etherx.jabber.org/streams"
_DEEPEST, _ATTRIBUTES, _ELEMENTS = 64, 64, 20_000
OPEN, CLOSE = f"{FRAMING} open", f"{FRAMING} close"
_STANZAS = frozenset({"message", "presence", "iq"})
_CONTENT = frozenset({"jabber:client", "jabber:server"})
CLIENT, SERVER = Direction.FROM_CLIENT, Direction.TO_CLIENT


class _Reader:
    """Reads one element; remembers its name and attributes alone."""

    def __init__(self) -> None:
        self.name = ""
        self.attributes: dict[str, str] = {}
        self.empty = True
        self._depth = self._count = 0

    def parse(self, text: str) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = _refuse
        parser.EntityDeclHandler = _refuse
        parser.ProcessingInstructionHandler = _refuse
        parser.CommentHandler = _refuse
        parser.XmlDeclHandler = _refuse
        try:
            parser.Parse(text, True)  # noqa: FBT003 (expat's own)
        except (expat.ExpatError, UnicodeError, ValueError):
            raise broken("xmpp-xml", "not one whole element", BAD_DATA) from None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._count += 1
        if self._depth > _DEEPEST or self._count > _ELEMENTS or len(attributes) > _ATTRIBUTES:
            raise broken("xmpp-size", "nested too deep, or too many elements", POLICY)
        if self._depth == 1:
            self.name, self.attributes = name, attributes
        else:
            self.empty = False

    def _end(self, name: str) -> None:
        del name
        self._depth -= 1

    def _text(self, data: str) -> None:
        self.empty = self.empty and not data


def _refuse(*given: object) -> NoReturn:
    del given
    raise broken("xmpp-restricted", "a document type, instruction, comment or declaration", POLICY)


class Xmpp(Base):
    """One connection."""

    def __init__(self) -> None:
        """Neither side has opened its stream."""
        self._open = {CLIENT: False, SERVER: False}
        self._closed = {CLIENT: False, SERVER: False}

    def read(self, message: Message, now: float) -> None:
        """Judge one message."""
        del now
        side, text = message.direction, text_of(message)
        if not text.startswith("<"):
            raise broken("xmpp-framing", "a message that does not begin with an element")
        reader = _Reader()
        reader.parse(text)
        if self._closed[side]:
            raise broken("xmpp-order", "a message behind close")
        space, _, name = reader.name.rpartition(" ")
        if reader.name == CLOSE:
            if not reader.empty:
                raise broken("xmpp-framing", "close with content")
            self._closed[side] = True
        elif reader.name == OPEN:
            self._check_open(side, reader)
        elif not self._open[side]:
            raise broken("xmpp-order", "a message before open")
        elif space == FRAMING or (space == STREAMS and name == "stream"):
            raise broken("xmpp-framing", "an element that does not stand alone over WebSocket")
        elif not space:
            raise broken("xmpp-namespace", "an element without a namespace")
        elif name in _STANZAS and space not in _CONTENT:
            raise broken("xmpp-namespace", "a stanza in another namespace than stanzas have")

    def _check_open(self, side: Direction, reader: _Reader) -> None:
        if not reader.empty:
            raise broken("xmpp-framing", "open with content")
        if side is SERVER and not self._open[CLIENT]:
            raise broken("xmpp-order", "the server opens first")
        if reader.attributes.get("version", "1.0").partition(".")[0] != "1":
            raise broken("xmpp-version", "another version than 1.0")
        # Opened again after authentication: a new stream on the same connection.
        self._open[side] = True
