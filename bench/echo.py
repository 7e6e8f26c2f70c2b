"""A WebSocket echo server: autobahn on Twisted, as plain as it comes.

``python -m bench.echo PLAIN-PORT TLS-PORT CERTIFICATE KEY``; runs until SIGTERM.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from gateway import uvloopreactor

PROTOCOLS = ["jsonrpc"]
"""What is agreed on with clients that offer it."""


def main(arguments: list[str]) -> None:
    """Listen on both ports, on the reactor that the gateway runs on too."""
    uvloopreactor.install()
    from autobahn.twisted.websocket import (  # noqa: PLC0415 (the reactor comes first)
        WebSocketServerFactory,
        WebSocketServerProtocol,
    )
    from twisted.internet import reactor  # noqa: PLC0415
    from twisted.internet.ssl import PrivateCertificate  # noqa: PLC0415

    class Echo(WebSocketServerProtocol):
        """Sends each message back."""

        def onConnect(self, request: Any) -> str | None:
            """Agree on what is known."""
            return next((one for one in request.protocols if one in PROTOCOLS), None)

        def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: FBT001
            """See autobahn."""
            self.sendMessage(payload, isBinary)

    any_reactor: Any = reactor
    plain, secure, certificate, key = arguments
    factory = WebSocketServerFactory(None, protocols=PROTOCOLS, reactor=any_reactor)
    factory.noisy = False
    factory.protocol = Echo
    factory.setProtocolOptions(tcpNoDelay=True)
    pem = Path(key).read_bytes() + Path(certificate).read_bytes()
    tls = PrivateCertificate.loadPEM(pem).options()
    any_reactor.listenTCP(int(plain), factory, interface="127.0.0.1", backlog=1024)
    any_reactor.listenSSL(int(secure), factory, tls, interface="127.0.0.1", backlog=1024)
    any_reactor.run()


if __name__ == "__main__":
    main(sys.argv[1:])
