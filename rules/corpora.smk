"""Raw corpora to examples. Takes pinned files and authored ones; gives one JSON Lines file a corpus, bad rows apart."""


rule fetch:
    """Bring a pinned file from the mirror or its address, checked while it streams."""
    input:
        code=code("fetch.py", "data"),
    output:
        file="<results>/raw/{corpus}/{file}",
        record="<results>/records/fetch/{corpus}/{file}.json",
    log:
        "<logs>/fetch/{corpus}/{file}.log",
    benchmark:
        "<benchmarks>/fetch/{corpus}/{file}.tsv"
    retries: 2
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=500,
        runtime=60,
    params:
        url=pin("url"),
        mirror_path=pin("mirror"),
        size=pin("bytes"),
        digest=pin("sha256"),
        mirror=config["mirror"],
    script:
        "../scripts/fetch.py"


rule normalise:
    """Read a corpus in its own format and write examples; set bad rows aside with a reason."""
    input:
        unpack(corpus_files),
        code=code("normalise.py", "data"),
    output:
        examples="<results>/corpora/{corpus}/examples.jsonl",
        quarantine="<results>/corpora/{corpus}/quarantine.jsonl",
        card="<results>/corpora/{corpus}/card.json",
        record="<results>/records/normalise/{corpus}.json",
    log:
        "<logs>/normalise/{corpus}.log",
    benchmark:
        "<benchmarks>/normalise/{corpus}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        corpus="{corpus}",
        record_of_corpus=lambda wildcards: config["corpora"][wildcards.corpus],
    script:
        "../scripts/normalise.py"
