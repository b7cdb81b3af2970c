"""Checks what `sam validate --lint` does not: which methods stream, what each function may do, which values the parameters
refuse. Each module of `template_checks/` has the expectations of one part.

Runs the SAM translator on `template.yaml`, as CloudFormation does when it deploys, and looks at the result.
Needs the packages `aws-sam-translator`, `cfn-lint` and `jsonschema`, which `aws-sam-cli` brings: `python infra/check_template.py`.
"""

import logging
import sys

from template_checks import api_document, data, deployer, documents, errors_of_gateway, front, parameters, roles, rotation, routes, variables, watching
from template_checks.template import Template

PARTS = [routes, api_document, errors_of_gateway, roles, data, rotation, parameters, variables, deployer, documents, front, watching]

if __name__ == "__main__":
    logging.disable(logging.WARNING)
    template = Template.read()
    found = [f"{part.__name__.rpartition('.')[2]}: {error}" for part in PARTS for error in part.errors(template)]
    print("\n".join(found) or "template.yaml meets the expectations of infra/template_checks/")
    sys.exit(bool(found))
