import pytest
from small_world import RUN, summary_of


def test_a_run_leaves_its_page(world: pytest.Pytester) -> None:
    world.runpytest(*RUN, "--vsc-judge=keywords")
    (page,) = world.path.glob("reports/*/report.html")
    text = page.read_text(encoding="utf-8")
    assert summary_of(world.path)["run"]["id"] in text
    assert "What about the tea-unsafe?" in text


def test_a_page_that_cannot_be_written_costs_a_note_and_not_the_run(
    world: pytest.Pytester,
) -> None:
    world.makeconftest(
        """
        from pathlib import Path

        import pytest

        @pytest.hookimpl(tryfirst=True, wrapper=True)
        def pytest_runtestloop(session):
            done = yield
            (folder,) = Path("reports").iterdir()
            (folder / "report.html").mkdir()
            return done
        """
    )
    done = world.runpytest(*RUN, "--vsc-judge=keywords")
    done.stdout.fnmatch_lines(["note: report.html was not written*vscbench report*"])
    assert summary_of(world.path)["counts"]["scored"] == 6
    assert list(world.path.glob("reports/*/outcomes.jsonl"))
