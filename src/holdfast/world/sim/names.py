"""Names by a script: each question may have another answer, as a hostile name server gives."""

from collections.abc import Mapping, Sequence


class SimNames:
    """``answers`` are given in turn, the last one for ever; ``asked`` remembers the questions."""

    def __init__(self, answers: Mapping[str, Sequence[tuple[str, ...]]]) -> None:
        self._answers = {name: list(each) for name, each in answers.items()}
        self.asked: list[str] = []

    async def addresses(self, name: str) -> tuple[str, ...]:
        self.asked.append(name)
        left = self._answers.get(name)
        if not left:
            raise OSError(f"{name} is not known")
        return left.pop(0) if len(left) > 1 else left[0]
