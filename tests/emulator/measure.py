#!/usr/bin/env python3
"""How long a warm invocation takes under AWS's Lambda Runtime Interface Emulator, the way Lambda itself talks to a
function: a streamed answer by our runtime and by the stock one, against a buffered answer in the same run.

    measure.py HELLO [INVOCATIONS]

HELLO is the built `hello` example of the tests. The emulator is that of an installed AWS SAM CLI, or the program that
`LAMBDA_RIE` names. The exit code is 1 when our streamed answer takes too many times what a buffered one does.
"""

import http.client
import itertools
import json
import os
import pathlib
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import time

RUNTIMES = ["buffered", "streamed", "stock"]
# One chunk at once, and three chunks 2 ms apart.
BODIES = {"/hello": b"hello", "/paced": b"one two three"}
# What is invoked, the seconds between two invocations, and the bound of our ratio. After a pause the receiving end
# acknowledges at once and the stock runtime is as fast; one invocation after the other it is not.
CASES = [("/hello", 0, 3.0), ("/paced", 0, 1.5), ("/hello", 0.1, 3.0)]
# So many of a function's invocations follow each other; the first of them comes after a pause in any case.
BLOCK = 10


def emulator():
    if "LAMBDA_RIE" in os.environ:
        return os.environ["LAMBDA_RIE"]
    machine = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    sam = shutil.which("sam") or sys.exit("neither `LAMBDA_RIE` is set nor `sam` installed")
    root = pathlib.Path(sam).resolve().parent.parent
    found = list(root.glob(f"lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-{machine}"))
    return found[0] if found else sys.exit(f"no emulator for `{machine}` in `{root}`: set `LAMBDA_RIE`")


def free_address():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{listener.getsockname()[1]}"


def event(path):
    """The least of a REST API's event that a function can read."""
    return json.dumps({
        "resource": path, "path": path, "httpMethod": "GET", "headers": {}, "multiValueHeaders": {},
        "queryStringParameters": None, "multiValueQueryStringParameters": None, "pathParameters": None,
        "stageVariables": None, "body": None, "isBase64Encoded": False,
        "requestContext": {"httpMethod": "GET", "path": path, "stage": "prod", "identity": {"sourceIp": "127.0.0.1"}},
    }).encode()


class Function:
    """The example under an emulator of its own."""

    def __init__(self, hello, answers):
        self.answers = answers
        address = free_address()
        command = [emulator(), "--runtime-interface-emulator-address", address]
        command += ["--runtime-api-address", free_address(), "--log-level", "error", hello]
        variables = {"HELLO_ANSWERS": answers, "AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH": "true"}
        variables |= {"AWS_LAMBDA_FUNCTION_TIMEOUT": "30", "PATH": os.environ["PATH"]}
        self.process = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.connection = http.client.HTTPConnection(address)
        while True:
            try:
                self.connection.connect()
                return
            except ConnectionRefusedError:
                time.sleep(0.01)

    def invoke(self, path):
        """The milliseconds that one invocation takes."""
        started = time.perf_counter()
        self.connection.request("POST", "/2015-03-31/functions/function/invocations", event(path))
        answer = self.connection.getresponse().read()
        taken = (time.perf_counter() - started) * 1000
        body = json.loads(answer)["body"].encode() if self.answers == "buffered" else answer.split(bytes(8))[1]
        assert body == BODIES[path], answer
        return taken

    def block(self, path, pause):
        """The milliseconds of a block of invocations, its first one left out."""
        taken = []
        for _ in range(BLOCK + 1):
            time.sleep(pause)
            taken.append(self.invoke(path))
        return taken[1:]


def main():
    hello = pathlib.Path(sys.argv[1]).resolve(strict=True)
    invocations = int(sys.argv[2]) if len(sys.argv) > 2 else 300
    functions = [Function(hello, answers) for answers in RUNTIMES]
    within_bound = True
    try:
        print(f"{'':16}" + "".join(f"{answers + ' p50':>14}{'p99':>8}" for answers in RUNTIMES) + "   ms")
        for path, pause, bound in CASES:
            blocks = max(1, invocations // BLOCK if pause == 0 else invocations // BLOCK // 5)
            # Blocks in turns, so that whatever else the machine does meets all of them.
            rounds = [[function.block(path, pause) for function in functions] for _ in range(blocks + 1)][1:]
            taken = [sorted(itertools.chain(*column)) for column in zip(*rounds)]
            medians = [statistics.median(column) for column in taken]
            p99s = [column[int(0.99 * (len(column) - 1))] for column in taken]
            name = f"{path} {pause * 1000:.0f} ms"
            print(f"{name:16}" + "".join(f"{median:14.2f}{p99:8.2f}" for median, p99 in zip(medians, p99s)))
            ours, stock = (median / medians[0] for median in medians[1:])
            print(f"{'':16}streamed / buffered {ours:.2f} (bound {bound}), stock / buffered {stock:.2f}", flush=True)
            within_bound &= ours <= bound
    finally:
        for function in functions:
            function.process.terminate()
    sys.exit(0 if within_bound else 1)


if __name__ == "__main__":
    main()
