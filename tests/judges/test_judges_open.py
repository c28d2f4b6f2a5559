import pytest

from vscbench.errors import UsageError
from vscbench.judges.open import open_judge


def test_keywords_opens_by_name() -> None:
    assert open_judge("keywords").name == "keywords"


def test_an_unknown_judge_is_refused_with_the_known_names() -> None:
    with pytest.raises(UsageError, match=r"unknown judge 'keyword'; known judges: keywords"):
        open_judge("keyword")
