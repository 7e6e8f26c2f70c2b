"""Hostile sites, the bank that they are after, and the world in which they meet.

site       bank, evil and ad: what they answer, who is signed in
world      a gateway, the sites, a browser; what the attacker can look at
raw        pages without the runtime
outsider   a client of the attacker's own, with the attacker's session
unprefixed the gateway with session cookies that any page may write: an old browser's view
*.html     hostile pages
"""
