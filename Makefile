# `make demo` and `make test` on a fresh machine do all the set-up themselves.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
REQUIREMENTS := requirements$(if $(GPU),-gpu).txt

.PHONY: demo demo-synthetic test lint format docs pins benchmark clean

# The environment is complete when the stamp of its requirements is there.
$(VENV)/$(REQUIREMENTS): $(REQUIREMENTS)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement $(REQUIREMENTS)
	cp $(REQUIREMENTS) $@

demo: $(VENV)/$(REQUIREMENTS)   ## data, training, evaluation, comparison on real Sentinel-2 (GPU=1: with CUDA)
	@$(BIN)/python demo.py

demo-synthetic: $(VENV)/$(REQUIREMENTS)   ## the same on a made-up Earth: PRESET=cloud_removal and three more
	@$(BIN)/python demo.py $(or $(PRESET),cloud_removal)

test: $(VENV)/$(REQUIREMENTS)   ## all tests
	$(BIN)/python -m pytest

lint: $(VENV)/$(REQUIREMENTS)   ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/$(REQUIREMENTS)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/$(REQUIREMENTS)   ## write docs/environment.md, docs/experiment.md and the JSON Schemas again
	$(BIN)/python -m pix2earth.settings.documentation

benchmark: $(VENV)/$(REQUIREMENTS)   ## all benchmarks, each a ratio against its reference
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

pins: $(VENV)/$(REQUIREMENTS)   ## compile requirements from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --no-annotate \
	  --custom-compile-command "make pins" --quiet --output-file requirements.txt
	$(BIN)/uv pip compile pyproject.toml --extra dev --extra gpu --universal --python-version 3.11 --no-annotate \
	  --custom-compile-command "make pins" --quiet --output-file requirements-gpu.txt

clean:   ## remove what the demo has written (not the environment)
	rm -rf data/demo data/synthetic experiments/_samples experiments/_evaluation
	for run in experiments/demo experiments/synthetic/*; do \
	  for folder in ckpt logs model nohup samples test; do rm -rf $$run/$$folder; done; done
