"""Validators of subprotocols: text or octets in, verdict out.  None is built yet."""
