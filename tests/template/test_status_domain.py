"""Status pages by CloudFront: what its function makes of an address, and what it may read."""

import json
import shutil
import subprocess
from typing import Any

import pytest

from tests.template.parts import of_type


def asked(uri: str, home: str) -> Any:
    """What CloudFront's function answers, or asks the bucket for."""
    node = shutil.which("node")
    if node is None:
        pytest.fail("CloudFront's function is JavaScript: install node, as .ci/run does.")
    [function] = of_type("AWS::CloudFront::Function").values()
    code = function["FunctionCode"]["Fn::Sub"].replace("${StatusHome}", home)
    call = f"console.log(JSON.stringify(handler({json.dumps({'request': {'uri': uri}})})))"
    done = subprocess.run([node, "-e", code + call], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_the_root_leads_to_the_first_page_or_nowhere() -> None:
    found = asked("/", home="example")
    assert (found["statusCode"], found["headers"]["location"]["value"]) == (302, "/status/example")
    # CloudFront answers 5xx to an address that does not begin with a slash.
    assert [asked(uri, home="")["statusCode"] for uri in ("/", "//")] == [404, 404]


@pytest.mark.parametrize("uri", ["/status/example", "/status/example/", "/status/example//"])
def test_a_page_is_one_with_and_without_a_slash(uri: str) -> None:
    assert asked(uri, home="example") == {"uri": "/status/example"}


def test_nobody_but_cloudfront_reads_the_bucket_and_no_query_lists_it() -> None:
    [policy] = of_type("AWS::S3::BucketPolicy").values()
    allowed = {}
    for statement in policy["PolicyDocument"]["Statement"]:
        chosen = statement["Fn::If"][1] if "Fn::If" in statement else statement
        if chosen["Effect"] == "Allow":
            assert chosen["Principal"] == {"Service": "cloudfront.amazonaws.com"}
            [(form, about)] = chosen["Condition"].items()
            assert (form, list(about)) == ("StringEquals", ["AWS:SourceArn"])
            allowed[chosen["Action"]] = chosen["Resource"]
    assert allowed == {
        "s3:GetObject": {"Fn::Sub": "${StatusPages.Arn}/status/*"},
        "s3:ListBucket": {"Fn::GetAtt": ["StatusPages", "Arn"]},
    }
    [cache] = of_type("AWS::CloudFront::CachePolicy").values()
    forwarded = cache["CachePolicyConfig"]["ParametersInCacheKeyAndForwardedToOrigin"]
    assert forwarded["QueryStringsConfig"] == {"QueryStringBehavior": "none"}


def test_its_names_fit_with_the_longest_name_that_documents_allow() -> None:
    """CloudFront takes 64 characters, and the longest region has 14."""
    named = [
        *(each["Name"]["Fn::Sub"] for each in of_type("AWS::CloudFront::Function").values()),
        *(
            each["OriginAccessControlConfig"]["Name"]["Fn::Sub"]
            for each in of_type("AWS::CloudFront::OriginAccessControl").values()
        ),
    ]
    for name in named:
        whole = name.replace("${AWS::StackName}", "s" * 42).replace("${AWS::Region}", "r" * 14)
        assert len(whole) <= 64
