"""Real software, unmodified, and the ground on which tests drive it.

``serve.mjs`` starts one of ``spa``, ``offline``, ``chat`` and ``oauth``: small applications made of
packages of the npm registry (``package.json``; ``make packages`` installs them), each with its
origins over TLS.  ``wordpress`` starts Debian's WordPress on PHP's own server and a MariaDB of its
own.  ``ground`` puts a gateway before any of them and opens browsers either way to it.
"""
