"""The deployed functions in use: before there is a key and with it, after rotations, without a table, without a right.

Whatever is missing, a request is answered `unavailable`, the log says what to do about it, and once it is mended the same
environments keep running: nothing is deployed here.
"""

import base64
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import boto3
from emulated import ENDPOINT, api_address, check, operate, resource, say, set_key
from model import Model

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "deployed"))
from client import Api, Failed  # noqa: E402
from steps import message  # noqa: E402

# The most seconds until a repair takes effect.
RECOVERY = 61
# The key at the end.
LAST_KEY = "sk-second"


def use(log):
    """`log`: the emulator's, which names every call that a role's policies deny."""
    model, api = Model(), Api(api_address())
    reach(model)
    token = start(api)
    without_a_key(api, token)
    keys(api, token, model)
    signing_key(api, token)
    without_a_table(api, token)
    check(not (denied := denials(log)), f"the roles lack: {denied}")
    say("the roles allow all that was done so far")
    without_a_right(api, token, log)
    brake(api, token)
    before = len(denials(log))
    socket = f"{ENDPOINT.replace('http', 'ws')}/_aws/execute-api/{resource('SocketApi')}/prod"
    subprocess.run([sys.executable, "tests/deployed/main.py", api.url, "--socket", socket, "--buffered"], check=True)
    attacked(api)
    check(len(denials(log)) == before, f"the roles lack: {denials(log)[before:]}")
    say("the roles allow all of the conversation, and of the attacks")


def attacked(api):
    """The functions behind API Gateway withstand what the local server withstands."""
    secret = "the secret of a site that is attacked"
    # The attacks are those of few people in little time.
    limits = {"LIMIT_ADDRESS_BURST": "0", "LIMIT_USER_TURNS_PER_MINUTE": "0", "LIMIT_USER_REQUESTS_PER_MINUTE": "0"}
    for function in ("StartFunction", "RefreshFunction", "ChatFunction", "AnalyticsFunction", "AuthFunction"):
        configure(function, AUTH_MODE="jwt,anonymous", JWT_SECRET=secret, **limits)
    environment = os.environ | {"PYTHONPATH": "tests", "JWT_SECRET": secret}
    subprocess.run([sys.executable, "-m", "attack", api.url], env=environment, check=True)


def reach(model):
    """Nothing here has TLS, and the template takes no address without it, nor does the bucket a request; the WebSocket API
    is not where AWS has it, either."""
    connections = f"{ENDPOINT}/_aws/execute-api/{resource('SocketApi')}/prod"
    configure("ChatFunction", OPENAI_BASE_URL=model.url)
    configure("SocketFunction", OPENAI_BASE_URL=model.url, SOCKET_URL=connections)
    boto3.client("s3").delete_bucket_policy(Bucket=resource("FilesBucket"))


def configure(function, **variables):
    """Changes variables of a function, whose environments then are new ones."""
    functions, name = boto3.client("lambda"), resource(function)
    before = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": before | variables})


def start(api):
    answer = api.request("POST", "/api/chatkit/start", {})
    check(answer.status == 200, f"start: {answer.status} {answer.body}")
    return answer.body["client_secret"]


def turn(api, token):
    """None if an answer came to its end, else what came in its place."""
    try:
        stream = api.stream(token, "threads.create", input=message("Hello"))
    except Failed as failure:
        return str(failure)
    done = [each["item"]["type"] for each in stream.of_type("thread.item.done")]
    return None if "assistant_message" in done and not stream.of_type("error") else str(stream.events[-1])


def listed(api, token):
    return api.chatkit(token, "threads.list").status


def recovers(attempt, what):
    """Waits until `attempt` gives none."""
    began = time.monotonic()
    while problem := attempt():
        check(time.monotonic() - began < RECOVERY, f"{what}: still {problem}")
        time.sleep(0.5)
    say(f"{what}: works after {time.monotonic() - began:.1f} s, without a deployment")


def without_a_key(api, token):
    problem = turn(api, token)
    check(problem and '503 b\'{"error":"unavailable"' in problem, f"a turn without a key: {problem}")
    check(told("Chat", "`OPENAI_SECRET_ARN`", "it is empty: put its value into Secrets Manager"), "the log does not say why")
    check(listed(api, token) == 200, "without a key nothing works at all")
    say("before set-key a turn is `unavailable`, the log says what to do, everything else works")


def keys(api, token, model):
    set_key("sk-first")
    model.key = "sk-first"
    recovers(lambda: turn(api, token), "set-key")
    set_key(LAST_KEY)
    model.key = LAST_KEY
    check((problem := turn(api, token)) is None, f"the first turn after another set-key: {problem}")
    say("a key that OpenAI refuses is read again: the first turn after another set-key is answered")


def signing_key(api, old):
    manager, secret = boto3.client("secretsmanager"), resource("SessionSigningSecret")
    # Another environment, with the key of before: one reads again what is rejected once a minute at most.
    configure("ChatFunction")
    check(listed(api, old) == 200, "a session is good for one environment only")
    before = manager.get_secret_value(SecretId=secret)["SecretString"]
    check(manager.describe_secret(SecretId=secret)["RotationEnabled"], "the signing key is not rotated")
    manager.rotate_secret(SecretId=secret)
    recovers(lambda: manager.get_secret_value(SecretId=secret)["SecretString"] == before, "the rotation of the signing key")
    previous = manager.get_secret_value(SecretId=secret, VersionStage="AWSPREVIOUS")["SecretString"]
    check(previous == before, "the signing key that was is gone")
    # An environment of `start` that existed before keeps its key for at most five minutes.
    configure("StartFunction")
    new = start(api)
    check(key_of(new) != key_of(old), "a session of after the rotation has the old key")
    for token, what in ((old, "before"), (new, "after"), (old, "before")):
        check((status := listed(api, token)) == 200, f"a session of {what} the rotation: {status}")
    say("sessions of before and after the rotation are both good, in an environment that was there before it")


def key_of(token):
    head = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]


def without_a_table(api, token):
    dynamodb, table = boto3.client("dynamodb"), resource("CountersTable")
    described = dynamodb.describe_table(TableName=table)["Table"]
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=table)
    for answer in (api.request("POST", "/api/chatkit/start", {}), api.chatkit(token, "threads.list")):
        found = (answer.status, answer.body.get("error"))
        check(found == (503, "unavailable"), f"without a table: {answer.status} {answer.body}")
    check(told("Start", "create the tables that `TABLE_THREADS`, `TABLE_COUNTERS` and `TABLE_USAGE` name"), f"the log does not say why: {lines('Start')[-1]}")
    shape = {name: described[name] for name in ("AttributeDefinitions", "KeySchema")}
    dynamodb.create_table(TableName=table, BillingMode="PAY_PER_REQUEST", DeletionProtectionEnabled=True, **shape)
    recovers(lambda: None if listed(api, token) == 200 else "not listed", "a table that was gone")


def without_a_right(api, token, log):
    """The role of `chat` loses its statement on the table of counters."""
    iam, role = boto3.client("iam"), resource("ChatRole")
    policy = iam.get_role_policy(RoleName=role, PolicyName="chat")["PolicyDocument"]
    counters = f"table/{resource('CountersTable')}"
    kept = [each for each in policy["Statement"] if counters not in json.dumps(each["Resource"])]
    check(len(kept) == len(policy["Statement"]) - 1, "the role has not one statement on the table")
    put = {"RoleName": role, "PolicyName": "chat"}
    iam.put_role_policy(**put, PolicyDocument=json.dumps(policy | {"Statement": kept}))
    answer = api.chatkit(token, "threads.list")
    check((answer.status, answer.body.get("error")) == (503, "unavailable"), f"without a right: {answer.status} {answer.body}")
    check(told("Chat", "allow the function's role what `template.yaml` does"), f"the log does not say why: {lines('Chat')[-1]}")
    check(any("dynamodb:UpdateItem" in each for each in denials(log)), "the emulator did not deny it")
    iam.put_role_policy(**put, PolicyDocument=json.dumps(policy))
    recovers(lambda: None if listed(api, token) == 200 else "not listed", "a right that was taken")


def brake(api, token):
    stopped = operate("brake", "stop")
    check(stopped.returncode == 0, f"stop: {stopped.stderr}")
    check(turn(api, token) is not None, "a stack that is stopped answers a turn")
    check(start(api), "a stack that is stopped starts no sessions")
    started = operate("brake", "start")
    check(started.returncode == 0, f"start: {started.stderr}")
    recovers(lambda: turn(api, token), "start after stop")


def told(function, *words):
    """Whether a line of the function's has all of these words."""
    return any(all(word in line for word in words) for line in lines(function))


def lines(function):
    group = resource(f"{function}Logs")
    pages = boto3.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    return [event["message"] for page in pages for event in page["events"] if event["message"].startswith("{")]


def denials(log):
    return [line for line in Path(log).read_text().splitlines() if line.startswith("denied: ")]
