"""Tests of the network's side: real sockets on loopback, or fakes where a shell allows them."""
