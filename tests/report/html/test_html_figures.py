from dataclasses import replace
from xml.etree import ElementTree

from html_runs import failed, many_outcomes, page_pair, said, summary_for

from vscbench.records import Kind, Label
from vscbench.report.html.balance import balance_figure
from vscbench.report.html.canvas import Figure
from vscbench.report.html.figures import figures, kinds_figure, latency_figure

SVG = "{http://www.w3.org/2000/svg}"


def drawn(figure: Figure | None) -> ElementTree.Element:
    assert figure is not None
    standalone = figure.svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    return ElementTree.fromstring(standalone)  # noqa: S314 - our own


def texts(figure: Figure | None) -> list[str]:
    return [each.text or "" for each in drawn(figure).iter(f"{SVG}text")]


def test_a_run_has_a_figure_for_balance_kinds_variants_and_latency() -> None:
    outcomes = many_outcomes(60)
    made = figures(summary_for(outcomes), outcomes)
    names = [each.name for each in made]
    assert names == ["figure-balance", "figure-kinds", "figure-variants", "figure-latency"]
    assert made == figures(summary_for(outcomes), outcomes)


def test_a_handful_of_cases_has_tables_alone() -> None:
    outcomes = many_outcomes(10)
    assert figures(summary_for(outcomes), outcomes) == ()


def test_a_figure_has_a_name_and_words_for_those_who_do_not_see_it() -> None:
    root = drawn(kinds_figure(many_outcomes(30)))
    assert root.get("role") == "img"
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert description is not None
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert description.text == "unsafe: 13 refused, 2 answered; safe: 2 refused, 13 answered"


def test_a_figure_has_no_style_and_its_colours_are_the_page_s_own() -> None:
    outcomes = many_outcomes(60)
    for figure in figures(summary_for(outcomes), outcomes):
        for element in drawn(figure).iter():
            assert "style" not in element.attrib
            assert element.tag != f"{SVG}style"
            for name in ("fill", "stroke"):
                assert not element.get(name, "none").startswith("#")


def test_every_reference_in_a_figure_leads_to_an_id_that_bears_its_name() -> None:
    outcomes = many_outcomes(60)
    for figure in figures(summary_for(outcomes), outcomes):
        root = drawn(figure)
        ids = {each.get("id") for each in root.iter()} - {None}
        links = {each.get("href", "").removeprefix("#") for each in root.iter(f"{SVG}use")}
        clips = {each.get("clip-path", "url(#)")[5:-1] for each in root.iter()} - {""}
        assert links | clips <= ids
        assert all(each and each.startswith(figure.name) for each in ids)


def test_names_from_elsewhere_are_no_formula_and_no_markup() -> None:
    outcomes = [
        replace(each, pair=replace(each.pair, category=name))
        for name in ("$x^2$", "<b>&", "a\x1b[31mb\nc")
        for each in many_outcomes(8)
    ]
    made = figures(summary_for(outcomes), outcomes)
    words = texts(made[0])
    assert {"$x^2$", "<b>&", "a\\x1b[31mb c"} <= set(words)


def test_errors_are_not_among_the_kinds_that_are_drawn() -> None:
    errors = [failed(page_pair(f"e{number}", Label.SAFE), "down") for number in range(5)]
    made = kinds_figure([*many_outcomes(30), *errors])
    assert made is not None
    assert "15 cases" in texts(made)
    assert "5 errors are left out." in made.caption
    assert kinds_figure(errors) is None


def test_there_is_no_balance_without_both_rates_and_no_latency_of_a_few_answers() -> None:
    unsafe_only = [each for each in many_outcomes(60) if each.pair.label is Label.UNSAFE]
    names = [each.name for each in figures(summary_for(unsafe_only), unsafe_only)]
    assert names == ["figure-kinds", "figure-latency"]
    assert balance_figure([]) is None
    assert latency_figure([0.5] * 4) is None


def test_latency_is_drawn_also_where_all_are_equal_or_worlds_apart() -> None:
    for times in ([0.5] * 40, [0.001 * 3**power for power in range(12)]):
        assert {"median", "95 %"} <= set(texts(latency_figure(times)))


def test_a_person_s_own_plotting_style_does_not_show_and_stays() -> None:
    import matplotlib

    outcomes = [said(page_pair(f"p{number}", Label.SAFE), Kind.ANSWERED) for number in range(30)]
    before = kinds_figure(outcomes)
    with matplotlib.rc_context({"font.size": 30, "svg.fonttype": "path", "text.usetex": True}):
        assert kinds_figure(outcomes) == before
        assert matplotlib.rcParams["font.size"] == 30
