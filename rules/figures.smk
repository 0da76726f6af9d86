"""Scores to tables, figures and pages: what the report shows, by study."""

TABLES = ("claims", "comparisons", "corrected", "summary")


rule summarise:
    """Rates with intervals, as found and corrected, paired comparisons of arms, and the verdict on each claim."""
    input:
        scores=scores_of,
        judged=lambda w: [here(path) for path in detectors.judged(study_of(w)["scorers"]).values()],
        code=code_of_study("summarise.py", "figures"),
        stamp=agreed("summarise"),
    output:
        summary=report("<results>/tables/{study}/summary.csv", **listed("Tables", "summary", "summary", DOWNLOAD)),
        comparisons=report(
            "<results>/tables/{study}/comparisons.csv", **listed("Tables", "comparisons", "comparisons", DOWNLOAD)
        ),
        corrected=report(
            "<results>/tables/{study}/corrected.csv", **listed("Tables", "corrected", "corrected", DOWNLOAD)
        ),
        verdicts=report("<results>/tables/{study}/claims.csv", **listed("Tables", "claims", "claims", DOWNLOAD)),
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
        scorers=lambda w: study_of(w)["scorers"],
        clusters=lambda w: study_of(w)["clusters"],
        gaps=lambda w: study_of(w)["gaps"],
        margins=lambda w: study_of(w)["margins"],
        claims=lambda w: study_of(w)["claims"],
    script:
        "../scripts/summarise.py"


rule plot:
    """Draw one figure, with its numbers and its caption beside it."""
    input:
        unpack(losses_of),
        unpack(comparisons_of),
        summary=rules.summarise.output.summary,
        scores=lambda w: scores_of(w, figure_of(w)["mix"]),
        style=here("matplotlibrc"),
        code=code_of_study("plot.py", "figures", lambda w: [f"abstain/plots/{figure_of(w)['plot']}.py"]),
        stamp=agreed("plot"),
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
        scorers=lambda w: list(study_of(w)["scorers"]),
        figure=figure_of,
        bounds=lambda w: bounds.bounds_on(study_of(w), figure_of(w)["mix"]),
    script:
        "../scripts/plot.py"


rule present:
    """Set out the tables, and the replies before and after tuning, as pages for the report."""
    input:
        tables=[rules.summarise.output[name] for name in ("verdicts", "comparisons", "corrected", "summary")],
        scores=scores_of,
        examples=lambda w: expand(rules.calibrate.output.examples, study=w.study, mix=study_of(w)["evaluation"]),
        template=here("report/page.html.jinja"),
        code=code("present.py", "figures"),
        stamp=agreed("present"),
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
        question=lambda w: study_of(w)["question"],
        prompts=lambda w: study_of(w)["prompts"],
        shortened=lambda w: study_of(w)["shortened"],
        controls=lambda w: arms.asked_controls(study_of(w)),
        targets=lambda w: study_of(w)["targets"],
    script:
        "../scripts/present.py"
