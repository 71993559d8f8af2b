"""Command: check every record of a dataset, draw a contact sheet, measure the ranges of bands, or list known bands."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pix2earth.console.arguments import CommandArguments
from pix2earth.records.listing import open_folder
from pix2earth.settings.errors import reports_errors


def _positive(text: str) -> int:
    """Return an integer of at least 1 from the command line."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"must be an integer of at least 1, not {text}")
    return int(text)


@reports_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Check, draw or measure a dataset from the command line; return the exit status."""
    arguments = CommandArguments(prog="dataset.py", description="Check, draw or measure a dataset.")
    commands = arguments.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("verify", help="check every record: framing, fields, shapes, checksums")
    showing = commands.add_parser("show", help="draw a contact sheet with samples of every split")
    measuring = commands.add_parser("ranges", help="measure percentiles, NaN and nodata of every band")
    commands.add_parser("bands", help="list the bands whose names are known, with their wavelengths")
    for command in (checking, showing, measuring):
        command.add_argument("path", metavar="PATH", help="<data_root>/<dataset>[/<tilesize>]")
    showing.add_argument("--samples", type=_positive, default=4, help="samples of each split (default 4)")
    measuring.add_argument("--samples", type=_positive, default=200, help="training samples to read (default 200)")
    showing.add_argument("--output", metavar="PNG", help="default: contact_sheet.png in the dataset's folder")
    options: Any = arguments.parse_args(argv)
    if options.command == "bands":
        from sensors.lexicon import table

        print(table())
        return 0
    listing = open_folder(options.path)
    from pix2earth.console.quiet import quieten_tensorflow

    quieten_tensorflow()
    if options.command == "verify":
        from pix2earth.records.verification import verify

        return 1 if verify(listing) else 0
    if options.command == "ranges":
        from pix2earth.records.ranges import show

        show(listing, options.samples)
        return 0
    from pix2earth.figures.contact_sheet import draw

    output = Path(options.output or listing.folder / "contact_sheet.png")
    draw(listing, output, options.samples)
    print(output)
    return 0


if __name__ == "__main__":
    main()
