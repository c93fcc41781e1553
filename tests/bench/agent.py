"""An ACP agent that does nothing but answer, so that only the relay's own time is measured.

It imports nothing that is not built in: a thousand of them have to fit into one machine. A prompt is answered with the
wall clock, in nanoseconds, at which its bytes were read from stdin; `bench-flood <n> <bytes>;` first says that much.
`bench-wait;` is answered when it is cancelled, with the time at which that was read.
"""

import os
import sys
import time

waiting: list[bytes] = []
"""The prompt that waits to be cancelled."""


def member(line: bytes, name: bytes) -> bytes:
    _, found, rest = line.partition(b'"' + name + b'":')
    return rest.partition(b",")[0].partition(b"}")[0].strip(b'"') if found else b""


def result(request: bytes, value: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","id":' + request + b',"result":' + value + b"}\n"


def said(text: bytes) -> bytes:
    update = b'{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"' + text + b'"}}'
    return b'{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":' + update + b"}}\n"


def thought(text: bytes) -> bytes:
    return said(text).replace(b"agent_message_chunk", b"agent_thought_chunk")


def flood(line: bytes) -> None:
    _, asked, rest = line.partition(b"bench-flood ")
    if asked:
        count, size = (int(number) for number in rest.partition(b";")[0].split())
        for _ in range(count):
            write(thought(b"x" * size))


def answer(line: bytes, read_at_ns: int) -> bytes:
    request, method = member(line, b"id"), member(line, b"method")
    if method == b"initialize":
        return result(request, b'{"protocolVersion":1,"agentCapabilities":{"mcpCapabilities":{"http":true}}}')
    if method == b"session/new":
        return result(request, b'{"sessionId":"s"}')
    if method == b"session/prompt" and b"bench-wait;" in line:
        waiting.append(request)
        return b""
    if method == b"session/cancel" and waiting:
        return said(b"%d" % read_at_ns) + result(waiting.pop(), b'{"stopReason":"cancelled"}')
    if method == b"session/prompt":
        flood(line)
        return said(b"%d" % read_at_ns) + result(request, b'{"stopReason":"end_turn"}')
    error = b'{"code":-32601,"message":"method not found"}'
    return b'{"jsonrpc":"2.0","id":' + request + b',"error":' + error + b"}\n" if request else b""


def write(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


def main() -> None:
    kept = b""
    while data := os.read(0, 65536):
        read_at_ns = time.time_ns()
        *lines, kept = (kept + data).split(b"\n")
        for line in lines:
            write(answer(line, read_at_ns))


if __name__ == "__main__":
    main()
    sys.exit(0)
