"""One gateway on a given Redis, as `relaycast gateway` runs it: `python -m tests.bench.gateway`."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import orjson
import uvloop

from broker.domain.plans.api_limits import ApiLimits
from broker.domain.plans.request_rate import RequestRate
from broker.processes import run_gateway
from broker.settings import GraphQLSettings, Settings


def main() -> None:
    settings = Settings(
        data_dir=Path.cwd(),
        port=0,
        redis_url=os.environ["BENCH_REDIS_URL"],
        graphql=GraphQLSettings(limits=ApiLimits(rate_per_s=10_000, rate_burst=10_000)),  # one token opens all
        requests=RequestRate.of(100_000),
        fan_out_in_common=os.environ["BENCH_IN_COMMON"] == "yes",
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run_gateway(settings, on_ready=_say_ready))


def _say_ready(settings: Settings) -> None:
    print(orjson.dumps({"port": settings.port}).decode(), flush=True)


if __name__ == "__main__":
    main()
