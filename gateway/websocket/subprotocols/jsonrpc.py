"""JSON-RPC 2.0: one object or a batch in each message, requests and responses either way."""

from __future__ import annotations

from typing import Any

from gateway.websocket.subprotocols.base import Base, Message, broken, text_of
from gateway.websocket.subprotocols.json_text import load


class JsonRpc(Base):
    """Messages stand for themselves: nothing is remembered."""

    def read(self, message: Message, now: float) -> None:
        """Judge one message."""
        del now
        found = load(text_of(message))
        if not isinstance(found, list):
            _check(found)
            return
        if not found:
            raise broken("jsonrpc-batch", "an empty batch")
        for one in found:
            _check(one)


def _check(found: Any) -> None:
    if not isinstance(found, dict):
        raise broken("jsonrpc-shape", "not an object")
    if found.get("jsonrpc") != "2.0":
        raise broken("jsonrpc-version", "jsonrpc is not 2.0")
    if "method" in found:
        _check_request(found)
    else:
        _check_response(found)


def _check_request(found: dict[str, Any]) -> None:
    if not isinstance(found["method"], str):
        raise broken("jsonrpc-request", "the method is no text")
    if "params" in found and not isinstance(found["params"], dict | list):
        raise broken("jsonrpc-request", "params are neither an object nor an array")
    if "id" in found and not _is_id(found["id"]):
        raise broken("jsonrpc-request", "the id is neither a text, a number nor null")
    if "result" in found or "error" in found:
        raise broken("jsonrpc-request", "a request and a response in one")


def _check_response(found: dict[str, Any]) -> None:
    if "id" not in found or not _is_id(found["id"]):
        raise broken("jsonrpc-response", "no id, or one that is none")
    if ("result" in found) == ("error" in found):
        raise broken("jsonrpc-response", "not exactly one of result and error")
    if "error" not in found:
        return
    error = found["error"]
    fine = (
        isinstance(error, dict)
        and isinstance(error.get("message"), str)
        and isinstance(error.get("code"), int)
        and not isinstance(error["code"], bool)
    )
    if not fine:
        raise broken("jsonrpc-response", "an error without code and message")


def _is_id(value: object) -> bool:
    return value is None or (isinstance(value, str | int | float) and not isinstance(value, bool))
