"""`template.yaml` as it is written, and as the SAM translator expands it."""

import os
from dataclasses import dataclass
from pathlib import Path

from cfnlint.decode.cfn_yaml import load
from samtranslator.translator.transform import transform

ROOT = Path(__file__).resolve().parent.parent.parent


class NoManagedPolicies:
    """Stands for the managed policies that the translator looks up; the template names none."""

    def load(self):
        return {}


@dataclass
class Template:
    written: dict
    expanded: dict

    @classmethod
    def read(cls):
        path = str(ROOT / "template.yaml")
        as_deployed = load(path)
        for resource in as_deployed["Resources"].values():
            properties = resource.get("Properties", {})
            # As `sam deploy` does.
            for name in properties.keys() & {"CodeUri", "ContentUri"}:
                properties[name] = "s3://bucket/code.zip"
        os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
        return cls(load(path), transform(as_deployed, {}, NoManagedPolicies()))

    @property
    def resources(self):
        return self.expanded["Resources"]

    def of_type(self, kind):
        """The resources of a type, by name."""
        return {name: each for name, each in self.resources.items() if each["Type"] == kind}

    def properties(self, name):
        return self.resources[name]["Properties"]

    def with_parameters(self, value, **parameters):
        """A value of the template with references to parameters and conditions resolved; defaults where none is given."""
        return Resolver(self.written, parameters).resolve(value)


ABSENT = object()


class Resolver:
    """The part of CloudFormation's functions that conditions and rules are made of; others stay as they stand."""

    def __init__(self, written, parameters):
        defaults = {name: each.get("Default") for name, each in written["Parameters"].items()}
        self.parameters = {name: str(value) for name, value in (defaults | parameters).items()}
        self.lists = {name for name, each in written["Parameters"].items() if each["Type"] == "CommaDelimitedList"}
        self.conditions = written["Conditions"]

    def resolve(self, value):
        if isinstance(value, list):
            return [each for each in map(self.resolve, value) if each is not ABSENT]
        if not isinstance(value, dict):
            return value
        match list(value.items()):
            case [("Ref", "AWS::NoValue")]:
                return ABSENT
            case [("Ref", name)] if name in self.parameters:
                return self.parameters[name].split(",") if name in self.lists else self.parameters[name]
            case [("Condition", str(name))]:
                return self.resolve(self.conditions[name])
            case [("Fn::If", [condition, yes, no])]:
                return self.resolve(yes if self.resolve(self.conditions[condition]) else no)
            case [("Fn::Equals", [one, other])]:
                return self.resolve(one) == self.resolve(other)
            case [("Fn::Not", [one])]:
                return not self.resolve(one)
            case [("Fn::And", several)]:
                return all(map(self.resolve, several))
            case [("Fn::Or", several)]:
                return any(map(self.resolve, several))
            case [("Fn::Join", [between, several])]:
                return between.join(map(str, self.resolve(several)))
            case [("Fn::Select", [index, several])]:
                return self.resolve(several)[int(index)]
            case _:
                resolved = {key: self.resolve(each) for key, each in value.items()}
                return {key: each for key, each in resolved.items() if each is not ABSENT}
