"""The models behind a run's judge: opened patient, and what they took counted together."""

from collections.abc import Callable, Sequence

from vscbench.engine.admission import Limits
from vscbench.engine.patient_model import JudgeUsage, PatientModel, total_usage
from vscbench.engine.purse import Purse
from vscbench.engine.wording import of_the_judge
from vscbench.errors import UsageError
from vscbench.models.protocol import Model, ModelSpec
from vscbench.reasoning.forms import BUILT_IN_FORMS, ReasoningForm


class JudgeModels:
    """Opens each model that a judge asks for."""

    def __init__(
        self,
        open_model: Callable[[ModelSpec], Model],
        limits: Callable[[Model], Limits],
        purse: Purse | None = None,
        forms: Sequence[ReasoningForm] = BUILT_IN_FORMS,
    ) -> None:
        """Begin with none.

        Args:
            open_model: opens a model as it opens the system under test.
            limits: what the requests to a model keep to.
            purse: the money of the run, where it has a limit.
            forms: in which models mark their reasoning.
        """
        self._open_model = open_model
        self._limits = limits
        self._purse = purse
        self._forms = forms
        self.opened: list[PatientModel] = []

    def __call__(self, spec: ModelSpec) -> Model:
        """Open a model.

        Raises:
            UsageError: it cannot be used as asked; nothing was sent.
        """
        try:
            model = self._open_model(spec)
        except UsageError as error:
            raise UsageError(of_the_judge(str(error))) from None
        patient = PatientModel(model, self._limits(model), self._purse, self._forms)
        self.opened.append(patient)
        return patient

    @property
    def usage(self) -> JudgeUsage:
        """What judging took so far."""
        return total_usage(model.usage for model in self.opened)
