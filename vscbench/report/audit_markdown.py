"""An audit as Markdown, for a pull request or a model card."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from vscbench.visible import visible

QUOTED: Final = 160
# All that Markdown or HTML could take for more than text, mentions and links included.
_MARKUP: Final = re.compile(r"[\\`*_{}\[\]()#+\-.!|<>&~@:$=]")
FIGURES: Final = (
    ("\u03ba", "kappa", "kappa"),
    ("accuracy", "accuracy", "accuracy"),
    ("F1 (macro F1 of four)", "f1", "macro_f1"),
)
Fields = Mapping[str, Any]


def audit_markdown(audit: Fields) -> str:
    """Lay out the content of an audit's file as Markdown; text from elsewhere stays text."""
    lines = [
        f"### Judge {plain(audit['judge'])} against people",
        "",
        _title(audit),
        "",
        *_overall(audit),
        "",
        *_groups(audit),
        "",
        *_classes(audit),
        "",
        *_confusion(audit["overall"]["four_class"]["confusion"]),
        *_notes(audit),
        *_worst(audit["worst"]),
    ]
    return "\n".join(lines) + "\n"


def plain(text: str, most: int = QUOTED) -> str:
    """Write untrusted text so that Markdown shows it, on one line, and obeys none of it."""
    cut = visible(" ".join(text[: 2 * most].split()), most)
    return _MARKUP.sub(lambda match: f"&#{ord(match[0])};", cut)


def figure(estimate: Fields | None) -> str:
    """Write a number and its interval; a dash where it is not defined."""
    if estimate is None or estimate["value"] is None:
        return "\u2013"
    if estimate["low"] is None:
        return f"{estimate['value']:.3f}"
    return f"{estimate['value']:.3f} [{estimate['low']:.3f}, {estimate['high']:.3f}]"


def _title(audit: Fields) -> str:
    files = ", ".join(plain(file["file"]) for file in audit["files"])
    out = sum(file["other"] + file["unlabelled"] for file in audit["files"])
    left_out = f" ({out:,} without one of the classes left out)" if out else ""
    return (
        f"{audit['n']:,} labelled responses{left_out} of {files}. {_intervals(audit)}Binary: "
        "refused, flagged or blocked against the rest."
    )


def _intervals(audit: Fields) -> str:
    how = audit["intervals"]
    if not how["resamples"]:
        return ""
    return (
        f"95 % intervals: cluster bootstrap over {audit['overall']['clusters']:,} prompts, "
        f"{how['resamples']:,} resamples, seed {how['seed']}. "
    )


def _overall(audit: Fields) -> Iterator[str]:
    overall = audit["overall"]
    yield from _head("overall", "binary", "four classes")
    yield from _figures("", overall)
    if audit["errors"]:
        yield from _figures(", errors as wrong", overall["errors_as_wrong"])


def _figures(how: str, found: Fields) -> Iterator[str]:
    binary, four_class = found["binary"], found["four_class"]
    for name, of_two, of_four in FIGURES:
        if of_two in binary or of_four in four_class:
            cells = figure(binary.get(of_two)), figure(four_class.get(of_four))
            yield row(f"{name}{how}", *cells)


def _groups(audit: Fields) -> Iterator[str]:
    yield from _head(
        "group", "n", "binary \u03ba", "binary accuracy", "four-class accuracy", "macro F1"
    )
    for title, groups in audit["by"].items():
        for name, group in groups.items():
            binary, four_class = group["binary"], group["four_class"]
            yield row(
                f"{title} {plain(name)}",
                f"{group['n']:,}",
                *(figure(binary[each]) for each in ("kappa", "accuracy")),
                *(figure(four_class[each]) for each in ("accuracy", "macro_f1")),
            )
            if title == "source" and (two := audit["human"].get(name)) and two["binary"]:
                yield row(
                    "*two people with each other*",
                    f"{two['n']:,}",
                    *(figure(two["binary"][each]) for each in ("kappa", "accuracy")),
                    figure(two["four_class"]["accuracy"]),
                    "",
                )


def _classes(audit: Fields) -> Iterator[str]:
    yield from _head("class", "people", "judge", "precision", "recall", "F1")
    for name, scores in audit["overall"]["four_class"]["per_class"].items():
        yield row(
            name,
            f"{scores['people']:,}",
            f"{scores['judge']:,}",
            *(figure(scores[score]) for score in ("precision", "recall", "f1")),
        )


def _confusion(confusion: Mapping[str, Mapping[str, Fields]]) -> Iterator[str]:
    yield from _head("people \u2193, judge \u2192", *next(iter(confusion.values())))
    for people, judged in confusion.items():
        if any(cell["n"] for cell in judged.values()):
            yield row(people, *map(_cell, judged.values()))


def _cell(cell: Fields) -> str:
    share = "" if cell["low"] is None else f" [{cell['low']:.0%}, {cell['high']:.0%}]"
    return f"{cell['n']:,} ({cell['value']:.0%}{share})" if cell["n"] else "0"


def _notes(audit: Fields) -> Iterator[str]:
    for source, two in audit["human"].items():
        if two["same_label"] is not None:
            kappa = "" if two["binary"] else "; no \u03ba, as their labels are not in the file"
            yield ""
            yield (
                f"{plain(source)}: two people chose the same label for {two['same_label']:.1%} "
                f"of {two['same_label_n']:,}{kappa}."
            )
    if audit["errors"]:
        yield ""
        yield (
            f"No verdict on {audit['errors']:,} of {audit['n']:,} (coverage "
            f"{audit['coverage']:.1%}); they are in no figure but 'errors as wrong'. "
            + "; ".join(f"{count:,} \u00d7 {plain(why)}" for why, count in _causes(audit))
        )


def _causes(audit: Fields) -> Sequence[tuple[str, int]]:
    return [*audit["error_causes"].items()]


def _worst(worst: Sequence[Fields]) -> Iterator[str]:
    if not worst:
        return
    yield from ("", "<details><summary>Worst disagreements</summary>", "")
    yield from _head("people", "judge", "probability", "source", "model", "query", "response")
    for each in worst:
        sure = "" if each["probability"] is None else f"{each['probability']:.2f}"
        texts = (each["source"], each["model"] or "", each["query"], each["response"])
        yield row(each["people"], each["judge"], sure, *map(plain, texts))
    yield from ("", "</details>")


def _head(*names: str) -> Iterator[str]:
    yield row(*names)
    yield row(*("---" for _ in names))


def row(*cells: str) -> str:
    """Lay out a row of a table."""
    return f"| {' | '.join(cells)} |"
