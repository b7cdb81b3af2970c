"""Builds the functions and deploys them: `just deploy ENV [Name=value...]`.

What is given goes before what `infra/parameters/ENV.yaml` has. Values that the template would refuse, names that it does
not have and missing credentials are told before anything is built: sam passes over a name that it does not know.
"""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from cfnlint.decode.cfn_yaml import load
from samcli.yamlhelper import yaml_parse
from stack import ROOT, Stack

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from template_checks.parameters import accepts, broken_rules  # noqa: E402


def deploy(environment, given):
    stack = Stack(environment)
    path = f"infra/parameters/{environment}.yaml"
    values = parameters(path, given)
    if problems := refused(load(str(ROOT / "template.yaml")), values):
        raise SystemExit("\n".join([*problems, f"(from {path} and the command line; template.yaml explains every parameter)"]))
    stack.needs_account()
    # A word that no deployment had before: with provisioned concurrency it makes the version that is kept ready.
    release = f"Release={datetime.now(UTC):%Y%m%dT%H%M%S}"
    overrides = ["--config-env", environment, "--parameter-overrides", f"file://{path}", release, *given]
    # sam is silent while it builds, which takes minutes: built before, in the same way, it finds everything done.
    cargo = ["cargo", "lambda", "build", "--release", *(["--arm64"] if values.get("Architecture", "arm64") == "arm64" else [])]
    sam = [["sam", "build", "--build-in-source", *overrides], ["sam", "deploy", *overrides]]
    for command in (cargo, *sam):
        if status := subprocess.run(command, cwd=ROOT, check=False).returncode:
            raise SystemExit(status)


def parameters(path, given):
    """The values by name, as text."""
    if not (ROOT / path).is_file():
        raise SystemExit(f"there is no {path} with the parameters of this environment")
    found = {name: text(value) for name, value in yaml_parse((ROOT / path).read_text()).items()}
    for each in given:
        name, equals, value = each.partition("=")
        if not (name and equals):
            raise SystemExit(f"`{each}` is no parameter: write Name=value")
        found[name] = value
    return found


def text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def refused(written, values):
    """What is wrong with a set of values, each as a line."""
    known = written["Parameters"]
    problems = [f"the template has no parameter `{name}`" for name in values.keys() - known.keys()]
    for name in values.keys() & known.keys():
        if not accepts(known[name], values[name]):
            value = "what it is" if "NoEcho" in known[name] else f"`{values[name]}`"
            problems.append(f"`{name}` cannot be {value}: {known[name]['Description']} ({taken(known[name])})")
    if not problems:
        problems = [each for rule in broken_rules(written, values).values() for each in rule]
    return sorted(problems)


def taken(parameter):
    """What a parameter takes, in a few words."""
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
    deploy(sys.argv[1], sys.argv[2:])
