"""What the programs make of the public corpora for the scales small and paper, and where the corpora are."""

import os
from functools import cache
from pathlib import Path

import pytest
from conftest import NEXT, ROOT, Settings

from abstain.jobs.files import read_json, read_jsonl
from abstain.settings.arms import draw_of
from calibrate import calibrate
from normalise import normalise

MIRROR = Path(os.environ.get("ABSTAIN_MIRROR", ROOT.parent / "shared/corpora"))
needs_mirror = pytest.mark.skipif(not MIRROR.is_dir(), reason="no mirror of the public corpora: set ABSTAIN_MIRROR")
SMALL, PAPER = Settings.read(ROOT / "config/small.yaml", NEXT), Settings.read(ROOT / "config/paper.yaml")
STUDY = "do-not-answer"


class Drawn:
    """What the programs make of the corpora of the small scale, most of which are also those of the paper scale; each
    file when it is first asked for.
    """

    def __init__(self, folder: Path, study: str = STUDY):
        self.folder, self.study = folder, study
        self.mix = cache(self._mix)

    def corpus(self, name: str) -> Path:
        """The folder with a corpus's examples, its quarantine and its card."""
        settings, made = SMALL.scale["corpora"][name], self.folder / "corpora" / name
        if not made.exists():
            made.mkdir(parents=True)
            places = settings["files"].values()
            files = [str(MIRROR / file["in_mirror"] if "url" in file else ROOT / file["path"]) for file in places]
            outputs = (str(made / file) for file in ("examples.jsonl", "quarantine.jsonl", "card.json"))
            normalise(name, settings, files, *outputs)
        return made

    def cards(self) -> dict[str, dict]:
        return {name: read_json(self.corpus(name) / "card.json") for name in SMALL.scale["corpora"]}

    def _mix(self, scale: str, name: str) -> Path:
        """The folder with the examples of a mix of a scale, what is left out, and the card."""
        settings, made = {"small": SMALL, "paper": PAPER}[scale], self.folder / scale / name
        study = settings.resolved(self.study)
        corpora = [str(self.corpus(corpus) / "examples.jsonl") for corpus in study["corpora"]]
        licences = {corpus: record["licence"] for corpus, record in settings.scale["corpora"].items()}
        made.mkdir(parents=True)
        outputs = (str(made / file) for file in ("examples.jsonl", "left_out.csv", "card.json"))
        calibrate(corpora, draw_of(study, name), licences, *outputs)
        return made

    def rows(self, scale: str, name: str) -> list[dict]:
        return list(read_jsonl(self.mix(scale, name) / "examples.jsonl"))

    def values(self, scale: str, name: str, field: str, kind: str = "harmful") -> set[str]:
        """The values of a field that the requests of a kind have in a mix."""
        return {row[field] for row in self.rows(scale, name) if row["kind"] == kind}
