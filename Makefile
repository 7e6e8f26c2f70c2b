# The two commands: `make demo` shows the gateway, `make test` proves it.
# Both work on a fresh Debian-like machine with Python 3.11 or newer.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := gateway/runtime
APPS := tests/browser/apps
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
APT := $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get

.DEFAULT_GOAL := help
.PHONY: help demo test style format texts unit trial browser runtime packages bench-packages nightly bench clean

help:
	@echo "make demo     demo sites and a gateway before them; stop with Ctrl-C"
	@echo "make test     everything: tools, style, unit tests (pytest and trial), browser tests"
	@echo "make style    ruff, mypy strict, tsc     make format   ruff format"
	@echo "make texts    the pages' catalogues brought up to date with the texts in use"
	@echo "make unit / trial / browser / runtime    the parts of make test"
	@echo "make nightly  conformance suites and trial whole, hours; writes docs/websocket-conformance.md"
	@echo "make bench    measurements (see bench/README.md)"

demo: $(VENV)/.installed
	$(BIN)/python -m gateway demo

test: packages style runtime unit trial browser

# --- tools ------------------------------------------------------------------------------

$(VENV)/.made:
	$(PYTHON) -m venv $(VENV) || { $(APT) update -q && $(APT) install -y -q python3-venv && $(PYTHON) -m venv $(VENV); }
	touch $@

$(VENV)/.installed: $(VENV)/.made setup.cfg pyproject.toml
	$(BIN)/pip install --disable-pip-version-check --quiet --editable .
	touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(BIN)/pip install --disable-pip-version-check --quiet --editable '.[test,style,browser,apps]' 'setuptools>=77' wheel
	touch $@

# The compiled loops, beside their sources: tests run from the checkout.
NATIVE := $(wildcard gateway/rewrite/_native*.p*)
$(VENV)/.native: $(VENV)/.tested setup.py $(NATIVE)
	$(BIN)/python setup.py --quiet build_ext --inplace
	touch $@

# What the tests need besides Python: a browser with a font, Node for the browser code, a store, a
# library that the browser's driver wants, real pages (which slim images leave out), brokers, and
# what WordPress wants (12 MB to load, 100 MB on the disk; its database is no service of the system's).
PAGES := apache2-doc git-doc debian-policy
# Brokers are started by the tests, in folders of their own: none of the system's is to start.
QUIET := /usr/sbin/policy-rc.d
QUIETLY = if [ ! -e $(QUIET) ]; then trap '$(SUDO) rm -f $(QUIET)' EXIT; \
	printf '\043!/bin/sh\nexit 101\n' | $(SUDO) tee $(QUIET) >/dev/null; $(SUDO) chmod +x $(QUIET); fi
packages:
	@missing=; \
	command -v cc >/dev/null || missing="gcc libc6-dev"; \
	[ -e "$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ] || missing="$$missing python3-dev"; \
	command -v chromium >/dev/null || missing="$$missing chromium fonts-dejavu-core"; \
	command -v chromium-headless-shell >/dev/null || missing="$$missing chromium-headless-shell"; \
	command -v curl >/dev/null || missing="$$missing curl"; \
	for name in lynx w3m; do command -v $$name >/dev/null || missing="$$missing $$name"; done; \
	command -v redis-server >/dev/null || missing="$$missing redis-server"; \
	command -v npm >/dev/null || missing="$$missing nodejs npm"; \
	/sbin/ldconfig -p | grep -q libatomic.so.1 || missing="$$missing libatomic1"; \
	command -v mariadbd >/dev/null || [ -x /usr/sbin/mariadbd ] || missing="$$missing mariadb-server-core"; \
	command -v my_print_defaults >/dev/null || missing="$$missing mariadb-client-core"; \
	php -m 2>/dev/null | grep -q '^mysqli$$' || missing="$$missing php-cli php-mysql"; \
	php -m 2>/dev/null | grep -q '^gd$$' || missing="$$missing php-gd"; \
	for name in $(PAGES); do \
		[ -n "$$(find /usr/share/doc/$$name -name '*.html' -print -quit 2>/dev/null)" ] || missing="$$missing $$name"; \
	done; \
	for name in rabbitmq-server mosquitto prosody; do \
		command -v $$name >/dev/null || [ -x /usr/sbin/$$name ] || missing="$$missing $$name"; \
	done; \
	command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing="$$missing nginx-light"; \
	[ -z "$$missing" ] || $(QUIETLY); \
	if [ -n "$$missing" ]; then $(APT) update -q && $(APT) install -y -q --no-install-recommends --reinstall \
		-o Dpkg::Options::='--path-include=/usr/share/doc/*' $$missing; fi

$(RUNTIME)/node_modules/.installed: $(RUNTIME)/package-lock.json
	cd $(RUNTIME) && npm ci --no-audit --no-fund --silent
	touch $@

# Unpacked beside the tools, for installed it would bring a web server that starts by itself.
WORDPRESS := $(VENV)/wordpress
DEBS := wordpress wordpress-theme-twentytwentythree php-getid3 \
	libjs-cropper libjs-prototype libjs-scriptaculous libjs-underscore
$(WORDPRESS)/.unpacked: | $(VENV)/.made packages
	rm -rf $(WORDPRESS) && mkdir $(WORDPRESS)
	cd $(WORDPRESS) && { apt-get download -qq $(DEBS) 2>/dev/null || \
		{ $(APT) update -q && apt-get download -qq $(DEBS); }; }
	cd $(WORDPRESS) && for one in *.deb; do dpkg-deb -x $$one . && rm $$one; done
	touch $@

# Applications that the browser tests drive; nothing of them belongs to the gateway.
$(APPS)/node_modules/.installed: $(APPS)/package-lock.json
	cd $(APPS) && npm ci --ignore-scripts --no-audit --no-fund --silent
	touch $@

# --- the parts of make test -------------------------------------------------------------

style: packages $(VENV)/.tested $(RUNTIME)/node_modules/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	cd $(RUNTIME) && npm run --silent types

format: $(VENV)/.tested
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

texts: $(VENV)/.tested
	$(BIN)/python -m tests.pages.catalogues

runtime: packages $(RUNTIME)/node_modules/.installed
	cd $(RUNTIME) && npm run --silent check && npm test

# Half of what the tests cost is waiting: more processes than cores.
PARALLEL := -n 3 --dist loadfile --max-worker-restart 2

# What a busy machine was too slow for is asked once more, by itself: here, by trial, in the browser.
unit: $(VENV)/.tested $(VENV)/.native
	$(BIN)/python -m pytest --ignore=tests/browser $(PARALLEL) || $(BIN)/python -m pytest --ignore=tests/browser --last-failed --last-failed-no-failures none
	$(BIN)/python -m tests.cookies.test_corpora
	GATEWAY_PURE=1 $(BIN)/python -m pytest $(wildcard tests/rewrite/test_html*.py tests/rewrite/test_js*.py tests/rewrite/test_pipeline*.py) $(PARALLEL)

trial: $(VENV)/.tested $(VENV)/.native
	$(MAKE) --no-print-directory --jobs=3 --output-sync=target trial-0 trial-1 trial-2

trial-%: $(VENV)/.tested
	$(BIN)/python -m tests.again --temp-directory=_trial_temp-$* $$($(BIN)/python -m tests.parts $* 3)

browser: packages $(VENV)/.tested $(RUNTIME)/node_modules/.installed $(APPS)/node_modules/.installed $(WORDPRESS)/.unpacked
	$(BIN)/python -m pytest tests/browser -n 3 --dist loadfile --no-loadscope-reorder --max-worker-restart 2 || $(BIN)/python -m pytest tests/browser --last-failed --last-failed-no-failures none

# What takes too long for make test: large messages and compression, case by case; and trial whole.
nightly: $(VENV)/.tested $(VENV)/.native
	$(BIN)/python -m tests.again $$($(BIN)/python -m tests.parts)
	$(BIN)/python -m tests.conformance

# What the gateway is put beside; none of it is to start by itself as a service.
bench-packages:
	@missing=; for name in nginx:nginx-light haproxy:haproxy wrk:wrk; do \
		[ -x /usr/sbin/$${name%%:*} ] || command -v $${name%%:*} >/dev/null || missing="$$missing $${name##*:}"; \
	done; \
	if [ -n "$$missing" ]; then $(APT) update -q && \
		$(SUDO) env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -q --no-install-recommends $$missing; fi

bench: packages bench-packages $(VENV)/.tested $(VENV)/.native
	$(BIN)/python -m bench all

clean:
	rm -rf $(VENV) build dist gateway/rewrite/*.so *.egg-info _trial_temp* .mypy_cache .ruff_cache .pytest_cache .hypothesis $(RUNTIME)/node_modules $(APPS)/node_modules
