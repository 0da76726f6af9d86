"""abstain: fine-tune small language models to know when not to answer, and measure it.

raw corpora -> examples -> calibrated splits -> adapters -> merged checkpoints -> predictions -> scores -> figures
"""

import os
import sys

import yaml

sys.path.insert(0, os.path.join(workflow.basedir, "scripts"))

from abstain.config import ConfigError, check_config, check_file, check_places
from abstain.models import MODEL_FILES
from abstain.numerics import EXACT
from abstain.sources import sources

os.environ.update(EXACT)  # every job parses this file again, on SLURM too, before it starts its program

try:
    for file in workflow.overwrite_configfiles or [os.path.join(workflow.basedir, "config.yaml")]:
        check_file(file)
except ConfigError as error:
    raise WorkflowError(str(error)) from None

if not workflow.overwrite_configfiles:

    configfile: os.path.join(workflow.basedir, "config.yaml")


try:
    check_config(config, os.path.join(workflow.basedir, "schemas/config.yaml"))
    if workflow.is_main_process:  # what fetches looks for the mirror; a compute node need not see it
        check_places(config, workflow.basedir, os.environ)
except ConfigError as error:
    raise WorkflowError(str(error)) from None


pathvars:
    results=f"results/{config['scale']}",
    logs=f"logs/{config['scale']}",
    benchmarks=f"benchmarks/{config['scale']}",


report: "report/workflow.rst"


include: "rules/common.smk"
include: "rules/corpora.smk"
include: "rules/splits.smk"
include: "rules/adapters.smk"
include: "rules/checkpoints.smk"
include: "rules/predictions.smk"
include: "rules/figures.smk"
include: "rules/records.smk"
include: "rules/pretraining.smk"


rule all:
    """Every study of the scale, and the list of what was made."""
    default_target: True
    input:
        "<results>/SHA256SUMS",
        "<results>/README.md",


for study in config["studies"]:

    rule:
        name:
            study
        input:
            study_results(study),
