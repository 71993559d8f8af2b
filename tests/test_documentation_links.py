"""Tests of the documentation: links, anchors, paths, commands, options and targets of make that it names exist."""

import importlib.util
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PAGES = [
    PROJECT / "README.md",
    PROJECT / "CONTRIBUTING.md",
    PROJECT / "CHANGELOG.md",
    *sorted((PROJECT / "docs").glob("*.md")),
    PROJECT / "synthetic" / "README.md",
    *sorted((PROJECT / "samples").glob("*/README.md")),
]
HELP = PROJECT / "docs" / "commands.md"
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"(?:^    \S.*\n?)+", re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"!?\[[^\]]*\]\(([^()\s]+)\)")
COMMAND = re.compile(r"\bpython3? +(?:-m +(?P<module>[\w.]+)|(?P<script>[\w./-]+\.py))(?P<rest>.*)")
OPTION = re.compile(r"(?<!\S)--[\w-]+")
TARGET = re.compile(r"\bmake +([a-z][a-z-]*)")
FOLDERS = (
    "pix2earth", "models", "layers", "losses", "metrics", "sensors", "preprocessing", "synthetic", "experiments",
    "notebooks", "samples", "tests", "benchmarks", "docs",
)  # fmt: skip
PATH = re.compile(rf"(?:{'|'.join(FOLDERS)})/[\w./-]+")
READER_CREATES = re.compile(r"(?:^|[./])(?:my[-_]|mine\b|tour\b|olci\b)")
"""Names of files that a page tells the reader to create."""
WRITTEN_BY_COMMANDS = re.compile(r"experiments/(?:_evaluation|_samples|[\w/-]*?/?(?:ckpt|logs|samples|test))\b")
"""Files that appear when the commands of a page have run."""

NOT_FUNCTIONS = {"input_image", "target", "py", "jsonl"}
"""Roles of fields, and endings of files, in the description of a batch."""

all_pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(PROJECT).as_posix())


def relative_links(page):
    """Return the targets of all links of a page that lead to files or to headings of this repository."""
    text = INLINE.sub("", FENCED.sub("", page.read_text(encoding="utf-8")))
    return [target for target in LINK.findall(text) if not re.match(r"[a-z]+:", target)]


def anchors(page):
    """Return the anchors of all headings of a page, as code hosting sites derive them."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


def code(page):
    """Return the lines of all code blocks of a page, continued lines joined, and its code spans."""
    text = page.read_text(encoding="utf-8")
    prose = FENCED.sub("", text)
    blocks = "\n".join([*FENCED.findall(text), *INDENTED.findall(prose)]).replace("\\\n", " ")
    return [*blocks.splitlines(), *INLINE.findall(INDENTED.sub("", prose))]


def commands(page):
    """Return (module, script, options) of every Python command that a page shows; the absent one of both is None."""
    found = []
    for line in code(page):
        for match in COMMAND.finditer(line.split(" #")[0]):
            found.append((match["module"], match["script"], OPTION.findall(match["rest"])))
    return found


def help_texts():
    """Return the help of every command by its name, from the generated page."""
    sections = re.split(r"^## `python (.+)`$", HELP.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(sections[1::2], sections[2::2], strict=True))


@all_pages
def test_relative_links_lead_to_existing_files_and_headings(page):
    broken = []
    for target in relative_links(page):
        path, _, anchor = unquote(target).partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or not file.is_relative_to(PROJECT):
            broken.append(target)
        elif anchor and anchor not in anchors(file):
            broken.append(target)
    assert broken == []


@all_pages
def test_commands_name_existing_scripts_and_modules(page):
    missing = []
    for module, script, _ in commands(page):
        name = module or script
        if READER_CREATES.search(name):
            continue
        if script and not (PROJECT / script).is_file():
            missing.append(script)
        if module and importlib.util.find_spec(module.split(".")[0]) is None:
            missing.append(module)
        inside = PROJECT / (module or "").replace(".", "/")
        if module and inside.parent.is_relative_to(PROJECT) and (PROJECT / module.split(".")[0]).is_dir():
            if not (inside.with_suffix(".py").is_file() or (inside / "__main__.py").is_file()):
                missing.append(module)
    assert missing == []


@all_pages
def test_options_of_commands_are_in_their_help(page):
    texts, unknown = help_texts(), []
    for module, script, options in commands(page):
        name = f"-m {module}" if module else script
        text = "".join(text for command, text in texts.items() if command == name or command.startswith(f"{name} "))
        if text:
            unknown += [f"{name} {option}" for option in options if not re.search(rf"{option}(?![\w-])", text)]
    assert unknown == []


@all_pages
def test_paths_in_code_spans_exist(page):
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    missing = []
    for span in INLINE.findall(text):
        path = span.rstrip("/")
        if not PATH.fullmatch(path) or READER_CREATES.search(path) or WRITTEN_BY_COMMANDS.search(path):
            continue
        if not any((folder / path).exists() for folder in (PROJECT, page.parent)):
            missing.append(path)
    assert missing == []


@all_pages
def test_targets_of_make_exist(page):
    targets = set(re.findall(r"^([a-z][a-z-]*):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {target for line in code(page) for target in TARGET.findall(line.split(" #")[0]) if line.startswith("make")}
    assert sorted(named - targets) == []


def test_functions_in_the_way_of_one_batch_exist():
    """The last part of every name in code is defined somewhere in the packages."""
    text = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = text.split("## The way of one batch")[1].split("\n## ")[0]
    names = {span.split(".")[-1] for span in INLINE.findall(section) if re.fullmatch(r"[A-Za-z_]\w*(\.\w+)?", span)}
    folders = [PROJECT / folder for folder in ("pix2earth", "layers", "losses", "metrics")]
    source = "\n".join(path.read_text(encoding="utf-8") for folder in folders for path in folder.rglob("*.py"))
    assert len(names) > 15
    assert sorted(name for name in names - NOT_FUNCTIONS if f"def {name}(" not in source) == []


def test_readme_lists_every_page_of_docs():
    linked = {target.partition("#")[0] for target in relative_links(PROJECT / "README.md")}
    pages = {path.relative_to(PROJECT).as_posix() for path in (PROJECT / "docs").glob("*.md")}
    assert sorted(pages - linked) == []


def test_broken_links_and_unknown_commands_are_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# One heading\n[a](other.md) [b](#one-heading) [c](https://example.org)\n`python nothing.py --exp X`\n\n"
        "```sh\npython train.py \\\n  --nothing  # --comment\n```\n\n    python -m nothing\n"
    )
    assert relative_links(page) == ["other.md", "#one-heading"]
    assert anchors(page) == {"one-heading"}
    assert sorted(commands(page), key=str) == sorted(
        [(None, "train.py", ["--nothing"]), ("nothing", None, []), (None, "nothing.py", ["--exp"])], key=str
    )
