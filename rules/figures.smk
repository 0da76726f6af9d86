"""Scores to tables and figures."""


rule summarise:
    """Rates with intervals, paired comparisons of arms, and the verdict on each claim."""
    input:
        scores=lambda w: scores_of(w.study),
        code=code("summarise.py", "figures"),
    output:
        summary=report("<results>/tables/{study}/summary.csv", caption="../report/table.rst", category="{study}"),
        comparisons=report(
            "<results>/tables/{study}/comparisons.csv", caption="../report/table.rst", category="{study}"
        ),
        claims=report("<results>/tables/{study}/claims.csv", caption="../report/table.rst", category="{study}"),
        metrics="<results>/tables/{study}/metrics.json",
        record="<results>/records/summarise/{study}.json",
    log:
        "<logs>/summarise/{study}.log",
    benchmark:
        "<benchmarks>/summarise/{study}.tsv"
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        study="{study}",
        record=lambda w: {key: study_of(w)[key] for key in ("gaps", "claims")},
        detector=config["detector"],
    script:
        "../scripts/summarise.py"


rule plot:
    """Draw one figure, with its numbers and its caption beside it."""
    input:
        summary="<results>/tables/{study}/summary.csv",
        scores=lambda w: scores_of(w.study),
        style=here("matplotlibrc"),
        code=code("plot.py", "figures"),
    output:
        svg=report("<results>/figures/{study}/{figure}.svg", caption="../report/figure.rst", category="{study}"),
        png="<results>/figures/{study}/{figure}.png",
        csv="<results>/figures/{study}/{figure}.csv",
        caption="<results>/figures/{study}/{figure}.txt",
        record="<results>/records/plot/{study}/{figure}.json",
    log:
        "<logs>/plot/{study}/{figure}.log",
    benchmark:
        "<benchmarks>/plot/{study}/{figure}.tsv"
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        figure=lambda w: study_of(w)["figures"][w.figure],
    script:
        "../scripts/plot.py"
