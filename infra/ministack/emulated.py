"""The stack on the emulator, and what is said of it."""

import json
import os
import subprocess
import sys

import boto3

STACK = "chatkit-ministack"
# The keys of whoever deploys and operates, who has the rights of infra/deployer-policy.json.
DEPLOYER = {}
ENDPOINT = os.environ["AWS_ENDPOINT_URL"]


def say(text):
    print(f"ok: {text}", flush=True)


def check(condition, text):
    if not condition:
        raise SystemExit(f"FAILED: {text}")


def resource(name):
    """What a resource of the template is called here."""
    found = boto3.client("cloudformation").describe_stack_resource(StackName=STACK, LogicalResourceId=name)
    return found["StackResourceDetail"]["PhysicalResourceId"]


def stack_outputs():
    stack = boto3.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def make_deployer():
    """A user with the policies of infra/, whom sam and the programs of `infra/operate/` are from here on."""
    iam = boto3.client("iam")
    iam.create_user(UserName="deployer")
    for name in ("deployer-policy", "deployer-policy-options"):
        with open(f"infra/{name}.json", encoding="utf-8") as file:
            policy = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(json.load(file)))["Policy"]
        iam.attach_user_policy(UserName="deployer", PolicyArn=policy["Arn"])
    key = iam.create_access_key(UserName="deployer")["AccessKey"]
    DEPLOYER.update(AWS_ACCESS_KEY_ID=key["AccessKeyId"], AWS_SECRET_ACCESS_KEY=key["SecretAccessKey"])


def run(command, **options):
    return subprocess.run(command, env=os.environ | DEPLOYER, text=True, capture_output=True, check=False, **options)


def operate(program, *action, answers=""):
    """Runs a program of `infra/operate/` as `just` does, with these lines as what is typed."""
    return run([sys.executable, f"infra/operate/{program}.py", *action, "ministack"], input=answers)


def set_key(key):
    result = operate("set_key", answers=f"{key}\n")
    check(result.returncode == 0, f"set-key: {result.stderr}")


def api_address():
    return f"{ENDPOINT}/restapis/{resource('Api')}/prod/_user_request_"
