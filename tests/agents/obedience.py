"""A scripted model that does what its prompt says, whichever vendor's agent asks: enough for most proofs.

    run: <command>            asks for the shell, in a way that needs permission on every vendor
    call <tool> <arguments>   calls one of the relay's tools
    hang                      streams a word and then nothing, until the test says so
    anything else             is answered "Done: <it>"

After a tool's result it says "Result: <what came back>".
"""

import asyncio
import json
import re

from tests.agents.script import Answer, CallTool, Hang, ModelRequest, Say, Vendor

_ENVELOPE = re.compile(r'<relay-message id="([^"]+)"[^>]*>\n(.*?)\n</relay-message>', re.DOTALL)
# Inside its sandbox Codex runs commands unasked; to get out of it, it must ask.
_ASKING = {
    Vendor.ANTHROPIC: {"description": "a scripted command"},
    Vendor.OPENAI: {"sandbox_permissions": "require_escalated", "justification": "the script wants to be asked"},
}


class Obedient:
    """The script; `going_on` lets what hangs go on. A message is obeyed once; what follows of it are tools' results."""

    def __init__(self) -> None:
        self.going_on = asyncio.Event()
        self._obeyed: set[str] = set()

    def __call__(self, request: ModelRequest) -> Answer:
        message, order = _ENVELOPE.findall(request.text)[-1]
        if message in self._obeyed and request.tool_results:
            return Say(f"Result: {request.tool_results[-1].text}")
        self._obeyed.add(message)
        return self._obey(order, request.vendor)

    def _obey(self, order: str, vendor: Vendor) -> Answer:
        verb, _, rest = order.partition(" ")
        match verb:
            case "run:":
                return CallTool("shell", {"command": rest, **_ASKING.get(vendor, {})})
            case "call":
                tool, _, arguments = rest.partition(" ")
                return CallTool(tool, json.loads(arguments))
            case "hang":
                return Hang(self.going_on, text="Thinking", then=Say(" no more."))
            case _:
                return Say(f"Done: {order}")


def heard(request: ModelRequest) -> list[str]:
    """What was said to the agent so far, in order: each message's words without its envelope."""
    return [order for _, order in _ENVELOPE.findall(request.text)]
