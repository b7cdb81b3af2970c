"""Makes of `template.yaml` and built programs what `sam build` makes: a folder with a template that leads to them.

`python assemble.py BOOTSTRAPS OUT`: BOOTSTRAPS has `<function>/bootstrap`, as `cargo lambda build` leaves them. Where a
function has none, `any/bootstrap` is taken, so that the template can be tried with a program that is none of ours.
"""

import shutil
import sys
from pathlib import Path

from samcli.yamlhelper import yaml_dump, yaml_parse

ROOT = Path(__file__).resolve().parent.parent.parent


def assemble(bootstraps, out):
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    template = yaml_parse((ROOT / "template.yaml").read_text())
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Serverless::Function":
            function = Path(properties["CodeUri"]).name
            program = next((each for kind in (function, "any") if (each := bootstraps / kind / "bootstrap").exists()), None)
            if program is None:
                raise SystemExit(f"{bootstraps} has no {function}/bootstrap: `just build` makes it")
            (out / name).mkdir()
            shutil.copy2(program, out / name / "bootstrap")
            properties["CodeUri"] = name
        elif resource["Type"] == "AWS::Serverless::LayerVersion":
            properties["ContentUri"] = str(ROOT / properties["ContentUri"])
    (out / "template.yaml").write_text(yaml_dump(template))


if __name__ == "__main__":
    assemble(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
