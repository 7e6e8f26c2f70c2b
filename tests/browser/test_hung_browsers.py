"""Browsers that do not answer any more, which a test must not wait for without end."""

from __future__ import annotations

import os
import signal

import pytest

from tests.browser.harness import (
    Lasting,
    close_page,
    end_browser,
    fresh_context,
    launch,
    processes_of,
)

pytestmark = pytest.mark.browser


def test_another_one_makes_the_profile(playwright, capfd):
    """A browser that makes no profile in time is ended, and told of; its place is taken."""
    launched = []

    def again():
        launched.append(launch(playwright, "--host-resolver-rules=MAP * ~NOTFOUND"))
        return launched[-1]

    first = again()
    try:
        same, context = fresh_context(first, again)
        context.close()
        assert same is first
        for process in processes_of(first):
            os.kill(int(process.name), signal.SIGSTOP)
        second, context = fresh_context(first, again, patience=5)
        assert [first, second] == launched
        assert not first.is_connected()
        assert "a browser hangs: process" in capfd.readouterr().err
        assert context.new_page().evaluate("1 + 1") == 2
    finally:
        for one in launched:
            one.close()


def test_a_lasting_one(playwright, capfd):
    """Whoever asks a browser that has died for a profile gets one of another browser."""
    lasting = Lasting(lambda: launch(playwright, "--host-resolver-rules=MAP * ~NOTFOUND"))
    try:
        lasting.new_context().close()
        first = lasting._browser
        end_browser(first)
        assert lasting.new_context().new_page().evaluate("1 + 1") == 2
        assert lasting._browser is not first
        assert lasting.is_connected()
    finally:
        lasting.close()
    assert "a browser hangs: process" in capfd.readouterr().err


def test_a_page_that_does_not_close(playwright, tmp_path, capfd):
    """Whoever closes a page of a browser that hangs goes on, and the browser is ended."""
    context = launch(playwright, "--host-resolver-rules=MAP * ~NOTFOUND", profile=tmp_path)
    ended = []
    context.on("close", lambda _: ended.append(context))
    page = context.new_page()
    for process in processes_of(context):
        os.kill(int(process.name), signal.SIGSTOP)
    close_page(page, context, patience=2)
    assert ended == [context]
    assert "a browser hangs: process" in capfd.readouterr().err
