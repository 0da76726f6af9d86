"""The learned detector from nothing: replies that people labelled to weights. `make detector` runs and compares it."""

DETECTOR_DIR = "detector"
DETECTOR_FILE = HOME / "models/detector/recipe.yaml"
if not DETECTOR_FILE.is_file():
    raise WorkflowError(f"there is no file {here(DETECTOR_FILE)!r}, and train_detector reads it; bring it back")
DETECTOR_RECIPE = yaml.safe_load(DETECTOR_FILE.read_text(encoding="utf-8"))


rule train_detector:
    """Fetch what people labelled, train the learned detector, and judge every detector on what it has not seen."""
    input:
        code=code("train_detector.py", "embedding", *detectors.modules(detectors.with_cost("text"))),
    output:
        weights=f"{DETECTOR_DIR}/weights.json",
        judged=f"{DETECTOR_DIR}/out_of_fold.csv",
        record=f"{DETECTOR_DIR}/records/train_detector.json",
    log:
        "logs/detector/train_detector.log",
    benchmark:
        "benchmarks/detector/train_detector.tsv"
    conda:
        "../envs/embedding.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        recipe=DETECTOR_RECIPE,
    script:
        "../scripts/train_detector.py"
