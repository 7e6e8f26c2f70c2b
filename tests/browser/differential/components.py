"""Custom elements and shadow trees, of script's making and of the server's."""

from __future__ import annotations

from tests.browser.differential import agents

HEAD = agents.HEAD
TITLE = "Custom elements and shadow roots"
BODY = """
<x-server href="https://b.test/x?a=1&amp;b=2" src="https://b.test/y" data-url="https://b.test/z">one</x-server>
<x-server href="/x" src=y data-url="//b.test/z"></x-server>
<div id=declared><template shadowrootmode=open shadowrootdelegatesfocus><style>b { display: block; width: 17px }</style>
<a href="https://b.test/x">x</a><b>b</b><slot></slot></template>light</div>
<div id=closed><template shadowrootmode=closed><i>x</i></template></div>
"""


def answer(_asked, _site) -> None:
    """Nothing of its own."""
