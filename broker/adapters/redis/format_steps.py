"""What leads from each format of the data to the next. Each step can be cut off anywhere and be run again."""

from __future__ import annotations

from collections.abc import Mapping

from broker.adapters.redis.store_format import Step

STEPS: Mapping[int, Step] = {}
"""By the format they start from."""
