# `make demo` (or `make demo CT=<path>`), `make test`, and `make trust`, which takes long. All install what they need
# into $(VENV).
PYTHON ?= python3
VENV ?= .venv
OUTPUT ?= demo
SEED ?= 9101
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test trust lint clean

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $@

# Without CT= a patient is simulated (a seed that the bundled model was not trained on).
demo: $(INSTALLED)
ifdef CT
	$(BIN)/cacnet segment '$(CT)' --output '$(OUTPUT)'
else
	$(BIN)/cacnet phantom --seed $(SEED) --output '$(OUTPUT)/simulated'
	$(BIN)/cacnet segment '$(OUTPUT)/simulated/ct.nii.gz' --output '$(OUTPUT)'
endif
	@echo 'Pictures and tables:' && ls '$(OUTPUT)'

test: $(INSTALLED) lint
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest --quiet

# Kills, full disks, lost memory, damaged files, long sessions: under half an hour on two cores. Goes on where it was
# interrupted.
trust: $(INSTALLED)
	$(BIN)/python Testing/trust/run.py --long

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) $(OUTPUT) build *.egg-info
