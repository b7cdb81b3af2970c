"""Builds the functions and deploys them: `just deploy ENV [Name=value...]`.

A value on the command line takes precedence over `infra/parameters/ENV.yaml`, and that over the template's defaults. Values
that the template would refuse, unknown names, missing credentials, and what the account would refuse later
(preflight.py) are refused before anything is built; sam would ignore a name that it does not know.
"""

import getpass
import json
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from cfnlint.decode.cfn_yaml import load
from samcli.yamlhelper import yaml_parse
from stack import ROOT, Stack, briefly

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import brake  # noqa: E402
import preflight  # noqa: E402
from template_checks.parameters import accepts, broken_rules  # noqa: E402

# Stands for a deployed `JwtSecret`, whose value is not known here.
SOME_SECRET = "*" * 32
# Amazon Linux 2023 has glibc 2.34.
NEWEST_GLIBC = 34
# `e_machine` of an ELF file, by architecture.
MACHINES = {"arm64": 0xB7, "x86_64": 0x3E}


def deploy(environment, given):
    stack = Stack(environment)
    path = f"infra/parameters/{environment}.yaml"
    values = parameters(path, given)
    template = load(str(ROOT / "template.yaml"))
    refuse(unfit(template["Parameters"], values), path)
    stack.needs_account()
    # A new word for each deployment; with provisioned concurrency it makes the version that is kept ready.
    values["Release"] = f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
    deployed = stack.parameters()
    refuse(broken(template, values, deployed), path)
    values.setdefault("ApiLogsRole", preflight.choose_logs_role(stack, deployed))
    is_stopped = bool(deployed) and brake.is_stopped(stack)
    plan = preflight.Plan(stack, template, with_defaults(template["Parameters"], values), deployed, is_stopped)
    refuse(preflight.problems(plan), path)
    for note in preflight.notes(plan):
        print(note, flush=True)
    # SAM reads only files that end in `.yaml`. JSON is YAML, but for the escapes of what is beyond U+FFFF.
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        json.dump(plan.values, file, ensure_ascii=False)
        file.flush()
        build(environment, f"file://{file.name}", plan.values)
        check_built(plan.values["Architecture"])
        try:
            run("sam", "deploy", "--config-env", environment, "--parameter-overrides", f"file://{file.name}")
        finally:
            # A deployment that fails may have set the concurrency, too.
            if plan.is_stopped:
                brake.hold(stack, brake.turn_functions(stack), provisioned=False)
                print(f"{stack.name} is still stopped, until: just start {environment}")


def build(environment, overrides, values):
    if document := values["AssistantDocument"]:
        # With a document that is not valid every start of a function would fail.
        path = f"infra/assistant/{document}"
        run("cargo", "run", "--quiet", "--package", "chatkit-local", "--", "--check-assistant", path)
    # sam prints nothing during the minutes of its build. So the same build runs first, and sam finds everything built.
    run("cargo", "lambda", "build", "--release", *(["--arm64"] if values["Architecture"] == "arm64" else []))
    run("sam", "build", "--build-in-source", "--config-env", environment, "--parameter-overrides", overrides)


def run(*command):
    if status := subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise SystemExit(status)


def check_built(architecture):
    """Lambda would find it out at the first start."""
    for program in sorted((ROOT / ".aws-sam/build").glob("*/bootstrap")):
        code = program.read_bytes()
        name = program.parent.name
        if int.from_bytes(code[18:20], "little") != MACHINES[architecture]:
            raise SystemExit(f"{name} was not built for {architecture}: delete .aws-sam and deploy again")
        newest = max((int(minor) for minor in re.findall(rb"GLIBC_2\.(\d+)", code)), default=0)
        if newest > NEWEST_GLIBC:
            raise SystemExit(
                f"{name} needs glibc 2.{newest}, and Lambda has 2.{NEWEST_GLIBC}: build with zig "
                "(pip install --requirement .ci/tools.txt)"
            )


def with_defaults(known, values):
    """The values, and the default of every other parameter. Without the defaults, CloudFormation would keep the value of the
    previous deployment, and removing a line from the file would change nothing. A secret keeps its value."""
    defaults = {name: text(each["Default"]) for name, each in known.items() if "NoEcho" not in each}
    return defaults | values


def parameters(path, given):
    """The values by name, as text."""
    if not (ROOT / path).is_file():
        raise SystemExit(f"there is no {path} for this environment")
    found = {name: text(value) for name, value in yaml_parse((ROOT / path).read_text(encoding="utf-8")).items()}
    for each in given:
        name, equals, value = each.partition("=")
        if not (name and equals):
            raise SystemExit(f"`{each}` is not a parameter: write Name=value")
        found[name] = typed_secret(value) if name == "JwtSecret" else value
    return found


def typed_secret(value):
    """A command line is in the shell's history, and others on the machine can read it."""
    if value == "-":
        return (getpass.getpass("JwtSecret: ") if sys.stdin.isatty() else sys.stdin.read()).strip()
    if value:
        raise SystemExit("others can read the command line: write JwtSecret=- to be asked for it, or use JwtSecretArn")
    return value


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
        elif values[name][:1] in ('"', "'") and values[name][-1:] == values[name][:1]:
            problems.append(f"`{name}` begins and ends with a quotation mark, and sam would take both away")
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
