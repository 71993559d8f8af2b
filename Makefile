# `make` lists the targets. Each sets up what it needs: .venv with the pinned packages of requirements.txt.
# PYTHON=python3.12 names the Python of .venv; without it, .ci/venv looks for one. GPU=1: packages with CUDA.
PYTHON ?=
REQUIREMENTS := requirements$(if $(GPU),-gpu).txt
BIN := .venv/bin
# What was asked for, for messages that say how to try again.
INVOKED = $(strip $(MAKECMDGOALS) $(filter-out PYTHON=%,$(MAKEOVERRIDES)))
# Files of tests are shared among processes; more than four would need much memory.
# BLAS on one thread: the processes share the cores, and threads that wait for each other take most of the time.
PYTEST := OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.PHONY: help venv demo demo-super-resolution demo-fits demo-synthetic test test-quick notebooks lint format docs pictures benchmark pins clean
.DEFAULT_GOAL := help

help:   ## list the targets
	@awk -F ':.*## *' '/^[a-z-]+:.*##/ { printf "make %-22s %s\n", $$1, $$2 }' Makefile

venv:   ## install the packages in .venv (GPU=1: with CUDA; PYTHON=python3.12)
	@sh .ci/venv $(REQUIREMENTS) "$(INVOKED)" "$(PYTHON)"

demo: venv   ## sharpen 20 m bands of real Sentinel-2: data, training, scores, map
	@$(BIN)/python demo.py

demo-super-resolution: venv   ## super-resolution of averaged bands, 30 m to 10 m
	@$(BIN)/python demo.py sentinel2

demo-fits: venv   ## pix2pixCC on a real image of the Sun in FITS
	@$(BIN)/python demo.py fits

demo-synthetic: venv   ## the same on synthetic data (PRESET=cloud_removal, or one of four more)
	@$(BIN)/python demo.py $(or $(PRESET),cloud_removal)

test: venv   ## all tests
	$(PYTEST)

test-quick: venv   ## the tests that are not marked as slow
	$(PYTEST) -m "not slow"

notebooks: venv   ## install JupyterLab and open notebooks/ in it
	@sh .ci/venv requirements-notebooks.txt "$(INVOKED)" "$(PYTHON)"
	$(BIN)/jupyter lab notebooks

lint: venv   ## check style, types and the Dockerfile
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/hadolint Dockerfile

format: venv   ## correct the style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# One command for each kind of page.
docs: venv   ## write the generated pages of docs/ again
	$(BIN)/python -m pix2earth.documentation

pictures: venv   ## draw docs/images again (docs/figures.md says after which commands)
	$(BIN)/python -m pix2earth.results.pictures

benchmark: venv   ## all benchmarks, each a ratio against its reference
	failed=0; for script in benchmarks/*.py; do $(BIN)/python $$script || failed=1; done; exit $$failed

# Versions change only where pyproject.toml asks for it; `uv pip compile --upgrade` renews them.
pins: venv   ## compile requirements*.txt from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --no-annotate \
	  --custom-compile-command "make pins" --quiet --output-file requirements.txt
	$(BIN)/uv pip compile pyproject.toml --extra dev --extra gpu --universal --python-version 3.11 --no-annotate \
	  --custom-compile-command "make pins" --quiet --output-file requirements-gpu.txt
	$(BIN)/uv pip compile pyproject.toml --extra notebooks --constraint requirements.txt --universal --python-version 3.11 \
	  --no-annotate --custom-compile-command "make pins" --quiet --output-file requirements-notebooks.txt

clean:   ## remove what the demos have written (not .venv)
	rm -rf data/demo data/sharpening data/solar data/synthetic experiments/_samples experiments/_evaluation
	rm -rf maps/s2_18svg_10m* maps/trace_171* dvc_plots
	for run in experiments/demo experiments/sharpening experiments/solar experiments/synthetic/* experiments/pipeline/* experiments/losses/*; do \
	  for folder in ckpt logs model nohup samples test; do rm -rf $$run/$$folder; done; done
