"""Scores to tables, figures and pages: what the report shows, by study."""

TABLES = ("claims", "comparisons", "summary")


rule summarise:
    """Rates with intervals, paired comparisons of arms, and the verdict on each claim."""
    input:
        scores=lambda w: scores_of(w.study),
        closeness=lambda w: closeness_of(w.study),
        code=code("summarise.py", "figures"),
    output:
        summary=report("<results>/tables/{study}/summary.csv", **listed("Tables", "summary", "summary", DOWNLOAD)),
        comparisons=report(
            "<results>/tables/{study}/comparisons.csv", **listed("Tables", "comparisons", "comparisons", DOWNLOAD)
        ),
        claims=report("<results>/tables/{study}/claims.csv", **listed("Tables", "claims", "claims", DOWNLOAD)),
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
        closeness=lambda w: closeness_of(w.study),
        style=here("matplotlibrc"),
        code=code("plot.py", "figures"),
    output:
        svg=report("<results>/figures/{study}/{figure}.svg", **listed("Figures", "{figure}", "figure", BROWSE)),
        png="<results>/figures/{study}/{figure}.png",
        csv=report("<results>/figures/{study}/{figure}.csv", **listed("Figures", "{figure}", "figure", DOWNLOAD)),
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


rule present:
    """Set out the tables, and the replies before and after tuning, as pages for the report."""
    input:
        tables=expand("<results>/tables/{{study}}/{table}.csv", table=TABLES),
        scores=lambda w: scores_of(w.study),
        template=here("report/page.html.jinja"),
        code=code("present.py", "figures"),
    output:
        pages=[report(f"<results>/pages/{{study}}/{t}.html", **listed("Tables", t, t, BROWSE)) for t in TABLES],
        replies=report(
            "<results>/pages/{study}/before-after.html", **listed("Before and after", "replies", "replies", {})
        ),
        record="<results>/records/present/{study}.json",
    log:
        "<logs>/present/{study}.log",
    benchmark:
        "<benchmarks>/present/{study}.tsv"
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        study="{study}",
        record=lambda w: {key: study_of(w)[key] for key in ("question", "prompts")},
    script:
        "../scripts/present.py"
