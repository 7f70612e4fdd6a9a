"""A measured figure with its bound, and the table that is printed."""

from dataclasses import dataclass
from typing import Literal

type Sense = Literal["at most", "under", "exactly"]


@dataclass(frozen=True, slots=True)
class Figure:
    group: str
    name: str
    measured: float
    unit: str
    bound: float | None = None
    """None for a figure without a bound, which is only reported."""
    sense: Sense = "at most"

    @property
    def met(self) -> bool:
        if self.bound is None:
            return True
        match self.sense:
            case "at most":
                return self.measured <= self.bound
            case "under":
                return self.measured < self.bound
            case "exactly":
                return self.measured == self.bound


def table(figures: list[Figure]) -> str:
    width = max(len(figure.name) for figure in figures) + 4
    lines = [f"{'figure':<{width}} {'measured':>18}  {'bound':<14} verdict"]
    group = ""
    for figure in figures:
        if figure.group != group:
            group = figure.group
            lines += ["", group]
        measured = f"{_number(figure.measured)} {figure.unit}"
        bound = "" if figure.bound is None else f"{figure.sense} {_number(figure.bound)}"
        verdict = "" if figure.bound is None else "met" if figure.met else "MISSED"
        lines.append(f"  {figure.name:<{width - 2}} {measured:>18}  {bound:<14} {verdict}".rstrip())
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
