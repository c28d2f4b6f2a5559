"""The findings of a diff in words, for a terminal and for Markdown alike."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

Fields = Mapping[str, Any]
NAMES: Final = {"sra_u": "SRA_u", "sra_s": "SRA_s", "contrast": "contrasts"}
LEAST_P: Final = 0.0001


def percent(rate: Fields | None) -> str:
    """Write a rate as percent; a dash where there is none."""
    return "-" if rate is None else f"{rate['rate']:.1%}"


def points(estimate: Fields) -> str:
    """Write a difference of rates in percentage points, with its interval where it has one."""
    if estimate["value"] is None:
        return "-"
    value = f"{100 * estimate['value']:+.1f}"
    if estimate["low"] is None:
        return value
    return f"{value} [{100 * estimate['low']:+.1f}, {100 * estimate['high']:+.1f}]"


def probability(p: float | None) -> str:
    """Write a p."""
    if p is None:
        return "-"
    return f"<{LEAST_P}" if p < LEAST_P else f"{p:.4f}"


def findings(diff: Fields) -> Iterator[str]:
    """Say of each measure of the family whether it changed, and by how much."""
    for measure in diff["measures"]:
        if measure["name"] in diff["family"]:
            yield _finding(measure, diff)


def _finding(measure: Fields, diff: Fields) -> str:
    name = measure_name(measure["name"])
    if not measure["n"]:
        return f"{name}: no pair of both runs is in it"
    fell = measure["difference"]["value"] < 0
    found = measure["p_holm"] < diff["alpha"]
    said = f"significantly {'worse' if fell else 'better'}" if found else "no significant change"
    sees = (
        ""
        if found
        else f"; runs like these find a difference of {100 * measure['detectable']:.1f} points "
        "four times in five"
    )
    return f"{name}: {said}, {points(measure['difference'])} points, {_test(measure, diff)}{sees}"


def _test(measure: Fields, diff: Fields) -> str:
    tests = len(diff["family"])
    adjusted = f", Holm over {tests}" if tests > 1 else ""
    if measure["test"] == "mcnemar":
        return f"p {probability(measure['p_holm'])} (exact McNemar{adjusted})"
    by_pair = measure["mcnemar_p"]
    told = f"; McNemar {probability(by_pair)}, which ignores clusters" if by_pair else ""
    return (
        f"p {probability(measure['p_holm'])} (sign-flip over {measure['clusters']} clusters"
        f"{adjusted}{told})"
    )


def counted(diff: Fields) -> Iterator[str]:
    """Say what was compared, and what was not."""
    pairs, cases = diff["pairs"], diff["cases"]
    changes = cases["changes"]
    left_out = f"; left out, without a verdict in one of them: {pairs['left_out']}"
    yield f"pairs scored in both runs: {pairs['compared']}{left_out if pairs['left_out'] else ''}"
    if cases["only_before"] or cases["only_after"]:
        yield (f"cases in one run only: {cases['only_before']} before, {cases['only_after']} after")
    if cases["errors_before"] or cases["errors_after"]:
        yield (
            f"errors among the cases of both: {cases['errors_before']} before, "
            f"{cases['errors_after']} after"
        )
    otherwise = sum(changes.values()) - changes["became wrong"] - changes["became right"]
    yield (
        f"cases that became wrong: {changes['became wrong']}; right: {changes['became right']}; "
        f"of another kind, and as right or wrong as before: {otherwise}"
    )


def remark(diff: Fields) -> str:
    """Say how the table's p are to be read."""
    return (
        f"p is that of each test alone; only {' and '.join(map(measure_name, diff['family']))} "
        "decide, adjusted for their number"
    )


def overall(diff: Fields) -> list[Fields]:
    """Return the measures over everything."""
    return [measure for measure in diff["measures"] if ":" not in measure["name"]]


def changed_groups(diff: Fields) -> dict[str, list[Fields]]:
    """Return the measures within groups, by group, as far as a pair of theirs changed.

    Where all pairs are of one category, scenario or variant, that group is no part of anything.
    """
    groups: dict[str, list[Fields]] = {}
    for measure in diff["measures"]:
        _, within, group = measure["name"].partition(":")
        if within:
            groups.setdefault(group, []).append(measure)
    parts = Counter(group.partition("=")[0] for group in groups)
    changed = {
        group: [each for each in measures if each["worse"] + each["better"]]
        for group, measures in sorted(groups.items())
        if parts[group.partition("=")[0]] > 1
    }
    return {group: measures for group, measures in changed.items() if measures}


def measure_name(name: str) -> str:
    """Write a measure as a person reads it, without its group."""
    return NAMES[name.partition(":")[0]]


def flips_by_change(flips: Sequence[Fields]) -> dict[str, list[Fields]]:
    """Group flips by what they changed, in their order."""
    groups: dict[str, list[Fields]] = {}
    for flip in flips:
        groups.setdefault(flip["change"], []).append(flip)
    return groups
