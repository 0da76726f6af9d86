"""Draw one figure of a study, with its numbers beside it."""

from abstain.figures import FIGURES, save
from abstain.files import write_text
from abstain.tables import load_runs


def plot(
    summary: str,
    scores: list[str],
    closeness: list[str],
    style: str,
    figure: dict,
    svg: str,
    png: str,
    csv: str,
    caption: str,
) -> None:
    """Write the figure as SVG and PNG, the numbers it shows as CSV, and its caption."""
    import matplotlib as mpl
    import pandas as pd

    with mpl.rc_context(fname=style):
        table, runs = pd.read_csv(summary, dtype=str, keep_default_na=False), load_runs(scores, closeness)
        drawn, numbers = FIGURES[figure["plot"]](table, runs, figure)
        save(drawn, svg, png)
    write_text(csv, numbers.to_csv(index=False, float_format="%.6f", lineterminator="\n"))
    write_text(caption, figure["caption"] + "\n")


if __name__ == "__main__":
    from abstain.job import recorded

    with recorded(snakemake) as job:  # noqa: F821
        plot(**job)
