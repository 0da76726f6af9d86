"""What was made: a page for people, and the hash of every file for machines."""


def jobs():
    """Every job of the scale: its step and wildcards as in the record's path, and one file that it makes."""
    yield "check_detector", "tables/detector.csv"
    yield "describe", "README.md"
    for name, corpus in config["corpora"].items():
        yield f"normalise/{name}", f"corpora/{name}/examples.jsonl"
        yield from ((f"fetch/{name}/{f}", f"raw/{name}/{f}") for f, file in corpus["files"].items() if "url" in file)
    for name, study in STUDIES.items():
        yield from study_jobs(name, study)


def study_jobs(name, study):
    """The jobs of one study, in the order of the flow."""
    yield f"audit/{name}", f"splits/{name}/card.json"
    for mix in study["mixes"]:
        yield f"calibrate/{name}/{mix}", f"splits/{name}/{mix}/examples.jsonl"
        yield f"render/{name}/{mix}", f"rendered/{name}/{mix}/tokens.jsonl"
    for arm, seed in runs(name):
        run = f"{name}/{arm}/{seed}"
        if seed != UNSEEDED:
            shape = f"{study['base']}/{study['recipes'][study['arms'][arm]['recipe']]['adapter']}/{seed}"
            yield f"initialise/{shape}", f"initial/{shape}/adapter_model.safetensors"
            yield f"train_sft/{run}", f"adapters/{run}/adapter_model.safetensors"
            yield f"merge/{run}", f"checkpoints/{run}/model.safetensors"
        yield f"predict/{run}", f"predictions/{run}.jsonl"
        yield f"score/{run}", f"scores/{run}.csv"
    yield f"summarise/{name}", f"tables/{name}/summary.csv"
    yield from ((f"plot/{name}/{figure}", f"figures/{name}/{figure}.svg") for figure in study["figures"])


rule describe:
    """Write the page that opens the results: claims with their verdicts, figures, detectors."""
    input:
        claims=[f"<results>/tables/{study}/claims.csv" for study in STUDIES],
        figures=[f"<results>/figures/{study}/{name}.txt" for study in STUDIES for name in STUDIES[study]["figures"]],
        agreement="<results>/tables/detector.csv",
        template=here("report/results.md.jinja"),
        code=code("describe.py", "figures"),
    output:
        page="<results>/README.md",
        record="<results>/records/describe.json",
    log:
        "<logs>/describe.log",
    benchmark:
        "<benchmarks>/describe.tsv"
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        scale=config["scale"],
        questions={name: study["question"] for name, study in STUDIES.items()},
        detector=config["detector"],
    script:
        "../scripts/describe.py"


rule checksum:
    """List the SHA-256 of every file that the jobs wrote, taken from their records."""
    input:
        records=sorted({f"<results>/records/{job}.json" for job, _ in jobs()}),
        after=sorted({f"<results>/{made}" for _, made in jobs()}),
        code=code("checksum.py", "data"),
    output:
        sums="<results>/SHA256SUMS",
    log:
        "<logs>/checksum.log",
    benchmark:
        "<benchmarks>/checksum.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=1000,
        runtime=20,
    script:
        "../scripts/checksum.py"
