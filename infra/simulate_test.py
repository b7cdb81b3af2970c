"""`python -m unittest discover --start-directory infra --pattern '*_test.py'`"""

import unittest

from simulate import SETTLED, needs, simulate
from workload import Habits, turn


def mean(values):
    return sum(values) / len(values)


class Simulation(unittest.TestCase):
    def test_the_same_seed_gives_the_same_load(self):
        self.assertEqual(simulate(50, seed=7), simulate(50, seed=7))
        self.assertNotEqual(simulate(50, seed=7), simulate(50, seed=8))

    def test_people_turn_at_the_rate_of_their_habits(self):
        habits = Habits(turn_seconds=10, think_seconds=40)
        load = simulate(5_000, habits)
        # Each asks once in a turn and a pause.
        self.assertAlmostEqual(mean(load.steady(load.turns)), 5_000 / 50, delta=2)

    def test_functions_at_one_time_follow_littles_law(self):
        habits = Habits(turn_seconds=10, think_seconds=40)
        load = simulate(5_000, habits)
        rate = mean(load.steady(load.turns))
        # A turn is in flight for as long as it takes; the other requests take milliseconds.
        self.assertAlmostEqual(mean(load.steady(load.running)) / (rate * 10), 1, delta=0.05)

    def test_no_people_ask_nothing(self):
        load = simulate(0)
        self.assertEqual((sum(load.requests), load.most_running, load.new_environments_in_10_s), (0, 0, 0))
        self.assertTrue(all(value <= quota for _, value, quota, _ in needs(load)))

    def test_each_turn_writes_what_the_tests_of_the_code_assert(self):
        load = simulate(200)
        opened = 200
        turns = sum(load.turns)
        self.assertEqual(sum(load.writes["usage"]), 2 * turns)
        # A first turn names its thread.
        firsts = sum(load.writes["threads"]) - turn(8, 350).writes["threads"] * turns
        self.assertLessEqual(firsts, opened)
        self.assertGreater(firsts, opened * 0.95)

    def test_a_few_people_need_no_quota_raised_and_very_many_do(self):
        self.assertTrue(all(value <= quota for _, value, quota, _ in needs(simulate(1_000))))
        short = {name for name, value, quota, _ in needs(simulate(100_000, seconds=SETTLED)) if value > quota}
        self.assertIn("functions at one time", short)
        self.assertIn("writes to one partition: usage records", short)


if __name__ == "__main__":
    unittest.main()
