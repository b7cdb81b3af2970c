"""`python -m unittest discover --start-directory infra --pattern '*_test.py'`"""

import argparse
import contextlib
import io
import math
import re
import unittest
from pathlib import Path

import simulate
from cost import DEFAULT_MODEL, MODEL_TABLE, MODELS, TABLE, default, idle, of_model, of_requests, positive, price, report
from workload import BETWEEN_LOOKS, FIRST_SIGN, FRAME_INTERVAL, HISTORY, LIST, REFRESH, START, Habits, socket_turn, turn

ROOT = Path(__file__).resolve().parent.parent
MEMORY = {"chat": default("ChatMemory"), "others": default("SessionMemory")}


class Prices(unittest.TestCase):
    def test_tiers_are_paid_one_after_the_other(self):
        self.assertAlmostEqual(price("api_request", 333e6), 333 * 3.5)
        self.assertAlmostEqual(price("api_request", 1e9), 333 * 3.5 + 667 * 2.8)
        self.assertAlmostEqual(price("api_request", 21e9), 333 * 3.5 + 667 * 2.8 + 19_000 * 2.38 + 1_000 * 1.51)

    def test_a_million_further_turns_by_hand(self):
        parts = of_requests([(turn(8.0, 350), 1_000_000)], MEMORY)
        self.assertAlmostEqual(parts["API Gateway"], 3.5)
        self.assertAlmostEqual(parts["Lambda"], 0.2 + 1e6 * MEMORY["chat"] / 1024 * 8 * 0.0000133334)
        self.assertAlmostEqual(parts["DynamoDB"], 11 * 0.625 + 3 * 0.125)
        dollars = sum(parts.values())
        self.assertLessEqual(dollars, 35)
        for page in ("README.md", "docs/src/deploying.md"):
            self.assertIn(f"about {dollars:.0f} USD", (ROOT / page).read_text())

    def test_a_million_turns_over_the_web_socket_by_hand(self):
        (message, one), (ordered, other) = socket_turn(Habits(turn_seconds=8, output_tokens=10, think_seconds=30))
        self.assertEqual((one, other, message.messages, ordered.messages), (1, 1, 1, 11))
        parts = of_requests([(message, 1e6), (ordered, 1e6)], MEMORY)
        self.assertAlmostEqual(parts["API Gateway"], 12 + 0.25 * 38 / 60)
        self.assertAlmostEqual(parts["Lambda"], 0.4 + 1e6 * MEMORY["chat"] / 1024 * 8.015 * 0.0000133334)
        # The message is counted, and the order is claimed.
        over_http = turn(8, 10)
        self.assertEqual(message.write_units + ordered.write_units, over_http.write_units + 2)

    def test_the_model_by_hand(self):
        one = turn(8.0, 350)
        self.assertAlmostEqual(of_model([(one, 1e6)], DEFAULT_MODEL), one.input_tokens * 0.1 + 350 * 0.5)

    def test_the_default_model_is_that_of_the_code(self):
        (model,) = re.findall(r'DEFAULT_MODEL: &str = "([^"]+)"', (ROOT / "shared/src/assistant/mod.rs").read_text())
        self.assertEqual(DEFAULT_MODEL, model)

    def test_a_turn_takes_time(self):
        self.assertEqual(positive("0.5"), 0.5)
        for text in ["0", "-1", "nan", "inf"]:
            self.assertRaises(argparse.ArgumentTypeError, positive, text)

    def test_a_stream_counts_once_for_each_ten_megabytes(self):
        small, large = turn(8.0, 350), turn(8.0, 100_000)
        self.assertGreater(large.bytes_out, 20e6)
        self.assertAlmostEqual(of_requests([(small, 1e6)], MEMORY)["API Gateway"], 3.5)
        self.assertAlmostEqual(of_requests([(large, 1e6)], MEMORY)["API Gateway"], 10.5)

    def test_every_price_has_its_source_and_the_table_its_date(self):
        self.assertRegex(TABLE["date"], r"^\d{4}-\d{2}-\d{2}$")
        for name, entry in TABLE["prices"].items():
            self.assertTrue(entry["source"], name)
            self.assertEqual("price" in entry, "tiers" not in entry, name)
        self.assertRegex(MODEL_TABLE["date"], r"^\d{4}-\d{2}-\d{2}$")
        for name, entry in MODELS.items():
            self.assertGreaterEqual(entry.keys(), {"input", "output", "source"}, name)
        for name, entry in MODEL_TABLE["calls"].items():
            self.assertEqual(entry.keys(), {"usd", "source"}, name)

    def test_an_idle_month_costs_at_most_2_20_usd(self):
        self.assertLess(sum(idle("dev").values()), 1)
        self.assertLessEqual(sum(idle("prod").values()), 2.2001)


class Page(unittest.TestCase):
    def test_the_page_shows_what_the_program_prints(self):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            report(Habits(), MEMORY, "arm64", [10, 1_000, 100_000])
        page = (ROOT / "docs/src/aws-cost.md").read_text()
        (shown,) = re.findall(r"^```\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
        for line, computed in zip(shown.splitlines(), printed.getvalue().splitlines(), strict=True):
            self.assertEqual(line.rstrip(), computed.rstrip())


class Units(unittest.TestCase):
    """The units are the documented ones, which the tests of the code assert."""

    def setUp(self):
        self.page = (ROOT / "docs/src/limits-and-cost.md").read_text()
        rows = re.findall(r"^\| ([^|]+) \| (\d+)[^|]*\| ([^|]+) \|$", self.page, re.MULTILINE)
        self.table = {title: (int(writes), reads) for title, writes, reads in rows}

    def writes(self, title):
        return self.table[title][0]

    def test_units_match_the_documentation(self):
        self.assertEqual(START.write_units, self.writes("`start`"))
        self.assertEqual(REFRESH.write_units, self.writes("`refresh`"))
        self.assertEqual(f"{REFRESH.reads:g}", self.table["`refresh`"][1].split()[0])
        self.assertEqual(LIST.write_units, self.writes("`threads.list`"))
        further = "a turn, `threads.add_user_message`"
        short = turn(2, 100)
        self.assertEqual(short.write_units, self.writes(further))
        self.assertEqual(self.table[further][1], "1.5, and 0.5 for each 4 KB of the history, whatever the thread's length")
        self.assertEqual(short.reads, 1.5 + 0.5 * math.ceil(HISTORY / 4096))
        first = turn(2, 100, first=True)
        self.assertEqual((first.write_units, f"{first.reads:g}"), self.table["the first turn, `threads.create`"])

    def test_a_longer_turn_is_as_the_documentation_says(self):
        (seconds, tokens, units) = re.search(r"a turn of (\d+) s and (\d+) tokens writes (\d+) units", self.page).groups()
        usual = turn(int(seconds), int(tokens))
        self.assertEqual(usual.write_units, int(units))
        # One look at the record: at 4.5 s.
        self.assertEqual(usual.reads - turn(2, 100).reads, 0.5)

    def test_signs_of_life_are_those_of_the_code(self):
        code = (ROOT / "shared/src/engine/turn/life.rs").read_text()
        (first,) = re.findall(r"const FIRST_BEAT_AFTER: Duration = Duration::from_secs\((\d+)\);", code)
        (between,) = re.findall(r"const LOOK_INTERVAL: Duration = Duration::from_millis\(([\d_]+)\);", code)
        self.assertEqual((FIRST_SIGN, BETWEEN_LOOKS), (int(first), int(between) / 1000))

    def test_frames_are_those_of_the_code(self):
        code = (ROOT / "functions/socket/src/answer.rs").read_text()
        (interval,) = re.findall(r"const FRAME_INTERVAL: Duration = Duration::from_millis\((\d+)\);", code)
        self.assertEqual(FRAME_INTERVAL, int(interval) / 1000)

    def test_shards_are_those_of_the_code(self):
        (shards,) = re.findall(r"const SHARDS: usize = (\d+);", (ROOT / "shared/src/store/usage.rs").read_text())
        self.assertEqual(simulate.SUM_SHARDS, int(shards))

    def test_a_visit_has_one_first_turn(self):
        turns = [number for each, number in Habits(turns=5).visit() if each.bytes_out > 50_000]
        self.assertEqual(turns, [1, 4])


if __name__ == "__main__":
    unittest.main()
