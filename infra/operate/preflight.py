"""What `just deploy` asks before it builds: whether this account takes the stack. Each check returns what is wrong and
what to do about it, or nothing."""

from dataclasses import dataclass

from botocore.exceptions import ClientError
from stack import ROOT, Stack
from template_checks.deployer import read
from template_checks.variables import MAX_BYTES, bytes_of_variables

# The largest function of an account that is new, and the quota of concurrent executions by which it is known.
NEW_ACCOUNT_MEMORY = 3008
NEW_ACCOUNT_CONCURRENCY = 10
# Lambda keeps so many executions for functions without a reservation, or all that a smaller account has.
UNRESERVED = 100
RAISE = "aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 --desired-value 1000"
# Regions in which Lambda is known to stream responses.
STREAMING_REGIONS = {
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1"),
    *("eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3"),
    *("ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
}
# By which parameter a deployment needs the statements of deployer-policy-options.json whose name begins so.
OPTIONS = {
    "Domain": "DomainName",
    "Firewall": "Firewall",
    "CloudFront": "CloudFront",
    "UserPool": "UserPool",
    "Key": "KmsKeyArn",
    "Budget": "BudgetUsdPerMonth",
}
OFF = ("", "0", "false")


@dataclass
class Plan:
    """What is to be deployed: every parameter with its value, and what is deployed now (nothing at first)."""

    stack: Stack
    template: dict
    values: dict
    deployed: dict
    # By `just stop`.
    is_stopped: bool

    def is_on(self, name):
        return self.values.get(name, "") not in OFF

    def number(self, name):
        return int(self.values.get(name, "0"))

    def account_limit(self):
        return self.stack.client("lambda").get_account_settings()["AccountLimit"]


def state(plan):
    """CloudFormation updates no stack whose creation, deletion or last way back has failed."""
    status = (plan.stack.find() or {}).get("StackStatus", "")
    if status == "UPDATE_ROLLBACK_FAILED":
        return (
            f"{plan.stack.name} is {status}: `aws cloudformation continue-update-rollback --stack-name {plan.stack.name}` "
            "first"
        )
    if status in ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"):
        return f"{plan.stack.name} is {status} and cannot be deployed again: `just destroy {plan.stack.environment}` first"
    if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        return f"{plan.stack.name} is {status}: wait until that has ended"


def assistant(plan):
    name = plan.values.get("AssistantDocument", "")
    if name and not (ROOT / "infra/assistant" / name).is_file():
        there_are = ", ".join(sorted(path.name for path in (ROOT / "infra/assistant").glob("*.json")))
        return f"AssistantDocument is `{name}`, and infra/assistant/ has no such file; there are: {there_are}"


def variables(plan):
    for function, size in bytes_of_variables(plan.template, plan.values).items():
        if size > MAX_BYTES:
            return (
                f"the variables of `{function.lower()}` have {size} bytes, and Lambda takes {MAX_BYTES}: "
                "shorten Instructions (or write an assistant document), AllowedOrigins or FilesTypes"
            )


def rights(plan):
    """Whether the caller may do what infra/deployer-policy.json allows. A caller who may not ask IAM is not stopped."""
    missing = set()
    try:
        caller = plan.stack.client("sts").get_caller_identity()
        principal = role_of(caller["Arn"])
        if principal.endswith(":root"):
            return None
        simulate = plan.stack.client("iam").get_paginator("simulate_principal_policy").paginate
        for statement in needed_statements(plan):
            # A pattern cannot be asked for.
            asked = {action for action in statement["Action"] if "*" not in action}
            pages = simulate(
                PolicySourceArn=principal,
                ActionNames=sorted(asked),
                ResourceArns=[concrete(each, plan, caller["Account"]) for each in statement["Resource"]],
                ContextEntries=[
                    {"ContextKeyName": key, "ContextKeyValues": values[:1], "ContextKeyType": "string"}
                    for key, values in statement.get("Condition", {}).get("StringEquals", {}).items()
                ],
            )
            missing |= asked - {action for page in pages for action in allowed(page["EvaluationResults"])}
    except ClientError:
        return None
    if missing:
        return (
            f"{principal} may not: {', '.join(sorted(missing))}. Attach infra/deployer-policy.json, and "
            "infra/deployer-policy-options.json for a domain, firewall, CloudFront, user pool, key or budget "
            "(docs/src/deploying.md)"
        )


def allowed(results):
    """The actions that are allowed on one of the resources: each statement has several types of them."""
    for each in results:
        decisions = [
            each["EvalDecision"],
            *(of["EvalResourceDecision"] for of in each.get("ResourceSpecificResults", [])),
        ]
        if "allowed" in decisions:
            yield each["EvalActionName"]


def needed_statements(plan):
    # Whoever may not ask for their rights is not asked for that right.
    yield from (each for each in read("deployer-policy.json")["Statement"] if each["Sid"] != "OnesOwnRights")
    for statement in read("deployer-policy-options.json")["Statement"]:
        option = max((name for name in OPTIONS if statement["Sid"].startswith(name)), key=len)
        if plan.is_on(OPTIONS[option]):
            yield statement


def role_of(arn):
    """The role of an assumed role, whose policies are asked; any other caller is itself."""
    match arn.split(":"):
        case [_, partition, "sts", _, account, resource] if resource.startswith("assumed-role/"):
            return f"arn:{partition}:iam::{account}:role/{resource.split('/')[1]}"
    return arn


def concrete(pattern, plan, account):
    """A resource of this stack, account and region that the pattern matches."""
    if pattern == "*":
        return pattern
    head, region, owner, resource = pattern.split(":", 5)[:3], *pattern.split(":", 5)[3:]
    region = plan.stack.session.region_name if region == "*" else region
    owner = account if owner == "*" else owner
    resource = resource.replace("chatkit-*", f"{plan.stack.name}-x").replace("*", "x")
    return ":".join([*head, region, owner, resource])


def concurrency(plan):
    """Reserved and provisioned executions come out of the account's."""
    reserved = {
        "ChatReservedConcurrency": max(
            plan.number("ChatReservedConcurrency"), plan.number("ChatProvisionedConcurrency")
        ),
        "SocketReservedConcurrency": plan.number("SocketReservedConcurrency") if plan.is_on("WebSocket") else 0,
    }
    wanted = sum(reserved.values())
    if not wanted:
        return None
    limit = plan.account_limit()
    held = 0 if plan.is_stopped else sum(int(plan.deployed.get(name, "0")) for name in reserved)
    free = limit["UnreservedConcurrentExecutions"] + held - min(UNRESERVED, limit["ConcurrentExecutions"])
    if wanted > free:
        return (
            f"ChatReservedConcurrency, SocketReservedConcurrency and ChatProvisionedConcurrency take {wanted} concurrent "
            f"executions, and this account, which has {limit['ConcurrentExecutions']}, can give {max(0, free)}: "
            f"lower them, or raise the quota first ({RAISE})"
        )


def memory(plan):
    name, most = max(((name, plan.number(name)) for name in ("ChatMemory", "SessionMemory")), key=lambda each: each[1])
    if most > NEW_ACCOUNT_MEMORY and plan.account_limit()["ConcurrentExecutions"] <= NEW_ACCOUNT_CONCURRENCY:
        return (
            f"{name} is {most}, and functions of a new account have at most {NEW_ACCOUNT_MEMORY} MB: "
            f"lower it, or ask AWS to raise the account's quotas first ({RAISE})"
        )


def stopped(plan):
    if plan.is_stopped and plan.is_on("ChatProvisionedConcurrency"):
        return (
            f"{plan.stack.name} is stopped, and a function that is stopped has no provisioned environments: "
            f"`just start {plan.stack.environment}` first, or deploy with ChatProvisionedConcurrency=0"
        )


def logs_role(plan):
    if plan.values["ApiLogsRole"] == "exists" and not account_logs_role(plan.stack):
        return "ApiLogsRole is `exists`, and API Gateway has no role for logs in this account and region: leave ApiLogsRole out"


def account_logs_role(stack):
    return stack.client("apigateway").get_account().get("cloudwatchRoleArn")


def choose_logs_role(stack, deployed):
    """`exists` where the account has a role, so that it is not replaced; a stack that has made it keeps it."""
    is_ours = deployed.get("ApiLogsRole") == "create"
    return "exists" if not is_ours and account_logs_role(stack) else "create"


CHECKS = [state, assistant, variables, rights, stopped, concurrency, memory, logs_role]


def problems(plan):
    return [problem for check in CHECKS if (problem := check(plan))]


def notes(plan):
    """What cannot be known, or is worth knowing before minutes of building."""
    region = plan.stack.session.region_name
    if region not in STREAMING_REGIONS:
        yield (
            f"Whether Lambda streams responses in {region} is not known here. Without it every turn fails: look up "
            '"Lambda response streaming" at https://builder.aws.com/build/capabilities first.'
        )
    most = plan.account_limit()["ConcurrentExecutions"]
    if most < UNRESERVED:
        yield (
            f"This account runs {most} functions at one time, so at most {most} turns; a turn over the WebSocket takes two for "
            f"a moment. To raise that: {RAISE}"
        )
