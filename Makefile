# make quickstart · test · wheel-test · store-test · report-test · docs · bench · tpu-check
# Each sets up .venv by itself.

PYTHON ?= $(shell for p in python3 python3.12 python3.11 python3.13; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PINS := requirements/$(shell $(PYTHON) -c 'import sys; print("py311" if sys.version_info < (3, 12) else "py312")' 2>/dev/null).txt
BIN := .venv/bin
PICTURES = $(shell $(BIN)/python -c 'from importlib.util import find_spec as f; print(f("skimage").submodule_search_locations[0])')/data

.PHONY: quickstart test lint wheel-test store-test report-test docs bench tpu-check pins clean

quickstart: .venv/ready  ## explain three photographs and write quickstart/report.html
	@$(BIN)/xai-jax explain --classifier efficientnet_lite0 --out quickstart \
		$(PICTURES)/coffee.png $(PICTURES)/chelsea.png $(PICTURES)/motorcycle_left.png

# Three workers are for two cores: tests wait too, for processes, clocks and disks.
test: .venv/ready lint  ## everything that CI runs, but for the browser
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --durations 25

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

wheel-test: .venv/ready  ## what is built for others, tried outside of the checkout
	@.ci/wheel $(BIN)/python

store-test: .venv/stores/ready  ## s3:// against moto's server on the loopback
	MOTO=.venv/stores $(BIN)/python -m pytest tests/runtime/test_objects.py -k s3

report-test: .venv/ready  ## the report in headless Chromium (Debian's chromium and chromium-driver)
	XAI_JAX_BROWSER=1 $(BIN)/python -m pytest tests/report

docs: .venv/docs/ready  ## docs/ as a site: build/site/index.html
	@$(BIN)/python scripts/docs_site.py build/pages
	@NO_MKDOCS_2_WARNING=1 PYTHONPATH=.venv/docs $(BIN)/python -m mkdocs build --quiet --strict
	@echo build/site/index.html

bench: .venv/ready  ## make bench NAME=fido_step
	$(BIN)/python -m benchmarks $(NAME)

tpu-check: .venv/tpu-check/ready  ## for eight TPU chips, without one; PROGRAMS="fido_fast.explain"
	@PYTHONPATH=.venv/tpu-check $(BIN)/python -m benchmarks.tpu_check $(PROGRAMS)

# In a folder of its own, so that nothing else that runs in .venv looks for a TPU.
.venv/tpu-check/ready: .venv/ready requirements/tpu-check.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --target .venv/tpu-check -r requirements/tpu-check.txt
	@touch $@

.venv/docs/ready: .venv/ready requirements/docs.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --target .venv/docs -r requirements/docs.txt
	@touch $@

.venv/stores/ready: .venv/ready requirements/stores.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --target .venv/stores -r requirements/stores.txt
	@touch $@

.venv/ready: pyproject.toml $(PINS)
	@test -n "$(PYTHON)" || { echo "xai_jax needs Python 3.11 or newer; install it or name it: make PYTHON=/path/to/python3.12"; exit 1; }
	@echo "Setting up .venv from $(PINS) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $(PINS)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

pins:  ## compile the pinned requirements anew; needs uv
	for v in 311 312; do uv pip compile pyproject.toml --universal --python-version 3.$${v#3} --extra quickstart --extra test \
		--no-emit-index-url --no-emit-find-links --quiet --custom-compile-command "make pins" --output-file requirements/py$$v.txt; done
	uv pip compile pyproject.toml --universal --python-version 3.11 --extra tpu-check --no-emit-index-url --no-emit-find-links --no-header \
		--no-annotate --quiet | grep '^libtpu==' >requirements/tpu-check.txt
	sed -n 's/^docs = \["\(.*\)"\].*/\1/p' pyproject.toml | uv pip compile - --universal --python-version 3.11 --no-emit-index-url \
		--no-emit-find-links --no-header --no-annotate --quiet >requirements/docs.txt
	echo "moto[server]" | uv pip compile - --universal --python-version 3.11 --no-emit-index-url \
		--no-emit-find-links --no-header --no-annotate --quiet >requirements/stores.txt

clean:
	rm -rf .venv quickstart build
