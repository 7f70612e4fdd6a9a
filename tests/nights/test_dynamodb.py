"""The model of DynamoDB answers as a real server does, call by call, on generated calls.

MiniStack stands for the real one. Latency, conflicts, throttling and lagging indexes are the
model's own, and have no counterpart there: they are off here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from harness.dynamodb import connect, make_table
from harness.simulation.dynamodb import DynamoDB
from harness.simulation.hub import Hub
from harness.simulation.template import deployment
from harness.simulation.weather import Weather

type Call = tuple[str, dict[str, Any]]
type Wire = Mapping[str, Any]

KEYS = st.fixed_dictionaries(
    {
        "pk": st.sampled_from("ab").map(lambda text: {"S": text}),
        "sk": st.sampled_from(["n#1", "n#2", "m#1"]).map(lambda text: {"S": text}),
    }
)
TEXTS = st.sampled_from(["", "x", "xy", "y", "é"]).map(lambda text: {"S": text})
NUMBERS = st.integers(-2, 12).map(lambda number: {"N": str(number)})
PLAIN: st.SearchStrategy[Wire] = st.one_of(
    TEXTS, NUMBERS, st.booleans().map(lambda value: {"BOOL": value})
)
MAPS = st.dictionaries(st.sampled_from(["p", "q"]), PLAIN, max_size=2).map(lambda it: {"M": it})
LISTS = st.lists(PLAIN, max_size=2).map(lambda it: {"L": it})
VALUES: st.SearchStrategy[Wire] = st.one_of(PLAIN, MAPS, LISTS)
INDEXED = st.sampled_from(["0", "1"]).map(lambda text: {"S": text})
# The same names as in the template's indexes, so that items come and go there, too.
ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "due_shard": INDEXED,
        "due_at": INDEXED,
        "listing": INDEXED,
        "id": INDEXED,
        "title": TEXTS,
        "status": VALUES,
        "count": NUMBERS,
        "timers": MAPS,
    },
)
PATHS = st.sampled_from(["status", "count", "timers", "timers.p", "timers.q", "title", "due_at"])


@dataclass
class Expression:
    """Collects the names and values of what it is made of."""

    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, Wire] = field(default_factory=dict)
    numbers: Any = field(default_factory=count)

    def path(self, text: str) -> str:
        for part in text.split("."):
            self.names[f"#{part}"] = part
        return ".".join(f"#{part}" for part in text.split("."))

    def value(self, value: Wire) -> str:
        name = f":v{next(self.numbers)}"
        self.values[name] = value
        return name

    def arguments(self, **texts: str) -> dict[str, Any]:
        found: dict[str, Any] = dict(texts)
        if self.names:
            found["ExpressionAttributeNames"] = self.names
        if self.values:
            found["ExpressionAttributeValues"] = self.values
        return found


@st.composite
def condition(draw: Callable[..., Any], made: Expression, depth: int = 2) -> str:
    if depth and draw(st.booleans()):
        one, other = draw(condition(made, depth - 1)), draw(condition(made, depth - 1))
        joined = f"{one} {draw(st.sampled_from(['AND', 'OR']))} {other}"
        return f"({joined})" if draw(st.booleans()) else joined
    text = draw(PATHS)
    kind = draw(st.sampled_from(["there", "absent", "begins", "between", "in", "compare", "not"]))
    if kind == "begins":
        # Always of a text: of anything else, MiniStack refuses the whole call.
        return f"begins_with(sk, {made.value(draw(TEXTS))})"
    path = made.path(text)
    match kind:
        case "there":
            return f"attribute_exists({path})"
        case "absent":
            return f"attribute_not_exists({path})"
        case "between":
            low, high = sorted((draw(NUMBERS), draw(NUMBERS)), key=lambda it: int(it["N"]))
            return f"{path} BETWEEN {made.value(low)} AND {made.value(high)}"
        case "in":
            chosen = [made.value(draw(PLAIN)) for _ in range(draw(st.integers(1, 3)))]
            return f"{path} IN ({', '.join(chosen)})"
        case "not":
            return f"NOT {path} = {made.value(draw(PLAIN))}"
        case _:
            sign = draw(st.sampled_from(["=", "<>", "<", "<=", ">", ">="]))
            kind_of_value = VALUES if sign in ("=", "<>") else st.one_of(TEXTS, NUMBERS)
            return f"{path} {sign} {made.value(draw(kind_of_value))}"


@st.composite
def update(draw: Callable[..., Any], made: Expression) -> str:
    paths = draw(st.lists(PATHS, min_size=1, max_size=4, unique=True))
    if "timers" in paths:
        # Paths that overlap are refused by AWS, and not by MiniStack.
        paths = [each for each in paths if not each.startswith("timers.")]
    sets, gone, added = [], [], []
    for text in paths:
        path = made.path(text)
        match draw(st.sampled_from(["set", "keep", "remove", "add"])):
            case "set" | "add" if text == "due_at":
                sets.append(f"{path} = {made.value(draw(INDEXED))}")
            case "set":
                sets.append(f"{path} = {made.value(draw(VALUES))}")
            case "keep":
                value = made.value(draw(INDEXED if text == "due_at" else PLAIN))
                sets.append(f"{path} = if_not_exists({path}, {value})")
            case "remove":
                gone.append(path)
            case _ if "." in text:
                gone.append(path)
            case _:
                added.append(f"{path} {made.value(draw(NUMBERS))}")
    parts = (("SET", sets), ("REMOVE", gone), ("ADD", added))
    return " ".join(f"{verb} {', '.join(each)}" for verb, each in parts if each)


@st.composite
def write(draw: Callable[..., Any], verb: str) -> dict[str, Any]:
    made = Expression()
    texts = {}
    if draw(st.booleans()) or verb == "ConditionCheck":
        texts["ConditionExpression"] = draw(condition(made))
    if verb == "Put":
        return {"Item": draw(KEYS) | draw(ATTRIBUTES), **made.arguments(**texts)}
    if verb == "Update":
        texts["UpdateExpression"] = draw(update(made))
    return {"Key": draw(KEYS), **made.arguments(**texts)}


@st.composite
def query(draw: Callable[..., Any]) -> dict[str, Any]:
    made = Expression()
    asked: dict[str, Any] = {"ScanIndexForward": draw(st.booleans())}
    index = draw(st.sampled_from([None, "due", "listing"]))
    if index is None:
        text = f"pk = {made.value(draw(KEYS)['pk'])}"
        if draw(st.booleans()):
            text += f" AND begins_with(sk, {made.value({'S': 'n#'})})"
        asked["ConsistentRead"] = True
    else:
        asked["IndexName"] = index
        first, second = {"due": ("due_shard", "due_at"), "listing": ("listing", "id")}[index]
        text = f"{first} = {made.value(draw(INDEXED))}"
        if draw(st.booleans()):
            text += f" AND {second} <= {made.value(draw(INDEXED))}"
    if draw(st.booleans()):
        asked["FilterExpression"] = f"{made.path('title')} IN ({made.value(draw(TEXTS))})"
    if draw(st.booleans()):
        asked["Limit"] = draw(st.integers(1, 2))
    return asked | made.arguments(KeyConditionExpression=text)


@st.composite
def call(draw: Callable[..., Any]) -> Call:
    verbs = {"Put": "put_item", "Update": "update_item", "Delete": "delete_item"}
    kind = draw(st.sampled_from([*verbs.values(), "transact", "get", "batch", "query", "many"]))
    match kind:
        case "transact":
            chosen = draw(
                st.lists(st.sampled_from([*verbs, "ConditionCheck"]), min_size=1, max_size=3)
            )
            return "transact_write_items", {
                "TransactItems": [{verb: draw(write(verb))} for verb in chosen]
            }
        case "get":
            return "get_item", {"Key": draw(KEYS), "ConsistentRead": True}
        case "batch":
            keys = draw(st.lists(KEYS, min_size=1, max_size=3))
            return "batch_get_item", {"Keys": keys, "ConsistentRead": True}
        case "query":
            return "query", draw(query())
        case "many":
            puts = st.tuples(KEYS, ATTRIBUTES).map(
                lambda it: {"PutRequest": {"Item": it[0] | it[1]}}
            )
            gone = KEYS.map(lambda key: {"DeleteRequest": {"Key": key}})
            requests = draw(st.lists(st.one_of(puts, gone), min_size=1, max_size=3))
            return "batch_write_item", {"Requests": requests}
        case _:
            verb = next(verb for verb, operation in verbs.items() if operation == kind)
            return kind, draw(write(verb))


def named(operation: str, asked: dict[str, Any], table: str) -> dict[str, Any]:
    match operation:
        case "transact_write_items":
            items = [
                {verb: {"TableName": table, **action} for verb, action in each.items()}
                for each in asked["TransactItems"]
            ]
            return {"TransactItems": items}
        case "batch_get_item":
            return {"RequestItems": {table: asked}}
        case "batch_write_item":
            return {"RequestItems": {table: asked["Requests"]}}
        case _:
            return {"TableName": table, **asked}


def answered(perform: Callable[[], dict[str, Any]], table: str) -> object:
    """The answer in words that both share."""
    try:
        answer = perform()
    except ClientError as error:
        reasons = [each["Code"] for each in error.response.get("CancellationReasons", [])]
        return error.response["Error"]["Code"], reasons
    found: dict[str, Any] = {}
    for name in ("Item", "Items", "Attributes", "LastEvaluatedKey"):
        if name in answer:
            found[name] = answer[name]
    if "Responses" in answer:
        key = lambda item: (item["pk"]["S"], item["sk"]["S"])  # noqa: E731
        found["Responses"] = sorted(answer["Responses"][table], key=key)
    return found


@pytest.mark.soak
def test_the_model_answers_as_a_real_server(dynamodb: str, full_size: bool) -> None:
    # However busy the machine is: a slow answer says nothing about the model.
    client = connect(dynamodb, Config(read_timeout=60))

    # To make a failing example small takes minutes on a real server.
    phases = tuple(Phase) if full_size else (Phase.explicit, Phase.reuse, Phase.generate)

    @settings(phases=phases)
    @given(calls=st.lists(call(), min_size=1, max_size=25))
    def agrees(calls: list[Call]) -> None:
        table = make_table(client, "Table")
        hub = Hub(1)
        model = DynamoDB(hub, Weather(throttles=False), {"Table": deployment().tables["Table"]})
        for operation, asked in calls:
            perform = partial(getattr(client, operation), **named(operation, asked, table))
            model_asked = named(operation, asked, "Table")
            model_perform = partial(model.perform, operation, model_asked, hub.now)
            assert answered(model_perform, "Table") == answered(perform, table), (operation, asked)
            # Its indexes catch up.
            hub.run(hub.now + 1)
        client.delete_table(TableName=table)

    agrees()
