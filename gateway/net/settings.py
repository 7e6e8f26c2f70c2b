"""Limits and addresses of the network's side; ``ops.config`` fills them.

Sizes are in octets, times in seconds.  Every limit has its key in ``[limits]`` (with
hyphens) and shows in the metric ``gateway_limit``.
"""

from __future__ import annotations

import attrs


@attrs.frozen
class Limits:
    """Every bound that this room enforces."""

    header_bytes: int = 64 * 1024
    header_count: int = 300
    request_body_bytes: int = 64 * 1024 * 1024
    response_body_bytes: int = 8 * 1024 * 1024 * 1024
    response_header_bytes: int = 256 * 1024
    endpoint_body_bytes: int = 16 * 1024
    request_head_seconds: int = 20
    proxy_header_seconds: int = 5
    request_body_seconds: int = 600
    keep_alive_seconds: int = 75
    client_stall_seconds: int = 120
    http2_streams: int = 100
    connections: int = 10_000
    connections_per_address: int = 512
    upstream_connect_seconds: int = 10
    upstream_first_byte_seconds: int = 60
    upstream_idle_seconds: int = 300
    resolver_threads: int = 64
    spool_bytes: int = 2 * 1024 * 1024 * 1024
    upstream_requests: int = 2048
    upstream_requests_per_origin: int = 1024
    upstream_idle_connections: int = 256
    upstream_wait_seconds: int = 10
    expansion_ratio: int = 200
    rewrite_threads: int = 2
    rewrite_token_bytes: int = 4 * 1024 * 1024
    edit_cache_bytes: int = 32 * 1024 * 1024
    outgoing_field_bytes: int = 64 * 1024
    script_bytes: int = 16 * 1024 * 1024
    script_memory_bytes: int = 32 * 1024 * 1024
    websocket_message_bytes: int = 16 * 1024 * 1024
    websocket_frame_bytes: int = 16 * 1024 * 1024
    websocket_fragments_per_message: int = 65_536
    websocket_whole_bytes: int = 64 * 1024
    websocket_decompressed_bytes: int = 16 * 1024 * 1024
    websocket_compression_window_bits: int = 11
    websocket_compression_upstream_window_bits: int = 0
    websocket_compression_memory_level: int = 4
    websocket_compression_takeover: int = 0
    websocket_compression_from_bytes: int = 256
    websocket_connections: int = 5000
    websocket_connections_per_address: int = 512
    websocket_connections_per_session: int = 512
    websocket_connections_per_page: int = 0
    websocket_connections_per_upstream: int = 0
    websocket_handshakes_per_second: int = 1000
    websocket_messages_per_second: int = 10_000
    websocket_bytes_per_second: int = 256 * 1024 * 1024
    websocket_rate_grace_seconds: int = 30
    websocket_idle_seconds: int = 0
    websocket_places: int = 256
    websocket_ping_seconds: int = 25
    websocket_pong_seconds: int = 20
    websocket_stall_seconds: int = 60
    websocket_close_seconds: int = 5
    websocket_farewell_seconds: int = 1
    emulation_body_bytes: int = 16 * 1024 * 1024 + 64 * 1024
    emulation_buffer_bytes: int = 64 * 1024
    emulation_response_bytes: int = 16 * 1024 * 1024
    emulation_response_seconds: int = 300
    emulation_gap_seconds: int = 30
    emulation_heartbeat_seconds: int = 25
    emulation_retry_bytes: int = 256 * 1024
    emulation_retry_seconds: int = 30
    emulation_verdict_seconds: int = 60
    emulation_forward_seconds: int = 5
    subprotocol_init_seconds: int = 10
    subprotocol_ids: int = 4096
    store_seconds: int = 5
    store_stale_days: int = 400
    cookie_access_seconds: int = 60
    token_seconds: int = 86400
    settle_seconds: int = 300
    proof_seconds: int = 60
    report_body_bytes: int = 64 * 1024
    reports_per_body: int = 100
    report_rate: int = 120
    report_forward_rate: int = 600
    report_queue: int = 256
    report_ring: int = 200
    leak_sites: int = 256
    leak_hosts: int = 16
    drain_seconds: int = 30
    drain_websocket_seconds: int = 5


@attrs.frozen
class HostEntry:
    """``[[upstream.hosts]]``: one line of the static host table; ``port`` None: every port."""

    host: str
    address: str
    port: int | None = None
    connect_port: int | None = None


@attrs.frozen
class Settings:
    """What the shells need to know."""

    limits: Limits = attrs.field(factory=Limits)
    hosts: tuple[HostEntry, ...] = ()
    trust_system: bool = True
    trust_files: tuple[bytes, ...] = attrs.field(default=(), repr=False)
