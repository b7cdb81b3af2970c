"""Deploys the template to the emulator at `AWS_ENDPOINT_URL`, uses it, changes it, deletes it, and looks at each step.

`python exercise.py TEMPLATE LOG`: what `sam build` has made, and what the emulator prints; `run.sh` starts it. Prints what
holds, and stops at what does not.
"""

import base64
import json
import sys
import time
import urllib.error
import urllib.request

import boto3
import running
from emulated import ENDPOINT, STACK, api_address, check, make_deployer, operate, resource, run, say, stack_outputs

TEMPLATE, LOG = sys.argv[1:]

# Two stacks, so that every optional part is created once, alternatives included.
EVERYTHING = {
    "Architecture": "x86_64",
    "AuthMode": "anonymous",
    "AllowedOrigins": "https://www.example.com",
    "OpenAiBaseUrl": "https://127.0.0.1:9/v1",
    "SigningKeyRotationDays": "30",
    "AlarmEmail": "operator@example.com",
    "Firewall": "true",
    "DomainName": "chat.example.com",
    "CertificateArn": "arn:aws:acm:eu-central-1:000000000000:certificate/00000000-0000-0000-0000-000000000000",
    "Tracing": "true",
    "SocketReservedConcurrency": "20",
    "LimitTenantTokensPerDay": "5000000",
    "BudgetUsdPerMonth": "50",
}
OTHERWISE = {
    "LimitTenantTokensPerDay": "1000000",
    "Architecture": "x86_64",
    "AssistantDocument": "example.json",
    "AllowedOrigins": "https://www.example.com,https://shop.example.com",
    "WebSocket": "false",
    "UserPool": "true",
    "UserPoolSignUp": "true",
    "UserPoolPages": "https://www.example.com/chat,http://localhost:3000/",
    "KmsKeyArn": "arn:aws:kms:eu-central-1:000000000000:key/00000000-0000-0000-0000-000000000000",
    "ChatProvisionedConcurrency": "1",
    "ChatReservedConcurrency": "5",
    "Release": "first",
    "CloudFront": "true",
    "Firewall": "true",
    "ApiLogsRole": "exists",
    "LogAddress": "plain",
    "Protection": "false",
    "Alarms": "false",
    "SigningKeyRotationDays": "0",
}


def main():
    wait_for_emulator()
    refuses_nonsense()
    without_tls()
    make_deployer()
    knows_no_stack()
    deploy(EVERYTHING)
    made()
    outputs = as_made()
    refuses_what_is_no_key()
    gateway_answers("https://www.example.com")
    running.use(LOG)
    deploy(EVERYTHING | {"LimitMessageChars": "500", "LogRetentionDays": "7", "Alarms": "false"})
    changed(outputs)
    delete(outputs)
    deploy(OTHERWISE)
    # The functions of this one are not called: the emulator has no folder /opt for the assistant document.
    of_sockets = [name for name in made() if name.startswith("Socket")]
    check(not of_sockets, f"without the WebSocket API there are {of_sockets}")
    gateway_answers("*")
    assistant(stack_outputs())
    deploy(OTHERWISE | {"Release": "second"})
    say(f"chat is version {alias()['FunctionVersion']} of its alias")
    without_tls()
    delete_with_tables(stack_outputs())
    denied = [each for each in running.denials(LOG) if each.startswith("denied: deployer ")]
    check(not denied, f"whoever deploys lacks: {denied}")
    say("the policies in infra/ allow all that sam and the programs behind `just` have asked for")


def wait_for_emulator():
    for _ in range(300):
        try:
            return urllib.request.urlopen(f"{ENDPOINT}/_ministack/health", timeout=1).read()
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise SystemExit("the emulator does not start")


def sam_deploy(parameters):
    overrides = [f'{name}="{value}"' for name, value in parameters.items()]
    command = ["sam", "deploy", "--template-file", TEMPLATE, "--stack-name", STACK, "--capabilities", "CAPABILITY_IAM"]
    command += ["--config-env", "none", "--resolve-s3", "--no-confirm-changeset", "--on-failure", "DO_NOTHING"]
    return run([*command, "--parameter-overrides", *overrides])


def deploy(parameters):
    began = time.monotonic()
    result = sam_deploy(parameters)
    check(result.returncode == 0, f"sam deploy:\n{result.stdout[-4000:]}\n{result.stderr[-2000:]}")
    status = boto3.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"]
    check(status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), f"the stack is {status}")
    say(f"sam deploy: {status} in {time.monotonic() - began:.0f} s")


def refuses_nonsense():
    result = sam_deploy(EVERYTHING | {"AuthMode": "jwt"})
    text = result.stdout + result.stderr
    check(result.returncode != 0, "a stack with user tokens and no key for them was deployed")
    check("JwtSecret" in text, f"the refusal does not name the parameter:\n{text[-2000:]}")
    say("AuthMode jwt without a key is refused by the template's rule")


def without_tls():
    """No bucket takes anything without it, and nothing here has it."""
    storage = boto3.client("s3")
    for bucket in storage.list_buckets()["Buckets"]:
        storage.delete_bucket_policy(Bucket=bucket["Name"])


def knows_no_stack():
    for program in ("addresses", "destroy", "logs", "set_key"):
        result = operate(program)
        check((result.returncode, result.stdout) == (1, ""), f"{program} without a stack: {result.stdout}")
        check(f"there is no stack `{STACK}` in eu-central-1" in result.stderr, f"{program} without a stack: {result.stderr}")
    say("what `just` runs on a stack that is not there says so")


def made():
    """Every resource of the stack exists."""
    found = {}
    for page in boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=STACK):
        found |= {each["LogicalResourceId"]: each for each in page["StackResourceSummaries"]}
    bad = [name for name, each in found.items() if not each["ResourceStatus"].endswith("_COMPLETE")]
    check(not bad, f"not complete: {bad}")
    say(f"{len(found)} resources of {len({each['ResourceType'] for each in found.values()})} types are complete")
    return found


def as_made():
    """The things themselves are what the template says, not only noted as made."""
    outputs = stack_outputs()
    dynamodb = boto3.client("dynamodb")
    for table in outputs["TableNames"].split(","):
        description = dynamodb.describe_table(TableName=table)["Table"]
        check(description["DeletionProtectionEnabled"], f"{table} can be deleted")
        keys = [(each["AttributeName"], each["KeyType"]) for each in description["KeySchema"]]
        check(keys == [("pk", "HASH"), ("sk", "RANGE")], f"{table} has the keys {keys}")
        ttl = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        check((ttl.get("TimeToLiveStatus"), ttl.get("AttributeName")) == ("ENABLED", "expires_at"), f"{table}: {ttl}")
        backups = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        restorable = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
        check(restorable == "ENABLED", f"{table}: point-in-time recovery is {restorable}")
    say("three tables: keys, time to live, point-in-time recovery, deletion protection")
    storage, bucket = boto3.client("s3"), outputs["FilesBucketName"]
    check("SecureTransport" in storage.get_bucket_policy(Bucket=bucket)["Policy"], "the bucket takes requests without TLS")
    # The emulator keeps no other property of a bucket.
    say("the bucket is for TLS only")
    return outputs


def refuses_what_is_no_key():
    """Only a key can be put into the secret, which is created without a value."""
    manager, secret = boto3.client("secretsmanager"), resource("OpenAiSecret")
    for text in ("", "  ", "two words"):
        result = operate("set_key", answers=f"{text}\n")
        check((result.returncode, result.stdout) == (1, ""), f"set-key took `{text}`: {result.stdout}")
        check("nothing was changed" in result.stderr, f"set-key, of `{text}`: {result.stderr}")
    check(not manager.describe_secret(SecretId=secret).get("VersionIdsToStages"), "the OpenAI secret has a value")
    say("the OpenAI secret is made without a value, and set-key takes nothing that is no key")


def gateway_answers(origin):
    """The answers that API Gateway makes itself."""
    status, headers, body = get(f"{api_address()}/no/such/path")
    check((status, body.get("error")) == (404, "not_found"), f"an unknown path: {status} {body}")
    allowed = headers.get("access-control-allow-origin")
    check(allowed == origin, f"API Gateway's own answers are for the origin {allowed}")
    say(f"an unknown path: 404 in the documented shape, readable by pages of {origin}")


def get(url):
    request = urllib.request.Request(url, headers={"origin": "https://www.example.com"})
    try:
        response = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        response = error
    text = response.read()
    try:
        body = json.loads(text)
    except ValueError:
        body = {"text": text[:200]}
    return response.status, {name.lower(): value for name, value in response.headers.items()}, body


def changed(outputs):
    function = boto3.client("lambda").get_function_configuration(FunctionName=resource("ChatFunction"))
    check(function["Environment"]["Variables"]["LIMIT_MESSAGE_CHARS"] == "500", "a changed parameter did not reach the function")
    alarms = boto3.client("cloudwatch").describe_alarms()["MetricAlarms"]
    check(not alarms, f"{len(alarms)} alarms are left")
    value = boto3.client("secretsmanager").get_secret_value(SecretId=outputs["OpenAiSecretArn"])["SecretString"]
    check(value == running.LAST_KEY, "the deployment touched the key")
    say("the changed stack: the function has the new limit, the alarms are gone, the key is still there")


def assistant(outputs):
    function = boto3.client("lambda").get_function_configuration(FunctionName=resource("ChatFunction"))
    check(function["Environment"]["Variables"]["ASSISTANT"] == "/opt/example.json", "the function gets no document")
    check(len(function["Layers"]) == 1, f"the function has the layers {function['Layers']}")
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=outputs["ToolSigningSecretArn"])["SecretString"]
    check(len(base64.b64decode(secret, validate=True)) == 48, "the tools' secret is not base64 of 48 bytes")
    say("the assistant document is a layer of the function, and what calls are signed with is base64 of 48 bytes")


def alias():
    return boto3.client("lambda").get_alias(FunctionName=resource("ChatFunction"), Name="live")


def destroy(*answers):
    refused = operate("destroy", answers="another name\n")
    check(refused.returncode == 1 and "nothing was deleted" in refused.stderr, f"destroy, answered wrongly: {refused.stderr}")
    result = operate("destroy", answers="".join(f"{answer}\n" for answer in answers))
    check(result.returncode == 0, f"destroy:\n{result.stdout[-3000:]}\n{result.stderr[-3000:]}")
    stacks = [each["StackName"] for each in boto3.client("cloudformation").describe_stacks()["Stacks"]]
    check(STACK not in stacks, f"the stacks are {stacks}")


def delete_with_tables(outputs):
    destroy(STACK, "y")
    left = set(boto3.client("dynamodb").list_tables()["TableNames"]) & set(outputs["TableNames"].split(","))
    check(not left, f"the tables {left} are left")
    say("destroy of a stack without protection: the tables are gone, too")


def delete(outputs):
    boto3.client("s3").put_object(Bucket=outputs["FilesBucketName"], Key="uploads/forgotten", Body=b"x")
    destroy(STACK)
    tables = boto3.client("dynamodb").list_tables()["TableNames"]
    check(sorted(tables) == sorted(outputs["TableNames"].split(",")), f"the tables are {tables}")
    buckets = [each["Name"] for each in boto3.client("s3").list_buckets()["Buckets"]]
    check(outputs["FilesBucketName"] not in buckets, "the bucket is still there")
    left = boto3.client("lambda").list_functions()["Functions"]
    check(not left, f"{len(left)} functions are left")
    say("destroy: the bucket was emptied, the stack is gone, the three tables are still there")


if __name__ == "__main__":
    main()
