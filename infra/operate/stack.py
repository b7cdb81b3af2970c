"""A deployed stack, by the name of its environment in samconfig.toml. Needs boto3, which aws-sam-cli brings."""

import sys
import tomllib
from contextlib import contextmanager
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

ROOT = Path(__file__).resolve().parent.parent.parent


class Stack:
    def __init__(self, environment):
        config = tomllib.loads((ROOT / "samconfig.toml").read_text())
        if environment not in config or environment == "version":
            names = ", ".join(name for name in config if name not in ("version", "default"))
            raise SystemExit(f"samconfig.toml has no environment `{environment}`; there are: {names}")
        parameters = config[environment]["global"]["parameters"]
        self.environment, self.name = environment, parameters["stack_name"]
        self.session = boto3.Session(region_name=parameters.get("region"), profile_name=parameters.get("profile"))

    def needs_account(self):
        """Ends the program if there are no credentials or no region."""
        try:
            has_credentials = self.session.get_credentials() is not None
        except BotoCoreError as error:
            raise SystemExit(f"the AWS credentials cannot be read: {error}") from None
        if not has_credentials:
            raise SystemExit("there are no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
        if not self.session.region_name:
            raise SystemExit("no AWS region is chosen: set AWS_DEFAULT_REGION, or `region` in the profile")

    def client(self, service):
        return self.session.client(service)

    def find(self):
        """CloudFormation's description of the stack; None if there is no stack."""
        try:
            return self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" not in str(error):
                raise

    def describe(self):
        if described := self.find():
            return described
        region = self.session.region_name
        raise SystemExit(f"there is no stack `{self.name}` in {region}: `just deploy {self.environment}` creates it")

    def outputs(self):
        described = self.describe()
        if outputs := described.get("Outputs"):
            return {each["OutputKey"]: each["OutputValue"] for each in outputs}
        raise SystemExit(
            f"the stack `{self.name}` is {described['StackStatus']} and cannot be used: "
            f"`just destroy {self.environment}` deletes what is left of it"
        )

    def parameters(self):
        """The deployed values, secrets as asterisks; none if it was never deployed."""
        described = self.find()
        # A deployment that was shown and not confirmed is listed as a stack, too.
        if not described or described["StackStatus"] == "REVIEW_IN_PROGRESS":
            return {}
        return {each["ParameterKey"]: each["ParameterValue"] for each in described.get("Parameters", [])}


def main(action):
    """Runs `action` with the stack of the environment that the command line names."""
    if len(sys.argv) != 2:
        raise SystemExit(f"usage: {sys.argv[0]} ENVIRONMENT")
    with briefly():
        stack = Stack(sys.argv[1])
        stack.needs_account()
        action(stack)


DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}


def what_to_do(error):
    code = getattr(error, "response", {}).get("Error", {}).get("Code")
    return ". Attach infra/deployer-policy.json (docs/src/deploying.md, Rights)" if code in DENIED else ""


@contextmanager
def briefly():
    """Prints an error of AWS as one line, and an interruption not at all."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise SystemExit(f"{error}{what_to_do(error)}") from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
