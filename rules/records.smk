"""What was made: a page for people, and the hash of every file for machines."""


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
        records={
            name: {
                "question": study["question"],
                "licences": sorted({config["corpora"][corpus]["licence"] for corpus in study["corpora"]}),
            }
            for name, study in STUDIES.items()
        },
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
    script:
        "../scripts/checksum.py"
