"""The values that an exchange and its shell pass to and fro."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

import attrs

from gateway import wire
from gateway.errors import GatewayError, LocalFault
from gateway.exchange.emulated import Emulated, Emulation, VerdictNeed
from gateway.exchange.inspecting import SubprotocolSettings
from gateway.exchange.needs import ConnectService, ConnectSocket, LoginNeed, ReportNeed
from gateway.origins import HostKind
from gateway.policy.clients import ClientSettings
from gateway.policy.forwarded import ForwardedSettings
from gateway.policy.rates import Rate, RateSettings
from gateway.policy.services import Services
from gateway.rewrite.csp import RuntimeSource
from gateway.rewrite.media import Kind
from gateway.rewrite.pipeline import BodyPlan
from gateway.rewrite.reporting import Originals
from gateway.websocket.emulation.request import without_id

if TYPE_CHECKING:
    from gateway.cookies.seal import Row
    from gateway.cookies.suffixes import Suffixes
    from gateway.exchange.standing import Accepted
    from gateway.origins import Codec, Origin
    from gateway.policy.authentication import Authentication
    from gateway.policy.content import ContentRule
    from gateway.policy.destinations import Settings as PolicySettings
    from gateway.policy.sites import SiteOptions
    from gateway.policy.transport import Transport
    from gateway.rewrite.headers import Fields
    from gateway.rewrite.js_body import ScriptMemory
    from gateway.rewrite.links import EarlyHints
    from gateway.rewrite.outgoing_forms import Outgoing
    from gateway.session.keys import ServerKeys
    from gateway.websocket.inspection import Inspection

_T = TypeVar("_T")
RETRIEVES = frozenset({b"GET", b"HEAD"})
"""Methods by which pages are asked for; such a request can be asked again."""


@attrs.frozen
class RequestHead:
    """A client's request without its body; ``target`` is the raw request target."""

    method: bytes
    target: bytes = attrs.field(repr=False)
    version: bytes
    host: str
    fields: Fields = attrs.field(repr=False)
    client: str = ""
    has_body: bool = False

    @property
    def path(self) -> bytes:
        """The target without its query."""
        return self.target.partition(b"?")[0]

    @property
    def logged_path(self) -> str:
        """The path as a log may show it: nothing of a target that is not a plain path."""
        if self.target[:1] != b"/":
            return "-"
        return without_id(self.path.partition(b"#")[0]).decode("latin-1")


@attrs.frozen
class Settings:
    """What exchanges need to know of the configuration."""

    expansion_ratio: int = 200
    token_bytes: int = 4 * 1024 * 1024
    commit_attempts: int = 100
    access_seconds: int = 60
    token_seconds: int = 86400
    proof_seconds: int = 60
    webrtc: bool = False
    settle_seconds: int = 300
    reports_per_body: int = 100
    forward_reports: bool = True
    report_samples: bool = False
    content: tuple[ContentRule, ...] = ()
    early_hints: bool = True
    outgoing_field_bytes: int = 64 * 1024
    script_bytes: int = 16 * 1024 * 1024
    subprotocols: SubprotocolSettings = attrs.field(factory=SubprotocolSettings)


@attrs.frozen
class Scripts:
    """The runtime's files for pages that read their own address (``rewrite-location``)."""

    runtime_path: str
    runtime_digest: str
    rare_path: str
    rare_digest: str
    worker_path: str
    worker_source: bytes = attrs.field(repr=False)


@attrs.frozen
class Context:
    """What is the same for every exchange until the next reload."""

    codec: Codec
    keys: ServerKeys
    suffixes: Suffixes
    policy: PolicySettings
    runtime_path: str
    runtime_digest: str
    rare_path: str = ""
    rare_digest: str = ""
    worker_path: str = ""
    worker_source: bytes = attrs.field(default=b"", repr=False)
    settings: Settings = attrs.field(factory=Settings)
    apart: Codec | None = None
    clients: ClientSettings = attrs.field(factory=ClientSettings)
    forwarded: ForwardedSettings = attrs.field(factory=ForwardedSettings)
    rates: RateSettings = attrs.field(factory=RateSettings)
    originals: Originals = attrs.field(factory=Originals, repr=False)
    authentication: Authentication | None = None
    identity: Scripts | None = attrs.field(default=None, repr=False)
    revision: bytes = b""
    scripts: ScriptMemory | None = attrs.field(default=None, repr=False, eq=False)
    edits_scripts: bool = False
    socket_digest: str = ""
    """Of the runtime's part for sockets that do not get through."""
    services: Services = attrs.field(factory=Services)
    emulation: Emulation = attrs.field(factory=Emulation)

    def for_site(self, options: SiteOptions) -> Context:
        """The context for pages of a site: with its own runtime where the operator chose so."""
        if not options.rewrite_location or self.identity is None:
            return self
        edits = self.scripts is not None
        return attrs.evolve(self, edits_scripts=edits, **attrs.asdict(self.identity))

    def at(self, host: str) -> Context:
        """The context for a request's host: pages on the domain apart stay there."""
        far = self.apart
        if far is None or far.classify(host)[0] not in {HostKind.REWRITE, HostKind.SETTLE}:
            return self
        return attrs.evolve(self, codec=far)

    def runtime(self, origin: Origin) -> RuntimeSource:
        """The runtime's script as a page of ``origin`` loads it.

        From one host for all origins: a browser that has it for one site has it for each.
        """
        host = self.codec.asset_origin
        return RuntimeSource(
            host + self.runtime_path,
            self.runtime_digest,
            host + self.rare_path,
            self.rare_digest,
            self.codec.collapse_origin(origin) + wire.GATEWAY_PATH,
            self.socket_digest,
        )

    def runtime_in(self, kind: Kind, origin: Origin) -> RuntimeSource | None:
        """What of ours the policies of a response must admit; None: nothing is put into it."""
        if kind.is_document:
            return self.runtime(origin)
        if kind is not Kind.WORKER:
            return None
        # A module imports it from its own host; a classic worker has it in its text.
        own = self.codec.collapse_origin(origin)
        return attrs.evolve(self.runtime(origin), url=own + self.worker_path)


# --- needs: what an exchange asks of its shell ---------------------------------------


@attrs.frozen
class NeedOrigin:
    """Ask the store whose digest a long label is; the reply is ``Origin`` or None."""

    label: str


@attrs.frozen
class RememberOrigin:
    """Tell the store an origin that proved its digest; the reply is None."""

    origin: Origin


@attrs.frozen
class NeedRows:
    """Ask for one bucket; the reply is ``Rows``."""

    owner: bytes = attrs.field(repr=False)
    bucket: bytes = attrs.field(repr=False)


@attrs.frozen
class Rows:
    """One bucket at one version; ``total`` counts the rows of its owner in all buckets."""

    version: int
    rows: tuple[Row, ...] = ()
    total: int = attrs.field(default=0, eq=False)


@attrs.frozen
class NeedOwned:
    """Ask for all buckets of one owner; the reply is ``Owned``."""

    owner: bytes = attrs.field(repr=False)


@attrs.frozen
class Owned:
    """All buckets of one owner, by bucket."""

    buckets: Mapping[bytes, Rows] = attrs.field(repr=False)


@attrs.frozen
class Commit:
    """Change one bucket if it is still at ``version``; the reply is a bool."""

    owner: bytes = attrs.field(repr=False)
    bucket: bytes = attrs.field(repr=False)
    version: int
    puts: tuple[Row, ...] = ()
    deletes: tuple[bytes, ...] = attrs.field(default=(), repr=False)


@attrs.frozen
class Hold:
    """Wait until no other exchange of this process holds the bucket; the reply is None.

    Held until ``LetGo`` or the exchange's end.  Only a courtesy: what decides is the version.
    """

    owner: bytes = attrs.field(repr=False)
    bucket: bytes = attrs.field(repr=False)


@attrs.frozen
class LetGo:
    """Hold nothing any more; the reply is None."""


@attrs.frozen
class Touch:
    """Put rows with newer access times in the place of theirs; the reply is None.

    It goes without saying what became of it: it may be lost, and never wins over a
    change of the bucket.
    """

    change: Commit


@attrs.frozen
class Consume:
    """Use up a one-time nonce; the reply is a bool: whether nobody did before."""

    nonce: bytes = attrs.field(repr=False)
    expires: int


@attrs.frozen
class Forget:
    """Delete every row of one owner; the reply is None, once they are gone."""

    owner: bytes = attrs.field(repr=False)


@attrs.frozen
class Spend:
    """Take one token out of a bucket; the reply is a float: seconds to wait, 0.0 if taken."""

    kind: str
    key: bytes = attrs.field(repr=False)
    rate: Rate


@attrs.frozen
class NeedRandom:
    """Ask for random octets."""

    size: int


@attrs.frozen
class NeedNow:
    """Ask for the time in epoch seconds."""


@attrs.frozen
class NeedBody:
    """Ask for the request's body, already read and bounded; for our own endpoints.

    ``limit``: the key of its bound in ``[limits]``.
    """

    limit: str = "endpoint-body-bytes"


@attrs.frozen
class Note:
    """Log a security event; the reply is None.  ``step`` and ``rule`` are a denial's."""

    event: str
    detail: str = ""
    step: int = 0
    rule: str = ""


@attrs.frozen
class Connect:
    """Send a request upstream; the reply is ``UpstreamHead`` or ``UpstreamFailed``.

    ``body``: what is to be done to the client's body on the way; ``early``: what an origin's
    early hints become; None: they are of no use.
    """

    origin: Origin
    transport: Transport
    method: bytes
    target: bytes = attrs.field(repr=False)
    fields: Fields = attrs.field(repr=False)
    body: Outgoing | None = None
    early: EarlyHints | None = None


@attrs.frozen
class UpstreamHead:
    """An origin's response without its body; ``length`` None: not known beforehand."""

    status: int
    reason: bytes
    fields: Fields = attrs.field(repr=False)
    length: int | None = None


@attrs.frozen
class UpstreamFailed:
    """The origin was not reached, verified or understood."""

    error: GatewayError


StoreNeed = (
    NeedOrigin
    | RememberOrigin
    | NeedRows
    | NeedOwned
    | Commit
    | Hold
    | LetGo
    | Touch
    | Consume
    | Forget
)
"""What concerns the store."""

Need = (
    StoreNeed
    | VerdictNeed
    | ReportNeed
    | LoginNeed
    | Spend
    | NeedRandom
    | NeedNow
    | NeedBody
    | Note
    | Connect
    | ConnectSocket
    | ConnectService
)

# --- endings: how a request is answered ----------------------------------------------


class Page(Enum):
    """Pages of the gateway's own."""

    PORTAL = "portal"
    FORGOTTEN = "forgotten"
    OUTER = "outer"
    SETTLE = "settle"
    SETTINGS = "settings"
    LOGIN = "login"


@attrs.frozen
class Respond:
    """Pass the upstream's response on, with these fields; the body as planned."""

    status: int
    reason: bytes
    fields: Fields = attrs.field(repr=False)
    plan: BodyPlan = attrs.field(factory=BodyPlan)


@attrs.frozen
class Answer:
    """A short answer of the gateway's own."""

    status: int
    fields: Fields = attrs.field(repr=False)
    body: bytes = attrs.field(default=b"", repr=False)


@attrs.frozen
class Serve:
    """A page of the gateway's own; of the portal, which part of the catalogue."""

    page: Page
    query: str = attrs.field(default="", repr=False)
    category: str = ""
    start: int = 0


@attrs.frozen
class ServeAsset:
    """A built file of the gateway's own, by the path below the assets' prefix."""

    name: str


@attrs.frozen
class Refuse:
    """A refusal or failure: an Oops page or problem+json, with the log's detail apart.

    ``outside``: an address that may be opened outside the gateway, if the person wants that.
    ``site``: the origin that a person asked for, which the page then names.
    ``cut``: nothing is answered; the browser sees a network error (``exchange.unreached``).
    """

    status: int
    event: str
    title: str
    detail: str = ""
    step: int = 0
    rule: str = ""
    fields: Fields = attrs.field(default=(), repr=False)
    outside: str = attrs.field(default="", repr=False)
    site: str = ""
    cut: bool = False


@attrs.frozen
class Accept:
    """Answer 101 and relay; ``asked``: again after a reload; ``inspection``: of messages."""

    subprotocol: str | None = attrs.field(default=None, repr=False)
    fields: Fields = attrs.field(default=(), repr=False)
    asked: Accepted | None = attrs.field(default=None, repr=False, eq=False)
    inspection: Inspection | None = attrs.field(default=None, eq=False)


Ending = Respond | Answer | Serve | ServeAsset | Refuse | Accept | Emulated
Exchange = Generator[Need, object, Ending]


def ask(need: Need, kind: type[_T]) -> Generator[Need, object, _T]:
    """Yield a need and check the kind of the reply."""
    reply = yield need
    if not isinstance(reply, kind):
        raise LocalFault(f"{type(need).__name__} was answered with {type(reply).__name__}")
    return reply


def refusal(error: GatewayError) -> Refuse:
    """The ending that an error stands for."""
    step, rule, fields = error.step, error.rule, error.fields
    return Refuse(error.status, error.event, error.title, error.detail, step, rule, fields)
