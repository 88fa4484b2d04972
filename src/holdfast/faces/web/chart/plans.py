"""Plans that are kept: one for each part of a system that people look at."""

from collections import OrderedDict

from starlette.concurrency import run_in_threadpool

from holdfast.blueprint import Blueprint
from holdfast.blueprint.graph import System
from holdfast.faces.web.chart.choosing import Choice
from holdfast.faces.web.chart.plan import Plan, plan_of

PLANS_MAX = 32
"""Plans that are kept, the newest used."""


class Plans:
    """Laid out once for each choice, in a thread: a large system takes a while."""

    def __init__(self) -> None:
        self._system: System | None = None
        self._kept: OrderedDict[Choice, Plan] = OrderedDict()

    def system(self, blueprint: Blueprint) -> System:
        """The graph of the blueprint in force."""
        if self._system is None or self._system.blueprint is not blueprint:
            self._system = System(blueprint)
            self._kept.clear()
        return self._system

    async def plan(self, blueprint: Blueprint, choice: Choice) -> Plan:
        system = self.system(blueprint)
        found = self._kept.get(choice)
        if found is None:
            found = await run_in_threadpool(plan_of, system, choice)
            if self._system is system:
                self._kept[choice] = found
                if len(self._kept) > PLANS_MAX:
                    self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(choice)
        return found
