"""Makes ``--reactor uvloop`` known to twistd and trial."""

from twisted.application.reactors import Reactor

uvloop = Reactor("uvloop", "gateway.uvloopreactor", "asyncio reactor on uvloop")
