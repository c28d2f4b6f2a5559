import pytest

from vscbench.engine.breaker import REMEDY
from vscbench.engine.wording import of_a_command, of_the_judge
from vscbench.records import Cause

TARGETS = ("--model", "--vsc-api-base", "--vsc-param", "--vsc-rpm", "--vsc-tpm")


@pytest.mark.parametrize("cause", list(REMEDY))
def test_a_remedy_for_the_judge_names_no_option_of_the_target(cause: Cause) -> None:
    remedy = of_the_judge(REMEDY[cause])
    assert not [name for name in TARGETS if name in remedy]
    assert "--vsc" not in of_a_command(remedy)


def test_a_models_name_stays_where_its_option_is_renamed() -> None:
    said = of_the_judge("--model=openai/gpt-4o: no key; or use --vsc-api-base")
    assert said == "--vsc-judge-model openai/gpt-4o: no key; or use --vsc-judge-api-base"
    assert of_a_command(said) == ("--judge-model openai/gpt-4o: no key; or use --judge-api-base")
