"""JupyterLab, unchanged: log in, run a cell over the kernel's WebSocket; nothing leaks."""

from __future__ import annotations

import re
import sys
import urllib.request

import pytest

from gateway import wire
from tests.browser.harness import (
    Stack,
    frame_of,
    free_port,
    launch,
    open_site,
    resolver_rules,
    until,
)

pytestmark = pytest.mark.browser
JUPYTER = "https://jupyter.test"
PASSWORD = "s3cret pass"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab over HTTPS, the demo's chat beside it, and a gateway before both."""
    folder = tmp_path_factory.mktemp("lab")
    stack = Stack(folder)
    stack.start_origins()
    certificate, key = stack.certificate("jupyter", "jupyter.test")
    port = free_port()
    from jupyter_server.auth import passwd

    (folder / "work").mkdir()
    settings = (
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={folder}/work",
        "--ServerApp.allow_remote_access=True",
        f"--certfile={certificate}",
        f"--keyfile={key}",
        "--IdentityProvider.token=",
        f"--PasswordIdentityProvider.hashed_password={passwd(PASSWORD, 'sha1')}",
        "--LabApp.news_url=None",
    )
    process = stack.run(
        "jupyter", [sys.executable, "-m", "jupyterlab", *settings], HOME=str(folder)
    )
    until(lambda: "is running at" in process.text(), "JupyterLab runs: " + process.text(), 90)
    stack.hosts[JUPYTER] = port
    stack.start_gateway()
    yield stack
    stack.stop()


def test_a_cell_runs_over_the_kernel_websocket(lab, playwright, tripwire, shots):
    """A person's way through JupyterLab, and a chat on a second origin in the same session."""
    browser = launch(playwright, resolver_rules(lab, tripwire))
    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1200, "height": 900})
    context.set_default_timeout(60_000)
    touched = len(tripwire.touched)
    page = context.new_page()
    sockets = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    frame = open_site(lab, page, JUPYTER + "/lab")
    frame.locator("#password_input").fill(PASSWORD)
    frame.locator("#login_submit").click()
    frame.locator(".jp-LauncherCard[data-category=Notebook]").first.click()
    # Shift+Enter is lost while the kernel's WebSocket is not up yet.
    frame.get_by_text(re.compile(r"Python 3 \(ipykernel\) \| Idle")).wait_for()
    frame.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
    page.keyboard.type("print(6 * 7, 'answers')")
    page.keyboard.press("Shift+Enter")
    frame.locator(".jp-OutputArea-output", has_text="42 answers").wait_for()
    page.screenshot(path=shots / "jupyterlab.png")
    kernels = [url for url in sockets if "/api/kernels/" in url]
    assert kernels, sockets
    assert all(url.startswith("wss://https-jupyter-test.0.gw.test:") for url in kernels)

    chat_page = context.new_page()
    chat = open_site(lab, chat_page, "https://chat.demo.example/")
    chat.locator("#state", has_text="connected").wait_for()
    chat.locator("#text").fill("beside the lab")
    chat.get_by_role("button", name="Send").click()
    chat.locator("#said li", has_text="beside the lab").wait_for()
    assert frame_of(lab, page, JUPYTER).locator(".jp-OutputArea-output").count() == 1

    held = {cookie["name"]: cookie["value"] for cookie in context.cookies()}
    synced = [name for name in held if name.startswith("__Host-gw-sync-")]
    held.pop(wire.WITHIN_COOKIE.decode())  # of nobody's session
    secrets = [*held.values(), *page.evaluate("Object.values(localStorage)")]
    assert len(secrets) - len(synced) == 4  # ick, datr, ickt and restore text
    browser.close()
    written = {
        path.name: path.read_bytes()
        for path in lab.folder.iterdir()
        if path.name.startswith("gateway.") and path.name != "gateway.keys"
    }
    for path in ("metrics", ""):
        with urllib.request.urlopen(f"http://127.0.0.1:{lab.admin_port}/{path}") as answer:
            written[f"/{path}"] = answer.read()
    assert {"gateway.log", "gateway.db", "/metrics"} <= set(written)
    for name, octets in written.items():
        for secret in [*secrets, PASSWORD, "_xsrf=", "username-"]:
            assert secret.encode() not in octets, f"a secret is in {name}"
    assert tripwire.touched[touched:] == []
