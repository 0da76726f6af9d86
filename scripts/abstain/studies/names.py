"""Names in a study that point to nothing, texts that cannot be filled in, arms in a circle, shares that are not 1."""

from collections.abc import Collection, Iterable, Iterator
from string import Formatter

from abstain.corpora.splits import part_names
from abstain.scorers.metric import load
from abstain.settings.arms import BASE, NAMED, circle, controls, named_arms
from abstain.settings.claims import parts_of_all
from abstain.settings.schema import Fault, nearest

KIND = "kind of request"
Reference = tuple[str, str, str, Collection[str]]  # the place, what it names, the name, the names that there are


def name_faults(config: dict, study: dict) -> list[Fault]:
    """Names that point to nothing, arms in a circle, faulty texts; then faults of the splits."""
    faults = [
        *missing(_references(config, study)),
        *_circles(study["arms"]),
        *_control_faults(study),
        *_text_faults(study),
    ]
    gaps = [gap for gap in study["gaps"] if gap in study["prompts"]]
    faults += [Fault(f"gaps.{gap}", "a prompt has the same name; rename one of them") for gap in gaps]
    return faults or [
        fault for name, split in study["splits"].items() for fault in _split_faults(split, study, f"splits.{name}")
    ]


def missing(references: Iterable[Reference]) -> Iterator[Fault]:
    """Names that point to nothing; one that is used in many places is reported once."""
    places: dict[tuple[str, str], list] = {}
    for place, what, name, known in references:
        if name not in known:
            places.setdefault((what, name), []).append((place, known))
    for (what, name), found in places.items():
        where, known = found[0]
        more = f" (also in {len(found) - 1} more places)" if len(found) > 1 else ""
        guess = nearest(name, known)
        hint = f"did you mean {guess!r}? " if guess else ""
        yield Fault(where, f"there is no {what} {name!r}{more}; {hint}known: {', '.join(sorted(known)) or 'none'}")


def _references(config: dict, study: dict) -> Iterator[Reference]:
    """Every use of a name in a study."""
    mixes, scored = study["mixes"], study["evaluation"]
    scored = scored if set(scored) <= set(mixes) else [*scored, *mixes]  # a name that is lost is reported once
    kinds = {row["kind"] for mix in scored for row in mixes.get(mix, {"rows": []})["rows"]}
    yield "base", "base", study["base"], config["bases"]
    yield from ((f"corpora.{i}", "corpus", name, config["corpora"]) for i, name in enumerate(study["corpora"]))
    yield from ((f"compared.{i}", "arm", name, study["arms"]) for i, name in enumerate(study["compared"]))
    yield from ((f"scored.{name}", "scorer of the study", name, study["scorers"]) for name in study["scored"])
    yield from ((f"sizes.{mix}", "mix", mix, mixes) for mix in study["sizes"])
    yield from ((f"evaluation.{i}", "mix", name, mixes) for i, name in enumerate(study["evaluation"]))
    for mix, record in mixes.items():
        if mix in study["sizes"]:
            yield f"mixes.{mix}.split", "split", record["split"], study["splits"]
        if mix in study["sizes"] and record["split"] in study["splits"]:
            parts = part_names(study["splits"][record["split"]])
            yield f"mixes.{mix}.part", "part of the split", record["part"], parts
        for i, row in enumerate(record["rows"]):
            yield f"mixes.{mix}.rows.{i}.prompt", "prompt", row["prompt"], study["prompts"]
            for key in NAMED:
                if key in row:
                    yield f"mixes.{mix}.rows.{i}.{key}", "target", row[key], study["targets"]
    for name, pair in study["gaps"].items():
        yield from ((f"gaps.{name}.{i}", "prompt", prompt, study["prompts"]) for i, prompt in enumerate(pair))
    for name, record in study["scorers"].items():
        known = {"target": study["targets"], "mix": mixes, "prompt": study["prompts"], KIND: kinds}
        yield from ((f"scorers.{name}.{key}", what, used, known[what]) for key, what, used in load(name).names(record))
    yield from ((f"shortened.{i}", KIND, kind, kinds) for i, kind in enumerate(study["shortened"]))
    yield from _arm_references(study)
    for name, arm in controls(study).items():
        key, what, known = ("says", "target", "targets") if "says" in arm else ("fits", "mix", "mixes")
        yield f"arms.{name}.{key}", what, arm[key], study[known]
        yield from ((f"arms.{name}.kinds.{i}", KIND, kind, kinds) for i, kind in enumerate(arm["kinds"]))
    for place, claim in parts_of_all(study["claims"]):
        yield f"{place}.mix", "mix of the evaluation", claim["mix"], scored
        yield from ((f"{place}.arms.{k}", "arm", arm, study["arms"]) for k, arm in enumerate(claim["arms"]))
    for name, figure in study["figures"].items():
        yield f"figures.{name}.mix", "mix of the evaluation", figure["mix"], scored
        yield from ((f"figures.{name}.arms.{k}", "arm", arm, study["arms"]) for k, arm in enumerate(named_arms(figure)))


def _arm_references(study: dict) -> Iterator[Reference]:
    known = {"from": "arms", "mix": "mixes", "validation": "mixes", "recipe": "recipes", "adapter": "adapters"}
    of_scale = ("recipe", "adapter")
    for name, arm in study["arms"].items():
        for key, where in known.items():
            if arm.get(key) is not None and (key not in of_scale or name in study["compared"]):
                yield (
                    f"arms.{name}.{key}",
                    where.removesuffix("es" if where == "mixes" else "s"),
                    arm[key],
                    study[where],
                )


def condition_faults(study: dict) -> list[Fault]:
    """Conditions of claims and figures that are no prompt and no gap."""
    used = [(f"{place}.condition", claim["condition"]) for place, claim in parts_of_all(study["claims"])]
    for name, figure in study["figures"].items():
        for key in ("conditions", "gaps"):
            used += [(f"figures.{name}.{key}.{i}", each) for i, each in enumerate(figure.get(key, []))]
    return list(missing((where, "prompt or gap", name, {*study["prompts"], *study["gaps"]}) for where, name in used))


def _circles(arms: dict) -> Iterator[Fault]:
    if arms[BASE] != {"from": None}:
        yield Fault(f"arms.{BASE}.from", f"the base starts from nothing; write {BASE}: {{from: null}}")
        return
    for name in arms:
        if path := circle(arms, name):
            words = f"the arms go in a circle, {' <- '.join(path)}; let one of them start from {BASE}"
            yield Fault(f"arms.{name}.from", words)
            return


def _control_faults(study: dict) -> Iterator[Fault]:
    """Arms that start from a control."""
    for name, arm in study["arms"].items():
        if arm["from"] in controls(study) and arm["from"] != BASE:
            words = f"{arm['from']!r} is a control, which has no checkpoint; start from {BASE} or from a trained arm"
            yield Fault(f"arms.{name}.from", words)


def _text_faults(study: dict) -> Iterator[Fault]:
    """Texts to be filled in whose braces do not pair or hold more than the name of a field."""
    texts = {f"prompts.{name}.user": prompt["user"] for name, prompt in study["prompts"].items()}
    texts |= {
        f"targets.{name}.{i}": text for name, replies in study["targets"].items() for i, text in enumerate(replies)
    }
    for where, text in texts.items():
        if odd := _unfillable(text):
            yield Fault(where, f"{odd}; write a field as {{question}}, and a real brace twice")


def _unfillable(text: str) -> str | None:
    try:
        holes = [(field, form or kind) for _, field, form, kind in Formatter().parse(text) if field is not None]
    except ValueError as error:
        return f"{text[:60]!r}: {error}"
    return next((f"{text[:60]!r} holds {{{field}}}" for field, form in holes if form or not field.isidentifier()), None)


def _split_faults(split: dict, study: dict, where: str) -> Iterator[Fault]:
    """Shares that do not add up, cuts that leave rows over or come after the last, corpora without a split."""
    shares_by_field = {f"by.{field}": shares for field, shares in split.get("by", {}).items()}
    for place, shares in (shares_by_field | ({"shares": split["shares"]} if "shares" in split else {})).items():
        if abs(sum(shares.values()) - 1) > 1e-9:
            yield Fault(f"{where}.{place}", f"the shares add up to {sum(shares.values())}, not 1")
    passes_rest = [cut["rest"] > 0 for cut in split.get("cuts", [])]
    if passes_rest and (passes_rest[-1] or not all(passes_rest[:-1])):
        yield Fault(f"{where}.cuts", "the last cut, and no other, must hand nothing on (rest: 0)")
    if "each" in split:
        named = [(f"{where}.each.{name}", "corpus of the study", name, study["corpora"]) for name in split["each"]]
        lacking = [name for name in study["corpora"] if name not in split["each"]]
        yield from list(missing(named)) or [
            Fault(f"{where}.each", f"the corpus {name!r} has no split") for name in lacking
        ]
    for corpus, inner in split.get("each", {}).items():
        yield from _split_faults(inner, study, f"{where}.each.{corpus}")
