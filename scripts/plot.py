"""Draw one figure of a study, with its numbers beside it."""

from abstain.jobs.files import write_text
from abstain.plots.marks import save
from abstain.plots.registry import load
from abstain.scorers.metric import columns
from abstain.tables.runs import load_losses, load_runs


def plot(
    summary: str,
    scores: list[str],
    style: str,
    scorers: list[str],
    figure: dict,
    bounds: list[dict],
    svg: str,
    png: str,
    csv: str,
    caption: str,
    comparisons: str | None = None,
    losses: list[str] | None = None,
) -> None:
    """Write the figure as SVG and PNG, the numbers it shows as CSV, and its caption.

    `scores` are the score files of all runs in the order of the record, of every one of the named scorers;
    `bounds` are those of the study's claims on its mix; `comparisons` are for a plot that shows some, and so are
    `losses`, which trainings wrote down.
    """
    import matplotlib as mpl
    import pandas as pd

    with mpl.rc_context(fname=style):
        named = {"summary": summary} | ({} if comparisons is None else {"comparisons": comparisons})
        tables = {name: pd.read_csv(path, dtype=str, keep_default_na=False) for name, path in named.items()}
        more = {"losses": load_losses(losses)} if losses else {}
        runs = load_runs(scores, columns(scorers))
        drawn, numbers = load(figure["plot"]).draw(runs=runs, record=figure, bounds=bounds, **tables, **more)
        save(drawn, svg, png)
    write_text(csv, numbers.to_csv(index=False, float_format="%.6f", lineterminator="\n"))
    write_text(caption, figure["caption"] + "\n")


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        plot(**job)
