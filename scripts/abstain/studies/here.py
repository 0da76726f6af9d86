"""What of a study a scale runs: arms that lack a mix, sizes of nothing, and the figures that can be drawn."""

from collections.abc import Iterator

from abstain.plots.registry import load as load_plot
from abstain.plots.registry import methods
from abstain.settings.arms import BASE, arms_by, named_arms, run_here, scored_on
from abstain.settings.schema import Fault
from abstain.studies.metrics import measures_in


def here_faults(study: dict) -> list[Fault]:
    """Arms of a whole study that cannot be run as the scale has it, and sizes that nothing takes."""
    faults = [*_comparison_faults(study), *_size_faults(study)]
    return faults or list(_arm_faults(run_here(study)))


def with_figures(study: dict) -> dict:
    """A resolved study with only those figures whose numbers are measured at this scale."""
    drawn = {}
    for name, figure in study["figures"].items():
        shows = traced(study, figure) or not methods(figure["plot"])
        if shows and set(load_plot(figure["plot"]).needs(figure)) <= measures_in(study, figure):
            drawn[name] = figure
    return {**study, "figures": drawn}


def traced(study: dict, figure: dict) -> list[str]:
    """The arms whose trainings a figure shows, in its order; none where its plot shows replies alone."""
    found = {arm for method in methods(figure["plot"]) for arm in arms_by(study, method)}
    return [arm for arm in named_arms(figure) or study["arms"] if arm in found]


def _comparison_faults(study: dict) -> Iterator[Fault]:
    compared = study["compared"]
    if BASE not in compared:
        yield Fault("compared", f"the arm {BASE!r} is what the others are compared with; add it")
    for i, name in enumerate(compared):
        start = study["arms"][name]["from"]
        if start not in (None, BASE, *compared):
            yield Fault(f"compared.{i}", f"{name!r} starts from the arm {start!r}, which is not compared; add it")


def _size_faults(study: dict) -> Iterator[Fault]:
    for mix, sizes in study["sizes"].items():
        prompts: dict[str, list[str]] = {}
        for row in study["mixes"][mix]["rows"]:
            prompts.setdefault(row["kind"], []).append(row["prompt"])
        for kind, size in sizes.items():
            if kind not in prompts:
                words = f"the mix has no rows of kind {kind!r}; it has: {', '.join(prompts)}"
                yield Fault(f"sizes.{mix}.{kind}", words)
            for prompt in size["rows"] if isinstance(size["rows"], dict) else ():
                if prompt not in prompts.get(kind, [prompt]):
                    words = f"the mix puts no {kind!r} rows into it; it has: {', '.join(prompts[kind])}"
                    yield Fault(f"sizes.{mix}.{kind}.rows.{prompt}", words)


def _arm_faults(study: dict) -> Iterator[Fault]:
    for name, arm in study["arms"].items():
        for key, what in (("mix", "is trained on"), ("validation", "stops by"), ("fits", "is fitted on")):
            if (mix := arm.get(key)) is not None and mix not in study["mixes"]:
                yield Fault(
                    "sizes", f"the arm {name!r} {what} the mix {mix!r}, of which nothing is taken; add its sizes"
                )
                return
    for name in study["arms"]:
        if not scored_on(study, name):
            words = (
                f"the arm {name!r} is compared, and nothing is taken of a mix that it would be scored on; add its sizes"
            )
            yield Fault("sizes", words)
