"""Makes of `template.yaml` and built programs what `sam build` makes: a folder with a template that leads to them.

`python assemble.py BOOTSTRAPS OUT`: BOOTSTRAPS has `<function>/bootstrap`, as `cargo lambda build` leaves them. For one
that is not built, `any/bootstrap` is taken, which is none of ours.
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
            program = bootstraps / function / "bootstrap"
            if not program.exists():
                print(f"{program} is not built; something else stands in for it")
                program = Path(__file__).parent / "any" / "bootstrap"
            (out / name).mkdir()
            shutil.copy2(program, out / name / "bootstrap")
            properties["CodeUri"] = name
        elif resource["Type"] == "AWS::Serverless::LayerVersion":
            properties["ContentUri"] = str(ROOT / properties["ContentUri"])
    (out / "template.yaml").write_text(yaml_dump(template))


if __name__ == "__main__":
    assemble(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
