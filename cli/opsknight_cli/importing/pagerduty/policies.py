"""PagerDuty's escalation policies. A rule there says how long to wait after it; a step here, before
it.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

from opsknight.config.configuration import Kind
from opsknight.escalation.policy import Policy, Step, Target, TargetKind
from opsknight_cli.importing.draft import Draft, title
from opsknight_cli.importing.pagerduty.shapes import EscalationPolicy, EscalationRule, Export
from opsknight_cli.importing.wire import understood

MINUTE: Final = timedelta(minutes=1)
LONGEST: Final = timedelta(days=7)
MOST_STEPS: Final = 50
MOST_REPEATS: Final = 9


def add_policies(
    export: Export, users: Mapping[str, str], schedules: Mapping[str, str], draft: Draft
) -> dict[str, str]:
    """Our ids by theirs."""
    found: dict[str, str] = {}
    for policy in understood(EscalationPolicy, export.escalation_policies, "policy", draft):
        name = policy.name or policy.called
        where = f"policy {name}"
        steps: list[Step] = []
        wait = timedelta(0)
        for number, rule in enumerate(policy.escalation_rules[:MOST_STEPS], 1):
            targets = tuple(_targets(rule, f"{where}, rule {number}", users, schedules, draft))
            if targets:
                steps.append(Step(delay=wait, targets=targets))
                wait = timedelta(0)
            wait = min(wait + rule.escalation_delay_in_minutes * MINUTE, LONGEST)
        if len(policy.escalation_rules) > MOST_STEPS:
            draft.lose_page(where, f"Only its first {MOST_STEPS} rules are in the file.")
        if not steps:
            draft.lose_page(where, "Is not in the file: none of its targets is.")
            continue
        found[policy.id] = policy_id = draft.name(Kind.POLICY, name, policy.id)
        if policy.num_loops > MOST_REPEATS:
            draft.lose_page(where, f"Is repeated {MOST_REPEATS} times, not {policy.num_loops}.")
        draft.add(
            Policy(
                id=policy_id,
                name=title(name, policy.id),
                version=1,
                steps=tuple(steps),
                repeat=min(max(policy.num_loops, 0), MOST_REPEATS),
                repeat_after=max(wait, MINUTE) if policy.num_loops else None,
            )
        )
    return found


def _targets(
    rule: EscalationRule,
    where: str,
    users: Mapping[str, str],
    schedules: Mapping[str, str],
    draft: Draft,
) -> Iterable[Target]:
    strategy = rule.escalation_rule_assignment_strategy
    kind = strategy if isinstance(strategy, str) or strategy is None else strategy.type
    if kind == "round_robin" and len(rule.targets) > 1:
        draft.page_more(where, "Pages all of its targets at once, not one after the other in turn.")
    for target in rule.targets:
        if target.type.startswith("user"):
            known, ours = users.get(target.id), TargetKind.USER
        else:
            known, ours = schedules.get(target.id), TargetKind.SCHEDULE
        if known is None:
            what = target.type.removesuffix("_reference")
            draft.lose_page(where, f"Does not page {what} {target.called}: it is not in the file.")
            continue
        yield Target(kind=ours, id=known)
