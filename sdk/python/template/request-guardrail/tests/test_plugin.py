import unittest

from plugin import {{type}}
from sluicegate_plugin import Request, RequestVerdict, Segment, testing


class {{type}}Test(unittest.TestCase):
    def test_it_refuses_what_is_too_long(self) -> None:
        guardrail = testing.made({{type}}, {"tokens_max": 10})
        self.assertEqual(guardrail.check(Request([Segment("Hello.")], tokens_estimate=10)), RequestVerdict.allow())
        denied = RequestVerdict.deny("too-long", "This request is too long. Please send less text.")
        self.assertEqual(guardrail.check(Request([Segment("Hello.")], tokens_estimate=11)), denied)
