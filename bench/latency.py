"""The time for a new trigger: one client, the handler in this process, DynamoDB on this machine."""

import time
from statistics import median, quantiles

from bench.figures import Figure
from bench.stage import body, new_world, post, request
from bench.twin import Twin


def measure_latency(endpoint: str, quick: bool) -> list[Figure]:
    world = new_world(endpoint)
    api = world.api()
    twin = Twin(endpoint, world)
    took, bare = [], []
    for number in range(300 if quick else 2000):
        if number % 100 == 0:
            # A key may send 120 events a minute. The first event of a minute looks up the key.
            world.clock.advance(minutes=1)
            post(api, request(body("trigger", f"first-{number}"), world.integration_key))
            twin.forget()
        event = request(body("trigger", f"new-{number}"), world.integration_key)
        began = time.perf_counter()
        post(api, event)
        took.append((time.perf_counter() - began) * 1000)
        bare.append(twin.repeat(time.perf_counter) * 1000)
    percentiles = quantiles(took, n=100, method="inclusive")
    group = f"A new trigger, one client, {len(took)} events"
    ratio = median(own / its for own, its in zip(took, bare, strict=True))
    return [
        Figure(group, "p50", percentiles[49], "ms"),
        Figure(group, "p99", percentiles[98], "ms"),
        Figure(group, "bare boto3, the same calls in turn: p50", median(bare), "ms"),
        Figure(group, "median ratio", ratio, "", 1.5),
    ]
