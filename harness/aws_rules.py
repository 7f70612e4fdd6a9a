"""Generated sections `aws` of configuration files."""

from functools import cache
from typing import Any

from hypothesis import strategies as st

PATTERNS = st.sampled_from(["checkout-*", "*", "a b", "no", "1e3", "*-[x]?"])


@cache
def aws_rules(services: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    asked = st.fixed_dictionaries(
        {},
        optional={
            "source": st.lists(
                st.sampled_from(["cloudwatch", "health", "step-functions", "sns"]),
                min_size=1,
                unique=True,
            ),
            "account": st.sampled_from(["111122223333", "000000000001"]),
            "region": st.sampled_from(["eu-central-1", "us-gov-west-1"]),
            "tags": st.dictionaries(st.sampled_from(["team", "no", "a:b"]), PATTERNS, max_size=2),
        },
    )
    told = [st.just({"ignore": True})]
    if services:
        told.append(
            st.fixed_dictionaries(
                {"service": st.sampled_from(services)},
                optional={"severity": st.sampled_from(["critical", "info"])},
            )
        )
    named = PATTERNS.map(lambda pattern: {"name": pattern})
    rule = st.tuples(named, asked, st.one_of(told)).map(lambda all_: all_[0] | all_[1] | all_[2])
    more = {"default": st.sampled_from(services)} if services else {}
    return st.fixed_dictionaries({"rules": st.lists(rule, min_size=1, max_size=3)}, optional=more)
