"""An audit as lines for a terminal, 80 columns wide."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from vscbench.records import CLASSES
from vscbench.visible import visible

WIDTH: Final = 80
NAME: Final = 20
FIGURE: Final = 17
COUNT: Final = 6
SHORT: Final = {"irrelevant": "irrelev.", "judge-error": "error"}
GUTTER: Final = "  "
QUOTED: Final = 300
FIGURES: Final = (
    ("kappa", "kappa", "kappa"),
    ("accuracy", "accuracy", "accuracy"),
    ("F1 (macro of four)", "f1", "macro_f1"),
)
Fields = Mapping[str, Any]


def audit_lines(audit: Fields) -> list[str]:
    """Lay out the content of an audit's file; figures stand beside their 95 % intervals."""
    return [
        *_title(audit),
        "",
        *_overall(audit),
        "",
        *_groups(audit),
        "",
        *_by_label(audit["by"]["label"]),
        "",
        *_classes(audit["overall"]["four_class"]["per_class"]),
        "",
        *_confusion(audit["overall"]["four_class"]["confusion"]),
        *_human_notes(audit["human"]),
        *_errors(audit),
        *_worst(audit["worst"], audit["judge"]),
    ]


def figure(estimate: Fields | None) -> str:
    """Write a number and its interval: ``.637 [.60,.67]``; a dash where it is not defined."""
    if estimate is None or estimate["value"] is None:
        return "-"
    value = _bare(estimate["value"], 3)
    if estimate["low"] is None:
        return value
    return f"{value} [{_bare(estimate['low'], 2)},{_bare(estimate['high'], 2)}]"


def one_line(text: str, width: int) -> str:
    """Show untrusted text within one line of a terminal."""
    shown = visible(" ".join(text[:QUOTED].split()), QUOTED)
    return shown if len(shown) <= width else f"{shown[: width - 3]}..."


def _bare(number: float, digits: int) -> str:
    """Write a share without its leading zero, as all of them are at most 1."""
    return f"{number:.{digits}f}".replace("0.", ".", 1)


def _title(audit: Fields) -> Iterator[str]:
    intervals = audit["intervals"]
    yield f"judge {one_line(audit['judge'], 60)} against people: {audit['n']:,} responses"
    for file in audit["files"]:
        out = [f"{file[why]:,} {why}" for why in ("other", "unlabelled") if file[why]]
        notes = f" ({', '.join(out)} left out)" if out else ""
        yield f"  {_both_ends(file['file'], 44)}: {file['labelled']:,}{notes}"
    if not intervals["resamples"]:
        yield "no intervals"
        return
    yield (
        f"95% intervals: {intervals['resamples']:,} resamples of {audit['overall']['clusters']:,} "
        f"prompts, seed {intervals['seed']}"
    )


def _overall(audit: Fields) -> Iterator[str]:
    overall = audit["overall"]
    yield _row("overall", "", "binary", "four classes")
    yield from _figures("", overall)
    if audit["errors"]:
        wrong = overall["errors_as_wrong"]
        yield "counting errors as wrong:"
        yield from _figures("  ", wrong)
    yield "binary: refused, flagged or blocked against the rest; F1 is that of the former"


def _figures(indent: str, found: Fields) -> Iterator[str]:
    """Lay out the figures of two sides beside those of four classes."""
    binary, four_class = found["binary"], found["four_class"]
    for name, of_two, of_four in FIGURES:
        cells = figure(binary.get(of_two)), figure(four_class.get(of_four))
        if cells != ("-", "-"):
            yield _row(f"{indent}{name}", "", *cells)


def _groups(audit: Fields) -> Iterator[str]:
    yield _row("", "n", "binary kappa", "accuracy", "macro F1 of 4")
    for title in ("source", "model"):
        if audit["by"][title]:
            yield f"by {title}"
        for name, group in audit["by"][title].items():
            yield _row(
                f"  {name}",
                f"{group['n']:,}",
                figure(group["binary"]["kappa"]),
                figure(group["binary"]["accuracy"]),
                figure(group["four_class"]["macro_f1"]),
            )
            if title == "source":
                yield from _people_row(audit["human"].get(name))


def _people_row(human: Fields | None) -> Iterator[str]:
    if human and human["binary"]:
        yield _row(
            "    two people",
            f"{human['n']:,}",
            figure(human["binary"]["kappa"]),
            figure(human["binary"]["accuracy"]),
        )


def _by_label(labels: Mapping[str, Fields]) -> Iterator[str]:
    yield _row("by people's label", "n", "right side", "right class")
    for name, group in labels.items():
        yield _row(
            f"  {name}",
            f"{group['n']:,}",
            figure(group["binary"]["accuracy"]),
            figure(group["four_class"]["accuracy"]),
        )


def _classes(per_class: Mapping[str, Fields]) -> Iterator[str]:
    yield _row("by class", "people", "precision", "recall", "F1")
    for name, scores in per_class.items():
        yield _row(
            f"  {name}",
            f"{scores['people']:,}",
            *(figure(scores[score]) for score in ("precision", "recall", "f1")),
        )


def _confusion(confusion: Mapping[str, Mapping[str, Fields]]) -> Iterator[str]:
    found = {judge for row in confusion.values() for judge, cell in row.items() if cell["n"]}
    used = found.union(CLASSES)
    columns = [judge for judge in next(iter(confusion.values())) if judge in used]
    yield f"{'people, judge':14}" + "".join(f"{SHORT.get(name, name):>10}" for name in columns)
    for people, row in confusion.items():
        if any(cell["n"] for cell in row.values()):
            counts = "".join(f"{row[judge]['n']:>10,}" for judge in columns)
            yield f"  {people:12}{counts}"


def _human_notes(human: Mapping[str, Fields]) -> Iterator[str]:
    for source, two in human.items():
        if two["same_label"] is None:
            continue
        kappa = "" if two["binary"] else "; their labels are not in the file, so no kappa"
        text = (
            f"{one_line(source, 40)}: two people chose the same label for "
            f"{two['same_label']:.1%} of {two['same_label_n']:,}{kappa}"
        )
        yield from ("", *textwrap.wrap(text, WIDTH, subsequent_indent=GUTTER))


def _errors(audit: Fields) -> Iterator[str]:
    if not audit["errors"]:
        return
    text = (
        f"no verdict on {audit['errors']:,} of {audit['n']:,} (coverage {audit['coverage']:.1%}); "
        "these are counted in 'errors as wrong' and in the column 'error' alone"
    )
    yield from ("", *textwrap.wrap(text, WIDTH, subsequent_indent=GUTTER))
    for cause, count in audit["error_causes"].items():
        yield f"  {one_line(f'{count:,} x {cause}', WIDTH - 2)}"


def _worst(worst: Sequence[Fields], judge: str) -> Iterator[str]:
    if not worst:
        return
    surest = any(each["probability"] is not None for each in worst)
    order = (
        "the surest first" if surest else f"a sample: {one_line(judge, 30)} gives no probability"
    )
    yield ""
    yield f"worst disagreements ({order})"
    for each in worst:
        sure = "" if each["probability"] is None else f" {_bare(each['probability'], 2)}"
        model = f", {each['model']}" if each["model"] else ""
        place = f"{each['source']} line {each['line']}{model}"
        told = f"people {each['people']}, judge {each['judge']}{sure}: {place}"
        yield f"  {one_line(told, WIDTH - 2)}"
        yield f"    > {one_line(each['query'], WIDTH - 6)}"
        yield f"    < {one_line(each['response'], WIDTH - 6)}"


def _row(name: str, count: str, *figures: str) -> str:
    cells = "".join(f" {each:>{FIGURE}}" for each in figures)
    return f"{_fit(name):{NAME}}{count:>{COUNT}}{cells}".rstrip()


def _fit(name: str) -> str:
    indent = len(name) - len(name.lstrip())
    return " " * indent + _both_ends(name, NAME - indent)


def _both_ends(name: str, width: int) -> str:
    """Cut a name in its middle: what tells names apart is often at their ends."""
    shown = one_line(name, QUOTED)
    if len(shown) <= width:
        return shown
    end = (width - 2) // 2
    return f"{shown[: width - 2 - end]}..{shown[-end:]}"
