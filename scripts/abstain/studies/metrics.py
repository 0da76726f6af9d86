"""What a study's evaluation can measure, and the claims and figures that ask for more."""

from collections.abc import Iterator

from abstain.plots.registry import load as load_plot
from abstain.scorers.joint import Joint
from abstain.scorers.metric import load as load_scorer
from abstain.settings.arms import ALL, BASE, named_arms, replies_to, scored_on, scorers_here
from abstain.settings.claims import parts_of_all
from abstain.settings.schema import ConfigError, Fault, nearest
from abstain.studies.plan import scorers_of

Measure = tuple[str, str, str]  # condition (a prompt or a gap), kind of request or "all", metric
MEASURE = ("condition", "kind", "metric")


def measures_of(study: dict, arm: str, mix: str) -> set[Measure]:
    """Everything that the summary holds of an arm on a mix; a test compares it with the tables."""
    if mix not in scored_on(study, arm):
        return set()
    scorers = {load_scorer(name): study["scorers"][name] for name in scorers_of(study, arm)}
    found = {
        (row["prompt"], row["kind"] if metric.by_kind else ALL, metric.name)
        for row in study["mixes"][mix]["rows"]
        for scorer, record in scorers.items()
        for metric in scorer.METRICS
        if row["should"] in metric.should and scorer.covers(record, row) and not (metric.needs_base and arm == BASE)
        if replies_to(study["arms"][arm], row["kind"])
        if not isinstance(metric, Joint) or _is_joint(study, arm, mix, row["prompt"], metric, record)
    }
    names = {metric.name: metric.gap for scorer in scorers for metric in scorer.METRICS if metric.gap}
    for gap, (first, second) in study["gaps"].items():
        both = {(kind, name) for at, kind, name in found if at == first and (second, kind, name) in found}
        found |= {(gap, kind, names[name]) for kind, name in both if name in names}
    return found


def _is_joint(study: dict, arm: str, mix: str, prompt: str, metric: Joint, record: dict) -> bool:
    """Whether a metric has a number under a prompt: by its rows, and by those on which something is chosen."""
    if metric.choice is None:
        return not metric.both or _has_both(study, arm, mix, prompt)
    chosen = record[metric.choice]
    there = chosen not in (None, mix) and chosen in scored_on(study, arm) and _has_both(study, arm, chosen, prompt)
    return there and _has_both(study, arm, mix, prompt)


def _has_both(study: dict, arm: str, mix: str, prompt: str) -> bool:
    """Whether an arm is asked rows that should be refused, and rows to be answered, under a prompt of a mix."""
    rows = [row for row in study["mixes"][mix]["rows"] if row["prompt"] == prompt]
    behaviours = {row["should"] for row in rows if replies_to(study["arms"][arm], row["kind"])}
    return {"refuse", "answer"} <= behaviours


def scorer_faults(study: dict) -> Iterator[Fault]:
    """Scorers that are run here and have no use for the texts that they name."""
    for name, record in scorers_here(study).items():
        try:
            load_scorer(name).settings(record, study)
        except ConfigError as error:
            yield Fault(f"scorers.{name}", str(error))


def margin_faults(study: dict) -> Iterator[Fault]:
    """Units that a scorer of the study measures in, and of which no margin is stated."""
    for name in study["scorers"]:
        units = dict.fromkeys(metric.unit for metric in load_scorer(name).METRICS)
        if lacking := [unit for unit in units if unit not in study["margins"]]:
            yield Fault(
                "margins", f"the scorer {name!r} measures in {lacking[0]}; say which difference of them matters"
            )
            return


def claim_faults(study: dict) -> Iterator[Fault]:
    """Claims on what is not measured for every arm that they name."""
    for place, claim in parts_of_all(study["claims"]):
        known = set.intersection(*(measures_of(study, arm, claim["mix"]) for arm in claim["arms"]))
        wanted = claim["condition"], claim["kind"], claim["metric"]
        if wanted not in known:
            who = f"{' and '.join(claim['arms'])} on {claim['mix']!r}"
            yield Fault(f"{place}.{_first_odd(wanted, known)}", f"for {who} {_lacking(wanted, known)}")


def headline_faults(study: dict) -> Iterator[Fault]:
    """Headlines that several claims have, or a part of one."""
    seen_headlines: set[str] = set()
    for place, part in parts_of_all(study["claims"]):
        name = part.get("headline")
        if name in seen_headlines or (name and "also" in place):
            yield Fault(f"{place}.headline", f"one claim of a study has the headline {name!r}, and no part of a claim")
        seen_headlines |= {name} - {None}


def measures_in(study: dict, figure: dict) -> set[Measure]:
    """What a figure can show: everything that is measured of one of its arms on its mix."""
    arms = [arm for arm in named_arms(figure) or study["arms"] if arm in study["arms"]]
    return set().union(*(measures_of(study, arm, figure["mix"]) for arm in arms))


def figure_faults(study: dict) -> Iterator[Fault]:
    """Figures whose numbers no arm has on their mix, that name arms not scored there, or whose metric is no share."""
    for name, figure in study["figures"].items():
        known, plot = measures_in(study, figure), figure["plot"]
        needs = load_plot(plot).needs(figure)
        if len(set(needs)) < len(needs):
            yield Fault(f"figures.{name}", f"a {plot} cannot show one thing twice; name different kinds")
        yield from _arm_faults(study, figure, f"figures.{name}.arms")
        for wanted in needs if known else []:
            if wanted not in known:
                odd = _first_odd(wanted, known)
                place = _place_of(figure, odd, dict(zip(MEASURE, wanted, strict=True))[odd], f"figures.{name}")
                words = f"a {plot} on {figure['mix']!r}: {_lacking(wanted, known)}"
                yield Fault(place or f"figures.{name}", words)
                break
        yield from _share_faults(study, figure, f"figures.{name}.metric")


def _place_of(record: dict | list, key: str, value: str, place: str) -> str | None:
    """The first place in a record, which is itself at `place`, where a key has a value."""
    for name, item in record.items() if isinstance(record, dict) else enumerate(record):
        if name == key and item == value:
            return f"{place}.{name}"
        if isinstance(item, dict | list) and (found := _place_of(item, key, value, f"{place}.{name}")):
            return found
    return None


def _arm_faults(study: dict, figure: dict, place: str) -> Iterator[Fault]:
    """Arms that a figure names and that are not scored on its mix."""
    scored = [arm for arm in study["arms"] if figure["mix"] in scored_on(study, arm)]
    for i, arm in enumerate(named_arms(figure)):
        if arm not in scored:
            words = f"the arm {arm!r} is not scored on {figure['mix']!r}; those that are: {', '.join(scored)}"
            yield Fault(f"{place}.{i}", words)


def _share_faults(study: dict, figure: dict, place: str) -> Iterator[Fault]:
    """A metric, where a figure names one, that is no proportion and so not drawn in percent of the replies."""
    metrics = [metric for scorer in study["scorers"] for metric in load_scorer(scorer).METRICS]
    shares = [metric.name for metric in metrics if metric.kind == "proportion"]
    wanted = figure.get("metric")
    if wanted in {metric.name for metric in metrics} - set(shares):
        yield Fault(place, f"{wanted!r} is no share of the replies; name one of: {', '.join(shares)}")


def _first_odd(wanted: Measure, known: set[Measure]) -> str:
    """Which of condition, kind and metric is the first that nothing fits."""
    conditions = {each for each in known if each[0] == wanted[0]}
    if not conditions:
        return "condition"
    return "metric" if all(each[2] != wanted[2] for each in conditions) else "kind"


def _lacking(wanted: Measure, known: set[Measure]) -> str:
    condition, kind, metric = wanted
    odd = _first_odd(wanted, known)
    choices = {
        "condition": {each[0] for each in known},
        "metric": {each[2] for each in known if each[0] == condition},
        "kind": {each[1] for each in known if each[0] == condition and each[2] == metric},
    }[odd]
    name = {"condition": condition, "metric": metric, "kind": kind}[odd]
    guess = nearest(name, choices)
    hint = f"did you mean {guess!r}? " if guess else ""
    where = (
        ""
        if odd == "condition"
        else f" under {condition!r}"
        if odd == "metric"
        else f" of {metric!r} under {condition!r}"
    )
    return f"nothing measures the {odd} {name!r}{where}; {hint}known: {', '.join(sorted(choices)) or 'none'}"
