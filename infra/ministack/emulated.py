"""The stack on the emulator, and what is said of it."""

import os
import subprocess
import sys

import boto3

STACK = "chatkit-ministack"
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


def operate(program, *arguments, answers=""):
    """Runs a program of `infra/operate/` as `just` does, with these lines as what is typed."""
    command = [sys.executable, f"infra/operate/{program}.py", "ministack", *arguments]
    return subprocess.run(command, input=answers, text=True, capture_output=True, check=False)


def set_key(key):
    result = operate("set_key", answers=f"{key}\n")
    check(result.returncode == 0, f"set-key: {result.stderr}")


def api_address():
    return f"{ENDPOINT}/restapis/{resource('Api')}/prod/_user_request_"
