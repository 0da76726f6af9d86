"""abstain: fine-tune small language models to know when not to answer, and measure it.

raw corpora -> examples -> calibrated splits -> adapters -> merged checkpoints -> predictions -> scores -> figures
"""

import os
import shutil
import sys
from pathlib import Path

import yaml
from snakemake.iocontainers import Wildcards

# The project's folder, also where this is a module of another Snakefile, or is reached through a link.
HOME = Path(workflow.current_basedir, "Snakefile").resolve().parent
sys.path.insert(0, str(HOME / "scripts"))

from abstain.chats.choices import CHOICES
from abstain.finished import leftovers
from abstain.jobs import stamps
from abstain.jobs.errors import AbstainError
from abstain.jobs.numerics import EXACT, REUSE
from abstain.jobs.sources import sources
from abstain.plots import registry as plots
from abstain.scorers.detectors import registry as detectors
from abstain.scorers.metric import load as load_scorer
from abstain.settings import arms
from abstain.settings.claims import headlines_of
from abstain.settings.model_files import MODEL_FILES, WEIGHTS
from abstain.studies import bounds, check, plan
from abstain.studies.here import traced

os.environ.update(EXACT | REUSE)  # every job parses this file again, on SLURM too, before it starts its program

is_given = workflow.modifier.skip_configfile  # the configuration, by another Snakefile of which this is a module
FILES = [] if is_given else workflow.overwrite_configfiles or [HOME / "config.yaml"]
SCALE_FILES = [Path(os.path.relpath(file)) for file in FILES]

try:
    check.check_files(SCALE_FILES, workflow.config_settings.config)
except AbstainError as error:
    raise WorkflowError(str(error)) from None

if not workflow.overwrite_configfiles:

    configfile: str(HOME / "config.yaml")


try:
    STUDIES = check.read_studies(config, SCALE_FILES, HOME, workflow.is_main_process)
    if workflow.is_main_process:  # what fetches looks for the mirror; a compute node need not see it
        check.check_places(config, HOME, os.environ, SCALE_FILES)
except AbstainError as error:
    raise WorkflowError(str(error)) from None

config["resolved"] = STUDIES  # for the report


pathvars:
    results=f"results/{config['scale']}",
    logs=f"logs/{config['scale']}",
    benchmarks=f"benchmarks/{config['scale']}",


report: f"{HOME}/report/workflow.rst"


include: f"{HOME}/rules/common.smk"
include: f"{HOME}/rules/corpora.smk"
include: f"{HOME}/rules/splits.smk"
include: f"{HOME}/rules/adapters.smk"
include: f"{HOME}/rules/checkpoints.smk"
include: f"{HOME}/rules/predictions.smk"
include: f"{HOME}/rules/figures.smk"
include: f"{HOME}/rules/records.smk"
include: f"{HOME}/rules/pretraining.smk"
include: f"{HOME}/rules/detector.smk"


if not is_given:  # as a module, the other Snakefile's handlers are in force

    onstart:
        if workflow.is_main_process and workflow.executor_plugin.name == "slurm" and not shutil.which("sbatch"):
            raise WorkflowError(
                "there is no sbatch on the PATH; run where jobs are submitted, or without the slurm profile"
            )
        if workflow.is_main_process:
            for record in leftovers.outlived(f"results/{config['scale']}", files_of(JOBS)):
                os.remove(record)


rule all:
    """Every file of every study of the scale, and the list of them."""
    default_target: True
    input:
        lambda w: lasting_of(JOBS),
        rules.describe.output,
        rules.checksum.output,


for study in STUDIES:

    rule:
        name:
            study
        input:
            lambda w, study=study: lasting_of(plan.jobs_of_study(study, STUDIES[study])),


if workflow.is_main_process:
    try:
        check.check_needed(needed_files(), config, STUDIES, HOME, Path("results", config["scale"]), SCALE_FILES)
    except AbstainError as error:
        raise WorkflowError(str(error)) from None


if workflow.is_main_process and not is_given:
    leftovers.note(
        f"results/{config['scale']}",
        [*files_of(JOBS), *rules.describe.output, *rules.checksum.output],
        tidy_command(SCALE_FILES if workflow.overwrite_configfiles else []),
    )
