"""What people do with pages: dialogs, printing, clipboard, choosing, dragging, permissions."""

from __future__ import annotations

from tests.browser.differential.common import B, html
from tests.browser.differential.server import Answer, Asked
from tests.browser.differential.suite import Case

# What is refused is told of in other words where a page is in a frame.
CONSOLE = False
TITLE = "Dialogs, printing, clipboard, selection, permissions"
_PAGE = f"""<style>@media print {{ p {{ width: 77px }} .screen {{ display: none }} }} p {{ width: 50px }}</style>
<p id=p>some <b id=b>bold</b> text</p><a id=a href="{B}/x?a=1&amp;b">link</a><img id=img src="{B}/pixel.png" alt=i width=20 height=20>
<input id=field value="field text"><textarea id=area></textarea><div id=edit contenteditable>edit</div>
<div id=drop style="width: 60px; height: 60px">drop</div><button id=go>go</button><i class=screen>s</i>
<dialog id=dialog><form method=dialog><button id=yes value=yes>y</button></form></dialog>
<iframe id=frame src="/agents/page" allow="fullscreen; clipboard-read; clipboard-write"></iframe>
<script>
const log = [];
const run = (code) => {{ go.onclick = async () => {{ try {{ window.did = (await new Function("return (async () => {{" + code + "}})()")()) ?? null }} catch (error) {{ window.did = error.name }} }} }};
for (const type of ["beforeprint", "afterprint"]) addEventListener(type, () => log.push(type));
</script>"""
FEATURES = ["accelerometer", "ambient-light-sensor", "autoplay", "camera", "clipboard-read", "clipboard-write", "display-capture", "encrypted-media", "fullscreen", "gamepad", "geolocation", "gyroscope", "hid", "idle-detection", "magnetometer", "microphone", "midi", "payment", "picture-in-picture", "publickey-credentials-create", "publickey-credentials-get", "screen-wake-lock", "serial", "storage-access", "sync-xhr", "unload", "usb", "web-share", "window-management", "xr-spatial-tracking"]  # fmt: skip

DELEGATED = (
    "autoplay",
    "clipboard-write",
    "fullscreen",
    "sync-xhr",
    "gamepad",
    "picture-in-picture",
)
"""Those that the outer frame hands on, or that are everybody's."""


def answer(asked: Asked, _site) -> Answer | None:
    """The page, and one with a policy."""
    name = asked.path.rpartition("/")[2]
    policy = f'camera=(), geolocation=(self "{B}"), fullscreen=(self), sync-xhr=()'
    if name == "policy":
        return html(_PAGE, Permissions_Policy=policy)
    return html(_PAGE) if name == "page" else None


def _does(code: str, *keys: str, after: str = "window.did"):
    """A click whose handler runs code, keys after it, and what is there then."""

    def act(view):
        view.context.grant_permissions(["clipboard-read", "clipboard-write"])
        view.frame.evaluate("code => run(code)", code)
        view.frame.click("#go")
        view.ready("'did' in window", 3)
        for key in keys:
            view.page.keyboard.press(key)
        view.page.wait_for_timeout(50)
        return view.frame.evaluate(after)

    return act


def _dialog(code: str, answer: str | None):
    def act(view):
        heard = []

        def on_dialog(dialog) -> None:
            heard.append([dialog.type, dialog.message, dialog.default_value])
            dialog.dismiss() if answer is None else dialog.accept(answer)

        view.page.on("dialog", on_dialog)
        return [view.frame.evaluate(code), heard]

    return act


def _prints(view):
    seen = [view.frame.evaluate("[matchMedia('print').matches, getComputedStyle(p).width]")]
    view.page.emulate_media(media="print")
    seen.append(
        view.frame.evaluate(
            "[matchMedia('print').matches, getComputedStyle(p).width, getComputedStyle(document.querySelector('.screen')).display]"
        )
    )
    view.page.emulate_media(media="screen")
    return seen


def _paper(view):
    octets = view.page.pdf()
    view.ready("log.length > 1", 2)
    return [octets[:5].decode(), view.frame.evaluate("log")]


def _drag(source: str, code: str):
    def act(view):
        view.frame.evaluate(
            """code => { window.dropped = null; drop.ondragover = (event) => event.preventDefault();
            drop.ondrop = (event) => { event.preventDefault(); window.dropped = new Function("event", "return " + code)(event) } }""",
            code,
        )
        view.frame.drag_and_drop(source, "#drop")
        view.ready("window.dropped !== null", 2)
        return view.frame.evaluate("dropped")

    return act


def _select(view):
    view.frame.dblclick("#b")
    return view.frame.evaluate(
        "[getSelection().toString().trim(), getSelection().anchorNode.parentNode.id, getSelection().rangeCount, getSelection().type]"
    )


def _typed(view):
    view.frame.click("#area")
    view.page.keyboard.type("typed ä")
    view.page.keyboard.press("Shift+ArrowLeft")
    return view.frame.evaluate(
        "[area.value, area.selectionStart, area.selectionEnd, document.activeElement.id, document.hasFocus()]"
    )


def _edited(view):
    view.frame.click("#edit")
    view.page.keyboard.press("End")
    view.page.keyboard.type(" more")
    return view.frame.evaluate("[edit.innerHTML, document.execCommand('bold'), edit.innerHTML]")


def _features(code: str, names=DELEGATED):
    def act(view):
        return view.frame.evaluate(f"(names) => names.map((name) => [name, {code}])", list(names))

    return act


_COPY = "document.execCommand('copy')"
_PASTED = "new Promise((done) => { edit.addEventListener('paste', ({ clipboardData }) => setTimeout(() => done([clipboardData.getData('text/plain'), clipboardData.getData('text/html').replace(/<meta[^>]*>/, '').replace(/ style=\"[^\"]*\"/g, ''), [...clipboardData.types]])), { once: true }) })"


def _copied(code: str):
    """Copy in one way, paste by keys; what the paste is told."""

    def act(view):
        view.context.grant_permissions(["clipboard-read", "clipboard-write"])
        view.frame.evaluate("code => run(code)", code)
        view.frame.click("#go")
        view.ready("'did' in window", 3)
        view.frame.evaluate(
            f"void (window.pasted = undefined, {_PASTED}.then((one) => (window.pasted = one)))"
        )
        view.frame.click("#edit")
        view.page.keyboard.press("Control+V")
        view.ready("window.pasted", 2)
        return view.frame.evaluate(
            '[window.pasted ?? null, edit.innerHTML.replace(/ style="[^"]*"/g, \'\')]'
        )

    return act


CASES = (
    Case("alert", "/people/page", act=_dialog("alert('hello\\nä')", "")),
    Case("confirm, and yes", "/people/page", act=_dialog("confirm('sure?')", "")),
    Case("confirm, and no", "/people/page", act=_dialog("confirm('sure?')", None)),
    Case("prompt", "/people/page", act=_dialog("prompt('name?', 'ada')", "eve")),
    Case("alert in a foreign frame's place", "/people/page", act=_dialog("frame.contentWindow.confirm('of a frame')", "")),
    Case("a modal dialog", "/people/page", act=_does("dialog.showModal(); return [dialog.open, dialog.matches(':modal'), document.activeElement.id]")),
    Case("a modal dialog that a key closes", "/people/page", act=_does("dialog.oncancel = () => (window.cancelled = 1); dialog.showModal()", "Escape", after="[dialog.open, window.cancelled ?? 0]")),
    Case("a modal dialog that its form closes", "/people/page", act=_does("dialog.showModal()", "Enter", after="[dialog.open, dialog.returnValue]")),
    Case("styles for print", "/people/page", act=_prints),
    Case("printing on paper", "/people/page", act=_paper),
    Case("copying text by script", "/people/page", act=_copied("await navigator.clipboard.writeText('copied ä')")),
    Case("copying markup by script", "/people/page", act=_copied(f"await navigator.clipboard.write([new ClipboardItem({{ 'text/html': new Blob(['<a href=\"{B}/x\">x</a>'], {{ type: 'text/html' }}), 'text/plain': new Blob(['x']) }})])")),
    Case("reading the clipboard", "/people/page", act=_does("await navigator.clipboard.writeText('items'); const [one] = await navigator.clipboard.read(); return [await navigator.clipboard.readText(), one.types, await (await one.getType('text/plain')).text()]")),
    Case("the clipboard in an own frame", "/people/page", act=_does("return frame.contentWindow.navigator.clipboard.writeText('framed').then(() => 'written', (error) => error.name)")),
    Case("copying what is chosen", "/people/page", act=_copied(f"getSelection().selectAllChildren(p); return {_COPY}")),
    Case("copying a link that is chosen", "/people/page", act=_copied(f"const range = document.createRange(); range.selectNode(a); getSelection().removeAllRanges(); getSelection().addRange(range); return {_COPY}")),
    Case("a copy that a handler changes", "/people/page", act=_copied(f"document.addEventListener('copy', (event) => {{ event.preventDefault(); event.clipboardData.setData('text/plain', 'changed'); event.clipboardData.setData('text/html', '<b>changed</b>') }}, {{ once: true }}); return {_COPY}")),
    Case("cutting from a field", "/people/page", act=_copied("field.select(); return document.execCommand('cut') && field.value")),
    Case("choosing a word", "/people/page", act=_select),
    Case("typing", "/people/page", act=_typed),
    Case("typing where one edits", "/people/page", act=_edited),
    Case("dragging a link", "/people/page", act=_drag("#a", "[[...event.dataTransfer.types], event.dataTransfer.getData('text/uri-list'), event.dataTransfer.getData('text/plain'), event.dataTransfer.getData('URL')]")),
    Case("dragging an image", "/people/page", act=_drag("#img", "[event.dataTransfer.getData('text/uri-list'), event.dataTransfer.files.length]")),
    Case("fullscreen", "/people/page", act=_does("await document.documentElement.requestFullscreen(); const seen = [document.fullscreenElement?.localName, document.fullscreenEnabled]; await document.exitFullscreen(); return [...seen, document.fullscreenElement]")),
    Case("locking the pointer", "/people/page", act=_does("const heard = new Promise((done) => (document.onpointerlockchange = document.onpointerlockerror = (event) => done(event.type))); b.requestPointerLock()?.catch?.(() => 0); return heard")),
    Case("features that are allowed", "/people/page", act=_features("document.featurePolicy.allowsFeature(name)", FEATURES)),
    Case("features that a policy forbids", "/people/policy", act=_features("document.featurePolicy.allowsFeature(name)")),
    Case("features of a frame", "/people/page", act=_features("frame.featurePolicy.allowsFeature(name)")),
    Case("permissions as they are asked", "/people/page", look="async () => { const out = {}; for (const name of ['geolocation', 'notifications', 'camera', 'clipboard-read', 'clipboard-write', 'persistent-storage', 'midi', 'screen-wake-lock', 'storage-access']) out[name] = await navigator.permissions.query({ name }).then(({ state }) => state, (error) => error.name); return out }"),
    Case("a place that is asked for", "/people/page", look="() => new Promise((done) => navigator.geolocation.getCurrentPosition(() => done('told'), ({ code }) => done(code)))"),
    Case("a notification that is asked for", "/people/page", look="async () => [Notification.permission, await Notification.requestPermission()]"),
    Case("sharing and other ways out", "/people/page", look="() => [typeof navigator.share, navigator.canShare?.({ url: 'https://b.test/' }) ?? null, typeof navigator.wakeLock, typeof navigator.credentials, typeof PaymentRequest, typeof navigator.registerProtocolHandler]"),
)  # fmt: skip
