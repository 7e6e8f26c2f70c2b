"""Debian's WordPress, unmodified: PHP's own server and a MariaDB in a folder of their own.

PHP's server speaks no TLS, so that a small terminator stands before it, as a balancer does
before many a site.  Nothing of the system's own services is touched.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import ssl
import subprocess
import sys
import threading
from pathlib import Path

from tests.browser.harness import Stack, free_port, until

SITE = "https://blog.test"
USER, PASSWORD = "ada", "s3cret pass"
SOURCE = Path("usr/share/wordpress")
PLACES = (Path(sys.prefix) / "wordpress", Path("/"))
"""Where its package was unpacked (``make browser``), or installed."""
# WordPress looks for its configuration beside its own files, unless it is told its place first.
PREPEND = "<?php define('ABSPATH', '{folder}/site/');\n"
CONFIGURATION = """<?php
define('DB_NAME', 'wordpress');
define('DB_USER', 'root');
define('DB_PASSWORD', '');
define('DB_HOST', 'localhost:{folder}/db.sock');
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
define('WP_HOME', '{site}');
define('WP_SITEURL', '{site}');
define('WP_CONTENT_DIR', '{folder}/content');
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('DISABLE_WP_CRON', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
foreach (['AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE'] as $name) {{
  define($name . '_KEY', "a test's $name key");
  define($name . '_SALT', "a test's $name salt");
}}
$table_prefix = 'wp_';
$_SERVER['HTTPS'] = 'on';
require_once ABSPATH . 'wp-settings.php';
"""
INSTALL = """<?php
define('WP_INSTALLING', true);
$_SERVER['HTTP_HOST'] = 'blog.test';
require ABSPATH . 'wp-load.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install('A blog', '{user}', 'ada@blog.test', true, '', '{password}');
update_option('permalink_structure', '/post/%postname%/');
// Somebody who has seen the editor's guide before.
$seen = ['core/edit-post' => ['welcomeGuide' => false], '_modified' => gmdate('c')];
update_user_meta(1, $wpdb->prefix . 'persisted_preferences', $seen);
echo 'installed';
"""


def start(stack: Stack) -> None:
    """Start and install it; its origin becomes known to the stack."""
    for name in ("mariadbd", "mariadb-install-db", "php"):
        if shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/bin:/bin") is None:
            raise AssertionError(f"{name} is missing: run make packages")
    source = next((place / SOURCE for place in PLACES if (place / SOURCE).is_dir()), None)
    if source is None:
        raise AssertionError("WordPress is missing: run make browser")
    folder = stack.folder / "wordpress"
    folder.mkdir()
    _start_database(stack, folder)
    site = folder / "site"
    site.mkdir()
    for one in source.iterdir():
        if one.name not in {"wp-config.php", "wp-content"}:
            (site / one.name).symlink_to(one)
    content = folder / "content"
    content.mkdir()
    (content / "themes").symlink_to(source / "wp-content" / "themes")
    (content / "uploads").mkdir()
    (site / "wp-content").symlink_to(content)
    (folder / "prepend.php").write_text(PREPEND.format(folder=folder))
    (site / "wp-config.php").write_text(CONFIGURATION.format(folder=folder, site=SITE))
    (folder / "install.php").write_text(INSTALL.format(user=USER, password=PASSWORD))
    php = ["php", "-d", f"auto_prepend_file={folder}/prepend.php", "-d", "display_errors=0"]
    done = subprocess.run(
        [*php, str(folder / "install.php")], capture_output=True, text=True, timeout=60, check=False
    )
    if "installed" not in done.stdout:
        raise AssertionError(f"WordPress was not installed: {done.stdout}{done.stderr}")
    port = free_port()
    # Compiled once for all processes and requests.
    php += ["-d", "opcache.enable_cli=1", "-d", "opcache.validate_timestamps=0"]
    server = stack.run(
        "php",
        [*php, "-S", f"127.0.0.1:{port}", "-t", str(site)],
        PHP_CLI_SERVER_WORKERS="4",
    )
    until(lambda: "started" in server.text(), "PHP serves: " + server.text())
    stack.hosts[SITE] = terminate_tls(stack.certificate("wordpress", "blog.test"), port)


def _start_database(stack: Stack, folder: Path) -> None:
    data = folder / "db"
    common = ["--no-defaults", f"--datadir={data}"]
    made = subprocess.run(
        ["mariadb-install-db", *common, "--auth-root-authentication-method=normal", "--user=root",
         "--skip-test-db", "--innodb-flush-log-at-trx-commit=0", "--innodb-log-file-size=4M"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if made.returncode:
        raise AssertionError("no database was made: " + made.stdout + made.stderr)
    (folder / "init.sql").write_text("CREATE DATABASE wordpress CHARACTER SET utf8mb4;\n")
    database = stack.run(
        "mariadb",
        ["/usr/sbin/mariadbd", *common, "--user=root", "--skip-networking",
         f"--socket={folder}/db.sock", f"--init-file={folder}/init.sql",
         f"--pid-file={folder}/db.pid", "--innodb-flush-log-at-trx-commit=0",
         "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=4M"],
    )  # fmt: skip
    until(lambda: "ready for connections" in database.text(), "MariaDB runs: " + database.text())


def terminate_tls(files: tuple[str, str], port: int) -> int:
    """Listen with TLS before a plain port, for as long as this process lives; the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    ready: list[int] = []

    async def copy(reader, writer) -> None:
        with contextlib.suppress(OSError, ssl.SSLError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError, ssl.SSLError):
            writer.close()

    async def serve(reader, writer) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(copy(reader, back), copy(there, writer))

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        ready.append(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    threading.Thread(target=asyncio.run, args=(run(),), daemon=True).start()
    until(lambda: ready, "TLS is terminated")
    return ready[0]
