"""Real brokers, unmodified, and the ground on which tests put a gateway before them.

``servers`` starts RabbitMQ, Mosquitto, Prosody, a WAMP router and a Socket.IO server, each in a
folder of its own; ``proxies`` starts nginx: before the brokers, where it ends TLS as many a site's
does, and between browser and gateway, where it stands for the networks that let no WebSocket pass.
``pages`` is one small chat for five client libraries of the npm registry, which know nothing of any
gateway.
"""
