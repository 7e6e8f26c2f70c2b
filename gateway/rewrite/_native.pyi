from collections.abc import Callable

def pass_html(
    text: bytes,
    at: int,
    out: list[bytes],
    map_url: Callable[[str], str],
    *,
    forms: bool,
    handlers: bool,
) -> int: ...
def find_js(text: bytes) -> list[tuple[int, int, int]] | None: ...
