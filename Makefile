# Every command here makes what it needs first: a fresh machine with Python 3.11 or newer is enough.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
# Which results verify, publish, push and pull are about.
SCALE := pocket
# Where `make select` chooses: selection for pocket, selection-small for small. Compared are the file's own recipes, and each overlay's.
SELECTION := selection
SETTINGS = config/$(SELECTION).yaml $(sort $(wildcard config/$(SELECTION)/*.yaml))
export PYTHONNOUSERSITE := 1
unexport PYTHONHOME PYTHONPATH

# The first that runs, is new enough and can make an environment.
PYTHON = $(shell for python in python3.11 python3; do \
	$$python -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null && echo $$python && break; done)
PIP_INSTALL := .venv/bin/python -m pip install --quiet --quiet --no-deps --require-hashes --requirement

.PHONY: help reproduce test check verify publish push pull repair tidy pretrain detector select report lock .venv

help: ## list these commands
	@sed --quiet --regexp-extended 's/^([.a-z]+):.*## (.*)/\1\t\2/p' Makefile | expand --tabs=12

reproduce: ## run the whole pocket experiment and verify it
	scripts/reproduce

test: .venv ## run every test
	.venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 40

check: .venv ## check format, lint, environments, and that every scale can be planned; seconds
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/snakefmt --check Snakefile rules
	.venv/bin/python envs/render.py --check
	.venv/bin/snakemake --lint
	for scale in config.yaml config/*.yaml; do \
		plan=$$(.venv/bin/snakemake --configfile $$scale --dry-run --forceall 2>&1) || { echo "$$plan" >&2; exit 1; }; \
		echo "$$scale can be planned"; done

verify: .venv ## compare every result with the published hashes: what differs and why; logs/<scale>/verify.json has it too
	.venv/bin/python scripts/verify.py results/$(SCALE) --report logs/$(SCALE)/verify.json

publish: ## copy the hashes of new results to published/, where no run writes; commit both together
	mkdir --parents published
	cd results/$(SCALE) && { cat SHA256SUMS; sha256sum SHA256SUMS records/checksum.json; } > ../../published/$(SCALE).sha256

push: .venv ## record the large folders and send them to ABSTAIN_REMOTE, else to DVC's default remote
	.venv/bin/python scripts/push.py $(SCALE)

pull: .venv ## fetch the large folders, check every byte, and let Snakemake know what is finished
	.venv/bin/python scripts/pull.py $(SCALE)

repair: .venv ## make one file of a finished run again and compare it: make repair FILE=results/...
	.venv/bin/python scripts/repair.py "$(FILE)"

tidy: .venv ## remove files below results/ that no job makes any more, and name them
	.venv/bin/python scripts/tidy.py

pretrain: .venv ## make the pocket model again and compare its bytes; four and a half hours
	PATH=".venv/bin:$$PATH" snakemake pretraining/measures.csv --cores 1
	for file in polishing/{model.safetensors,config.json,generation_config.json} \
		tokenizer.json tokenizer_config.json chat_template.jinja measures.csv; do \
		cmp pretraining/$$file models/pocket/$${file##*/}; done

detector: .venv ## make the learned detector again from ABSTAIN_MIRROR or the network, and compare its bytes; ten minutes
	PATH=".venv/bin:$$PATH" snakemake detector/weights.json --cores 1
	for file in weights.json out_of_fold.csv; do cmp detector/$$file models/detector/$$file; done

report: .venv ## write Snakemake's report of the finished pocket experiment, as one page to browse
	scripts/report

select: .venv ## choose recipes on the validation part: run every setting, write its table; pocket's take a quarter of an hour
	for setting in $(SETTINGS); do PATH=".venv/bin:$$PATH" snakemake --until resolve summarise \
		--cores $$(nproc) --resources gpu=1 --configfile config/$(SELECTION).yaml $$setting; done
	.venv/bin/python scripts/select_settings.py $(SETTINGS)

simulate: .venv ## print what the intervals of the tables cover, by simulated runs; about ten minutes
	PYTHONPATH=scripts .venv/bin/python scripts/simulate.py

lock: .venv ## resolve pyproject.toml again and render envs/; what is locked stays while it fits
	requirements/lock

.venv: .venv/.complete ## install what is locked, with torch for the CPU where pip finds it, else for CUDA; minutes

# Written last, so that an interrupted installation starts again, and from nothing.
.venv/.complete: requirements/base.lock requirements/cpu.lock requirements/gpu.lock
	@folder=$$(pwd -P); [ "$$(LC_ALL=C.UTF-8; printf %q "$$folder")" = "$$folder" ] || { \
		echo "Snakemake cannot start jobs from $$folder: move it to a path without spaces and signs of the shell." >&2; \
		exit 1; }
	@[ ! -L .venv ] || { echo ".venv is a link, and installing here would empty the folder behind it: remove the link." >&2; exit 1; }
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv is needed, as python3.11 or python3." >&2; exit 1; }
	@echo "Installing into .venv, which takes some minutes ..."
	$(PYTHON) -m venv --clear .venv
	$(PIP_INSTALL) requirements/base.lock
	$(PIP_INSTALL) requirements/cpu.lock || { \
		echo "There is no torch for the CPU: installing torch for CUDA ..."; \
		$(PIP_INSTALL) requirements/gpu.lock; }
	touch .venv/.complete
