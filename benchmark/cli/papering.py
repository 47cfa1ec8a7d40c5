"""`paper`: what goes into the PDF, from the records."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from benchmark.cli.options import datasets, folders, methods, names, output, positive, verb
from benchmark.console import Console


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    text = "write a paper's table, references and figures from the records"
    examples = ("--out paper/ --dataset demo --methods dgunet,r2r,blur",)
    with verb(verbs, "paper", text, paper, examples) as parser:
        option = parser.add_argument
        output(parser, "folder of the files (no default)", required=True, metavar="DIR")
        datasets(parser, "only these datasets (default: all)", default=())
        methods(parser, "only these methods and baselines (default: all)", default=())
        option("--convention", default="", metavar="NAME", help="of all figures; default: each dataset's own")
        about = "of the table: psnr, ssim, lpips-alex, lpips-vgg, dists, niqe (default psnr,ssim)"
        option("--columns", type=names, default=("psnr", "ssim"), metavar="NAMES", help=about)
        about = "a crop, in pixels from the top left; give it several times; default: where methods disagree most"
        option("--box", action="append", default=[], metavar="NAME:x,y,w,h", help=about)
        option("--crops", type=positive, default=2, metavar="N", help="how many, without --box (default 2)")
        folders(parser)


def paper(args: Namespace, console: Console) -> int:
    """Write the kit, and print its files."""
    from benchmark.paper.boxes import parse_box
    from benchmark.paper.kit import PaperRequest, write_kit
    from benchmark.records.files import read_records
    from datasets.core.errors import UserError

    boxes = tuple(parse_box(text) for text in args.box)
    chosen = {"datasets": args.dataset, "methods": args.methods, "convention": args.convention}
    shown = {"columns": args.columns, "boxes": boxes, "crops": args.crops}
    request = PaperRequest(args.output, args.results, args.data, **chosen, **shown)
    records = read_records(args.results, console.error)
    if not records:
        raise UserError(
            f"There are no records under {args.results}: start with `python -m benchmark run --dataset demo`."
        )
    kit = write_kit(request, records, console.report)
    console.table("paper", ("file",), [(path,) for path in kit.files])
    console.emit({"files": [str(path) for path in kit.files], "remarks": kit.remarks})
    for remark in kit.remarks:
        console.say(remark)
    return 0
