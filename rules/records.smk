"""What was made: a page for people, and the hash of every file for machines."""


rule resolve:
    """Write every study's resolved record, for people and for `dvc params diff`."""
    input:
        code=code("resolve.py", "data"),
        stamp=agreed("resolve"),
    output:
        resolved="<results>/studies.yaml",
        record="<results>/records/resolve.json",
    log:
        "<logs>/resolve.log",
    benchmark:
        "<benchmarks>/resolve.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=500,
        runtime=20,
    params:
        scale={key: config[key] for key in ("scale", "device", "gate", "bases", "corpora")},
        studies=STUDIES,
    script:
        "../scripts/resolve.py"


rule describe:
    """Write the page that opens the results: claims with their verdicts, corrected rates, cut replies, figures, detectors."""
    input:
        claims=expand(rules.summarise.output.verdicts, study=STUDIES),
        summaries=expand(rules.summarise.output.summary, study=STUDIES),
        corrected=expand(rules.summarise.output.corrected, study=STUDIES),
        figures=[
            path(rules.plot.output.caption, {}, study=study, figure=figure)
            for study in STUDIES
            for figure in STUDIES[study]["figures"]
        ],
        agreement=rules.check_detector.output.agreement,
        labelled=[
            path(rules.check_replies.output.agreement, {}, study=study)
            for study in STUDIES
            if STUDIES[study]["labelled"]
        ],
        template=here("report/results.md.jinja"),
        code=code("describe.py", "figures"),
        stamp=agreed("describe"),
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
        studies={name: description_of(study) for name, study in STUDIES.items()},
    script:
        "../scripts/describe.py"


rule checksum:
    """List the SHA-256 of every file that the jobs wrote and that stays, taken from their records, and note the machine."""
    input:
        records=lambda w: sorted(records_of(JOBS)) + [rules.describe.output.record],
        code=code("checksum.py", "data"),
        stamp=agreed("checksum"),
    output:
        sums="<results>/SHA256SUMS",
        environment="<results>/environment.json",  # may differ by machine, so it is in no record and not listed
        record="<results>/records/checksum.json",
    log:
        "<logs>/checksum.log",
    benchmark:
        "<benchmarks>/checksum.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        not_kept=lambda w: temporary_of(JOBS),
    script:
        "../scripts/checksum.py"
