# The commands of the project; README.md explains them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: install run test test-quick test-faults check bench bench-smoke bench-kafka bench-outbox bench-access bench-memory \
	bench-query bench-page bench-evidence screenshot lock vendor

install: $(VENV)/installed

$(VENV)/installed: constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.13 install" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# DELIVERY=outbox starts the relay, too.
DELIVERY ?= $(or $(USER_SERVICE_DELIVERY),direct)
RELAY := $(if $(filter outbox,$(DELIVERY)),-- $(BIN)/user-service relay)

# SINK=kafka://… sends to a topic, and starts the consumer, too.
run: install
	@export USER_SERVICE_DELIVERY=$(DELIVERY) $(if $(SINK),USER_SERVICE_SINK='$(SINK)') && \
	$(BIN)/audit-service check && $(BIN)/user-service check && \
	users=$${USER_SERVICE_BIND:-localhost:3000} events=$${AUDIT_SERVICE_BIND:-localhost:8080} && \
	export USER_SERVICE_SINK=$${USER_SERVICE_SINK:-$${K_SINK:-http://$$events/}} && \
	case $$USER_SERVICE_SINK in kafka://*) export AUDIT_SERVICE_KAFKA="$$USER_SERVICE_SINK"; \
	  consumer="--ready http://$${AUDIT_SERVICE_CONSUMER_BIND:-127.0.0.1:8081}/readyz"; \
	  consume="-- $(BIN)/audit-service consume";; esac && \
	exec $(BIN)/python -m tools.run_together \
	  --ready "http://$$events/readyz" --ready "http://$$users/readyz" \
	  --say "$$(printf "$$TRY" "$$users" "$$events")" \
	  $(if $(RELAY),--ready "http://$${USER_SERVICE_RELAY_BIND:-127.0.0.1:3001}/readyz") \
	  $$consumer \
	  -- $(BIN)/audit-service run $$consume -- $(BIN)/user-service run $(RELAY)

define TRY
Both services run; Ctrl-C stops them. Try it from another terminal:

  curl -X POST http://%s/v1/user -H 'Content-Type: application/json' -d '{"name": "Ozzy Osbourne", "password": "12345"}'
  curl http://%s/v1/events

endef
export TRY

# In processes beside each other; more than two cores may take more.
PYTEST = $(BIN)/pytest --numprocesses $(PROCESSES)
PROCESSES ?= 4

# Faults come last and less crowded: what kills and starves processes disturbs other tests.
test: install
	$(PYTEST) -m "not faults"
	$(if $(FAULTS),$(BIN)/pytest --numprocesses 2 -m faults)

# On SQLite alone; no whole system and no relay is started.
QUICK := tests/contract tests/kit tests/audit tests/user/api tests/user/users tests/user/sinks

test-quick: install
	$(PYTEST) $(QUICK) -m "not faults and not slow" -k "not postgres"

# Faults as often as they have to be survived; takes long. FAULTS=few injects each a few times.
test-faults: install
	FAULTS=full $(BIN)/pytest -m faults --timeout 3600 --durations 10

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.vendor check

# Measures everything and writes docs/performance.md; needs wrk and a quiet machine.
bench: install
	$(BIN)/python -m bench

# Prints events a second from a Kafka topic to the disk; needs a broker, or the means to start one.
bench-kafka: install
	$(BIN)/python -m bench.measures.consumer $(OPTIONS)

# Runs every part of it once, to see that it works.
bench-smoke: install
	$(BIN)/python -m bench --smoke

# What a token costs single events.
bench-access: install
	$(BIN)/python -m bench.measures.access $(OPTIONS)

# How fast the relay drains an outbox into our audit service.
bench-outbox: install
	$(BIN)/python -m bench.measures.outbox

# Memory of each worker under steady load and bombs, five minutes: a section of docs/performance.md.
bench-memory: install
	$(BIN)/python -m bench.report.memory $(OPTIONS)

# Searches in logs of up to EVENTS events, a section of docs/performance.md; needs wrk.
EVENTS ?= 1000000
bench-query: install
	$(BIN)/python -m bench.report.query --events $(EVENTS) $(OPTIONS)

# The page in a browser on a log of EVENTS events, a section of docs/performance.md; needs Chromium.
bench-page: install
	$(BIN)/python -m bench.report.in_browser --events $(EVENTS) $(OPTIONS)

# What a signed log costs, and how fast it is verified: a section of docs/performance.md; needs wrk.
bench-evidence: install
	$(BIN)/python -m bench.report.evidence --events $(EVENTS) $(OPTIONS)

# Writes docs/page.png; needs Chromium.
screenshot: install
	$(BIN)/python -m bench.screenshot

# Resolve the dependencies anew; needs uv.
lock:
	uv pip compile --quiet --no-strip-extras --universal --generate-hashes --no-header --python-version 3.11 --all-extras pyproject.toml -o constraints.txt
	uv pip compile --quiet --no-strip-extras --universal --generate-hashes --no-header --python-version 3.11 --extra build -c constraints.txt pyproject.toml -o constraints-runtime.txt

# Fetch the files of others that vendor.toml records; needs npm.
vendor: install
	$(BIN)/python -m tools.vendor fetch
