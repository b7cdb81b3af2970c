"""Builds the functions and deploys them: `just deploy ENV [Name=value...]`.

A value on the command line takes precedence over `infra/parameters/ENV.yaml`, and that over the template's defaults. Values
that the template would refuse, unknown names and missing credentials are refused before anything is built; sam would ignore a
name that it does not know.
"""

import json
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from cfnlint.decode.cfn_yaml import load
from samcli.yamlhelper import yaml_parse
from stack import ROOT, Stack, briefly

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from template_checks.parameters import accepts, broken_rules  # noqa: E402

# Stands for a deployed `JwtSecret`, whose value is not known here.
SOME_SECRET = "*" * 32


def deploy(environment, given):
    stack = Stack(environment)
    path = f"infra/parameters/{environment}.yaml"
    values = parameters(path, given)
    template = load(str(ROOT / "template.yaml"))
    refuse(unfit(template["Parameters"], values), path)
    stack.needs_account()
    # A new word for each deployment; with provisioned concurrency it makes the version that is kept ready.
    values["Release"] = f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
    refuse(broken(template, values, stack.parameters()), path)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        # JSON is YAML, and sam only reads files that end in `.yaml`.
        json.dump(with_defaults(template["Parameters"], values), file)
        file.flush()
        run(environment, f"file://{file.name}", values.get("Architecture", "arm64"))


def run(environment, overrides, architecture):
    # sam prints nothing during the minutes of its build. So the same build runs first, and sam finds everything built.
    cargo = ["cargo", "lambda", "build", "--release", *(["--arm64"] if architecture == "arm64" else [])]
    options = ["--config-env", environment, "--parameter-overrides", overrides]
    for command in (cargo, ["sam", "build", "--build-in-source", *options], ["sam", "deploy", *options]):
        if status := subprocess.run(command, cwd=ROOT, check=False).returncode:
            raise SystemExit(status)


def with_defaults(known, values):
    """The values, and the default of every other parameter. Without the defaults, CloudFormation would keep the value of the
    previous deployment, and removing a line from the file would change nothing. A secret keeps its value."""
    defaults = {name: text(each["Default"]) for name, each in known.items() if "NoEcho" not in each}
    return defaults | values


def parameters(path, given):
    """The values by name, as text."""
    if not (ROOT / path).is_file():
        raise SystemExit(f"there is no {path} for this environment")
    found = {name: text(value) for name, value in yaml_parse((ROOT / path).read_text()).items()}
    for each in given:
        name, equals, value = each.partition("=")
        if not (name and equals):
            raise SystemExit(f"`{each}` is not a parameter: write Name=value")
        found[name] = value
    return found


def text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def refuse(problems, path):
    if problems:
        raise SystemExit("\n".join([*sorted(problems), f"(from {path} and the command line; template.yaml explains every parameter)"]))


def unfit(known, values):
    """Problems of names and of single values, one line each."""
    problems = [f"the template has no parameter `{name}`" for name in values.keys() - known.keys()]
    for name in values.keys() & known.keys():
        if not accepts(known[name], values[name]):
            value = "this value" if "NoEcho" in known[name] else f"`{values[name]}`"
            problems.append(f"`{name}` cannot be {value}: {known[name]['Description']} ({taken(known[name])})")
    return problems


def broken(written, values, deployed):
    """Problems of the values together, one line each. What cannot be known here, CloudFormation refuses later."""
    problems = [
        [each for rule in broken_rules(written, {"JwtSecret": secret} | values).values() for each in rule]
        for secret in secrets(written, deployed)
    ]
    return min(problems, key=len)


def secrets(written, deployed):
    """The possible values of the deployed `JwtSecret`, which keeps its value unless another is given. CloudFormation shows
    asterisks, whether it is empty or not. But the deployed values together broke no rule, which may exclude one case."""
    if not deployed:
        return [""]
    possible = ["", SOME_SECRET]
    return [each for each in possible if not broken_rules(written, deployed | {"JwtSecret": each})] or possible


def taken(parameter):
    """The values that a parameter accepts, in a few words."""
    match parameter:
        case {"AllowedValues": values}:
            return "one of " + ", ".join(f"`{each}`" for each in values)
        case {"MinValue": least, "MaxValue": most}:
            return f"a whole number from {least} to {most}"
        case {"AllowedPattern": pattern}:
            return f"must match {pattern}"
    return f"at most {parameter['MaxLength']} characters"


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit("usage: just deploy ENVIRONMENT [Name=value...]")
    with briefly():
        deploy(sys.argv[1], sys.argv[2:])
