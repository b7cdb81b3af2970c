"""The functions' variables: those of the documentation, with its defaults, and no more bytes than Lambda takes. And that
each deployment restarts the functions."""

import re

from .roles import FUNCTIONS
from .template import ROOT, Resolver

PAGE = "docs/src/configuration.md"

# Documented variables that the template does not set, each with its reason.
NOT_SET = {
    "OPENAI_API_KEY": "everyone who may read the function's configuration could read the key",
    "SESSION_SIGNING_SECRET": "the same",
    "OIDC_CLIENT_SECRET": "the same",
    "LOG_LEVEL": "Lambda sets AWS_LAMBDA_LOG_LEVEL from the logging configuration",
    "OPENAI_BASE_URL_PLAIN_HTTP": "on AWS nothing is asked over plain HTTP: the parameter's pattern refuses it",
    "AWS_REGION": "set by Lambda",
    "AWS_ACCESS_KEY_ID": "set by Lambda",
    "AWS_SECRET_ACCESS_KEY": "set by Lambda",
    "AWS_SESSION_TOKEN": "set by Lambda",
    "AWS_ENDPOINT_URL": "for other places than AWS",
    "AWS_ENDPOINT_URL_DYNAMODB": "for other places than AWS",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER": "for other places than AWS",
    "AWS_ENDPOINT_URL_S3": "for other places than AWS",
    "FILES_ACCESS_KEY_ID": "for other places than AWS",
    "FILES_SECRET_ACCESS_KEY": "for other places than AWS",
    "SSL_CERT_FILE": "Lambda's own certificates are the right ones",
    "SESSION_COOKIE_SECRET": "everyone who may read the function's configuration could read the key",
    "SETTINGS_MAX_AGE_SECONDS": "a minute is what `just assistant` promises",
    "TOOL_SIGNING_SECRET": "everyone who may read the function's configuration could read the key",
}
# Set, and not documented: an operator never changes them.
INTERNAL = {"AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH", "SOCKET_URL"}
# Lambda's quota for all names and values of a function's variables together.
MAX_BYTES = 4096
# Of these one is set at most, by the template's rules.
ALTERNATIVES = {"JWT_SECRET", "JWT_SECRET_ARN", "JWKS_URL"}
# The bytes that a reference to a resource resolves to, by the end of the resource's name, with a stack's name of usual length.
# `just deploy` counts the real ones.
USUAL_REFERENCE_BYTES = {"Table": 45, "Bucket": 45, "Secret": 100, "Client": 26}


def errors(template):
    table = documented()
    used = set()
    for function in FUNCTIONS:
        properties = template.properties(f"{function}Function")
        # A change to a function ends its environments, with every secret that they remember.
        if "${Release}" not in str(properties.get("Description")):
            yield f"{function}: a deployment of the same code would not restart it"
        variables = properties["Environment"]["Variables"]
        used |= variables.keys()
        sizes = {name: max_bytes(template, value) for name, value in variables.items()}
        alternatives = sizes.keys() & ALTERNATIVES
        size = sum(len(name) + (0 if name in alternatives else sizes[name]) for name in sizes)
        size += max((sizes[name] for name in alternatives), default=0)
        if size > MAX_BYTES:
            yield f"{function}: the variables may have {size} bytes, of {MAX_BYTES}"
        for name, value in variables.items():
            match value:
                case {"Ref": parameter} if parameter in template.written["Parameters"]:
                    default = str(template.written["Parameters"][parameter]["Default"])
                    if default and table.get(name, default) != default:
                        yield f"{parameter}: its default is {default}, that of {name} is {table[name]}"
    for name in sorted(used - table.keys() - INTERNAL):
        yield f"{name}: is not documented in {PAGE}"
    for name in sorted(table.keys() - used - NOT_SET.keys()):
        yield f"{name}: is documented in {PAGE}, and no function gets it"
    folders = [ROOT / "shared/src", ROOT / "functions"]
    sources = "".join(path.read_text() for folder in folders for path in folder.rglob("*.rs"))
    for name in sorted(table.keys() & used):
        if f'"{name}"' not in sources:
            yield f"{name}: nothing reads it"


def documented():
    """The variables of the page's tables, each with its default as the table has it, without its explanation."""
    table = {}
    for names, default in re.findall(r"^\| (`[A-Z][^|]*) \| ([^|]*) \|", (ROOT / PAGE).read_text(), re.MULTILINE):
        names = re.findall(r"`([A-Z0-9_]+)`", names)
        # The defaults of several variables are in the order of their names.
        defaults = re.findall(r"`?([A-Za-z0-9:/._-]+)`?(?: \([^)]*\))?(?:, |;|$)", default)
        table |= {name: each for name, each in zip(names, defaults + [""] * len(names), strict=False)}
    return table


def bytes_of_variables(written, values):
    """How many bytes the variables of each function have with these parameters; names that AWS makes have their usual length."""
    resolver = Resolver(written, values)

    def size(value):
        match resolver.resolve(value):
            case {"Ref": name}:
                return next(size for end, size in USUAL_REFERENCE_BYTES.items() if name.endswith(end))
            case {"Fn::Sub": text}:
                return len(re.sub(r"\$\{([^}]+)\}", lambda name: resolver.parameters.get(name[1], "x" * 20), text).encode())
            case resolved:
                return len(str(resolved).encode())

    shared = written["Globals"]["Function"]["Environment"]["Variables"]
    sizes = {}
    for function in FUNCTIONS:
        resource = written["Resources"][f"{function}Function"]
        if "Condition" not in resource or resolver.resolve({"Condition": resource["Condition"]}):
            variables = shared | resource["Properties"]["Environment"]["Variables"]
            sizes[function] = sum(len(name) + size(value) for name, value in variables.items())
    return sizes


def max_bytes(template, value):
    """The most bytes that a value can have, in characters of one byte; `just deploy` counts the real ones."""
    match value:
        case str() | int() | bool():
            return len(str(value))
        case {"Ref": name} | {"Fn::Join": [_, {"Ref": name}]} if name in template.written["Parameters"]:
            return of_parameter(template.written["Parameters"][name])
        case {"Ref": name}:
            return next(size for end, size in USUAL_REFERENCE_BYTES.items() if name.endswith(end))
        case {"Fn::If": [_, one, other]}:
            return max(max_bytes(template, one), max_bytes(template, other))
        case {"Fn::Sub": text}:
            return 100 + len(text)
    raise ValueError(f"a variable with an unexpected value: {value}")


def of_parameter(parameter):
    if "AllowedValues" in parameter:
        return max(len(str(each)) for each in parameter["AllowedValues"])
    if "MaxValue" in parameter:
        return len(str(parameter["MaxValue"]))
    if "MaxLength" in parameter:
        return int(parameter["MaxLength"])
    if parameter["Type"] == "CommaDelimitedList":
        # Six origins of a usual length; the pattern bounds each, nothing bounds their number.
        return 300
    # A name whose pattern bounds it, and its ending.
    (bound,) = re.findall(r"\{0,(\d+)\}", parameter["AllowedPattern"])
    return int(bound) + 10
