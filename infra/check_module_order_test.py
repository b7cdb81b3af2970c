"""The check of the module order, on a small tree of files."""

import tempfile
import unittest
from pathlib import Path

import check_module_order

ORDER = ["ground", "middle", "top"]


class Order(unittest.TestCase):
    def faults(self, **files):
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder)
            for name, text in files.items():
                file = source / (name.replace("__", "/") + ".rs")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            return [fault.removeprefix(f"{folder}/") for fault in check_module_order.faults(source, ORDER)]

    def test_imports_of_modules_below_are_fine(self):
        found = self.faults(
            ground="use std::fmt;",
            middle__mod="use crate::ground::{A, b::C}; mod part;",
            middle__part="use super::X; use super::super::ground::A; mod tests { use super::*; use super::super::Y; }",
            top="use crate::{ground, middle::{self, part}}; use crate::top::own;",
        )
        self.assertEqual(found, [])

    def test_each_form_of_an_import_is_seen(self):
        up = "`ground` imports `top`, which stands above it"
        for text in [
            "use crate::top;",
            "use crate::top::{A, B};",
            "use crate::{ground::{a, b}, top::C};",
            "use crate::{\n    top,\n};",
            "pub(crate) use crate::top as other;",
            "fn f() { crate::top::f() }",
            "fn f(x: &'static crate::top::X) {}",
            "macro_rules! m { () => { $crate::top::f() } }",
            "use super::top;",
            "mod inner { use super::super::top; }",
        ]:
            line = 2 if "\n" in text else 1
            self.assertEqual(self.faults(lib="pub use crate::top::X;", ground=text, middle="", top=""), [f"ground.rs:{line}: {up}"], text)
        found = self.faults(ground__mod="mod a;", ground__a="\nuse super::super::{ground::b, top};", middle="", top="")
        self.assertEqual(found, [f"ground/a.rs:2: {up}"])

    def test_what_is_no_code_is_no_import(self):
        text = """// use crate::top;
            /// See [`crate::top`].
            /* crate::top::f() */
            const A: &str = "use crate::top;"; const B: &str = r#"crate::top::"f""#; const C: char = '"';
        """
        self.assertEqual(self.faults(lib="pub use crate::top::X;", ground=text, middle="", top=""), [])

    def test_a_module_that_the_order_lacks_is_named(self):
        found = self.faults(other="", ground="", middle="", top="")
        self.assertEqual(found, ["`other` is not in the order of modules"])

    def test_a_module_of_the_order_that_does_not_exist_is_named(self):
        found = self.faults(ground="", middle__mod="")
        self.assertEqual(found, ["`top` is in the order of modules and does not exist"])


if __name__ == "__main__":
    unittest.main()
