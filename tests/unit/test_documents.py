"""What documents name is there: links and their headings, parameters and outputs of the template,
decisions and their replacements, the doctor's checks and the permissions that it needs.
"""

import re
from pathlib import Path
from typing import Final

import botocore.session
import pytest

from harness.dynamodb import template
from opsknight_cli.doctor.checks import CHECKS

ROOT: Final = Path(__file__).resolve().parents[2]
DOCUMENTS: Final = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
]
DECISIONS: Final = ROOT / "docs" / "adr"
COMMANDS: Final = ROOT / "docs" / "command-line.md"
DOCTOR: Final = ROOT / "cli" / "opsknight_cli" / "doctor"
# The services that the doctor asks, and how IAM names them. Who one is, everybody may ask (STS).
ASKED: Final = {
    "cloudformation": "cloudformation",
    "cloudwatch": "cloudwatch",
    "lambda": "lambda",
    "pinpoint-sms-voice-v2": "sms-voice",
    "sesv2": "ses",
    "sns": "sns",
    "sqs": "sqs",
}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _prose(path: Path) -> str:
    """Without blocks of code: a comment of a shell looks like a heading."""
    return re.sub(r"^ *```.*?^ *```", "", _text(path), flags=re.DOTALL | re.MULTILINE)


def _anchors(path: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", _prose(path), flags=re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", each) for each in headings)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in plain}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading(path: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", _prose(path)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    assert not broken


def test_every_decision_has_a_number_of_its_own_and_is_listed() -> None:
    files = sorted(DECISIONS.glob("[0-9]*.md"))
    numbers = [int(each.name[:4]) for each in files]
    assert len(numbers) == len(set(numbers))
    listed = re.findall(
        r"^\| \[(\d+)\]\(([^)]+)\) \| (.+) \|$", _text(DECISIONS / "README.md"), re.M
    )
    titles = [re.sub(r" \(replaced by \d+\)$", "", title) for _, _, title in listed]
    assert [name for _, name, _ in listed] == [each.name for each in files]
    assert [f"# {n}. {t}" for n, t in zip(numbers, titles, strict=True)] == [
        _text(each).partition("\n")[0] for each in files
    ]


def test_a_replaced_decision_says_so_and_so_does_its_successor() -> None:
    replaced, replacing = set(), set()
    for path in DECISIONS.glob("[0-9]*.md"):
        number = int(path.name[:4])
        replaced |= {
            (number, int(n)) for n in re.findall(r"^Replaced by \[(\d+)\]", _text(path), re.M)
        }
        replacing |= {
            (int(n), number) for n in re.findall(r"^Replaces \[(\d+)\]", _text(path), re.M)
        }
    listed = re.findall(
        r"^\| \[(\d+)\].*\(replaced by (\d+)\) \|$", _text(DECISIONS / "README.md"), re.M
    )
    assert replaced
    assert replaced == replacing == {(int(old), int(new)) for old, new in listed}


def test_a_decision_that_was_added_to_says_where() -> None:
    paths = {int(each.name[:4]): each for each in DECISIONS.glob("[0-9]*.md")}
    added = {
        (int(older), number)
        for number, path in paths.items()
        for line in re.findall(r"^Adds to .*$", _text(path), re.MULTILINE)
        for older in re.findall(r"\[(\d+)\]", line)
    }
    assert added
    for older, newer in sorted(added):
        head = _text(paths[older]).partition("\n## ")[0]
        assert f"[{newer}](" in head, paths[older].name


def test_the_readme_names_every_parameter_of_the_template() -> None:
    table = "".join(re.findall(r"^\| `.*$", _text(ROOT / "README.md"), re.M))
    assert {each for each in template()["Parameters"] if f"`{each}`" not in table} == set()


def test_every_output_that_a_command_asks_for_exists() -> None:
    asked = {name for path in DOCUMENTS for name in re.findall(r"\(output (\w+)\)", _text(path))}
    assert asked
    assert asked <= template()["Outputs"].keys()


def test_the_alarms_are_as_many_as_documents_say() -> None:
    kinds = [each["Type"] for each in template()["Resources"].values()]
    said = [
        int(number)
        for name in ("CHANGELOG.md", "docs/operations.md")
        for number in re.findall(r"\b(\d+) alarms", _text(ROOT / name))
    ]
    assert said
    assert set(said) == {kinds.count("AWS::CloudWatch::Alarm")}


def test_the_doctors_checks_are_in_its_table() -> None:
    section = _text(COMMANDS).partition("## What is wrong with a deployment")[2]
    rows = re.findall(r"^\| ([^|]+) \| [^|]+\? ?[^|]*\|$", section, re.M)
    named = {each for row in rows for each in row.split(", ")}
    assert CHECKS.keys() <= named


def test_the_doctors_permissions_are_those_of_its_calls() -> None:
    source = "".join(_text(each) for each in sorted(DOCTOR.glob("*.py")))
    called = {*re.findall(r"\.([a-z_]+)\(", source), *re.findall(r'paginator\("(\w+)"\)', source)}
    session = botocore.session.get_session()
    needed = set()
    for service, prefix in ASKED.items():
        for name in session.get_service_model(service).operation_names:
            if botocore.xform_name(name) in called:
                needed.add(f"{prefix}:{name}")
    given = set(re.findall(r'^ +"([a-z-]+:\w+)",?$', _text(COMMANDS), re.M))
    others = {each for each in given if each.partition(":")[0] in ("dynamodb", "ssm")}
    assert given - others == needed
