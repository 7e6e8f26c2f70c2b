"""The ``gateway`` command of twistd.  Every twistd run imports this: nothing heavy here."""

from twisted.application.service import ServiceMaker

gateway = ServiceMaker("Gateway", "gateway.tap", "Origin-collapsing web gateway.", "gateway")
