"""Command: compute the metrics of every sample of a run and write them as CSV."""

from __future__ import annotations

from collections.abc import Sequence

from experiment import Environment
from pix2earth.console.arguments import CommandArguments
from pix2earth.scoring.evaluating import evaluate_and_show
from pix2earth.scoring.other_dataset import open_other
from pix2earth.settings.errors import UserError, reports_errors
from pix2earth.training.trained import open_run, restored_scorer


@reports_errors
def main(argv: Sequence[str] | None = None) -> None:
    """Evaluate a run from the command line."""
    arguments = CommandArguments(prog="evaluate.py", description="Write the metrics of every sample of a run.")
    arguments.add_argument("--exp", required=True, metavar="NAME", help="experiment below the experiment root")
    arguments.add_argument("--env", metavar="PATH", help="environment.json (default: PIX2EARTH_ENV, ./, ../)")
    arguments.add_argument("--timestamp", help="the run (default: the newest one that has a checkpoint)")
    arguments.add_argument("--split", choices=("val", "test"), help="default: test where the dataset has one, else val")
    arguments.add_argument("--step", default="last", help="checkpoint: best, last (default) or a number")
    arguments.add_argument(
        "--dataset", metavar="OTHER",
        help="score another dataset with the same fields, below the data root, into a CSV of its own",
    )  # fmt: skip
    arguments.add_argument(
        "--force", action="store_true", help="evaluate although plug-in or dataset differ from those of the training"
    )
    arguments.add_argument(
        "--baselines", action="store_true", help="print all baselines of the dataset too, with the error of every band"
    )
    arguments.add_argument(
        "--json", action="store_true",
        help="print the summary, with the judgement of --classifier, as JSON, and nothing else on the standard output",
    )  # fmt: skip
    arguments.add_argument(
        "--classifier", action="store_true",
        help="judge the land cover of the generated images by a classifier of true ones, which is fitted once",
    )  # fmt: skip
    options = arguments.parse_args(argv)
    if options.json and options.baselines:
        raise UserError("--json: cannot be given with --baselines; its table is a CSV in the folder test/")
    experiment = open_run(Environment(options.env), options.exp, options.timestamp, options.step)
    other = open_other(options.dataset, experiment) if options.dataset is not None else None
    listing = other.listing if other else None
    scorer, split, step = restored_scorer(experiment, options.split, options.step, force=options.force, other=listing)
    judgement = None
    if options.classifier:
        from pix2earth.land_cover.report import judged

        judgement = judged(scorer, split, step, other)  # before the scores: what cannot be judged ends at once
    further = {"land_cover": judgement.content} if judgement else {}
    table = evaluate_and_show(scorer, split, step, other, json_only=options.json, further=further)
    from pix2earth.figures import tile_pictures
    from pix2earth.figures.scatter import draw_where_asked

    output = experiment.output
    scores = output.evaluation_on(other.name, experiment.TILESIZE) if other else output.evaluation
    tile_pictures.keep_beside(scorer, split, table, scores)
    figure = draw_where_asked(scorer, split, scores)
    if figure and not options.json:
        print(figure)
    if judgement and not options.json:
        judgement.show()
    if options.baselines:
        from pix2earth.scoring.beside_baselines import show_and_write

        show_and_write(scorer, split, step, other.name if other else None)


if __name__ == "__main__":
    main()
