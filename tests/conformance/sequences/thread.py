"""What is known of a thread on both servers."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Thread:
    """A thread on both servers; ids are ours."""

    user: str
    id: str
    items: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    questions: set[str] = field(default_factory=set)
    only_ours: set[str] = field(default_factory=set)
    only_theirs: set[str] = field(default_factory=set)
    widgets: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    hidden: int = 0
    script: str = ""
    exists: bool = True

    @property
    def is_even(self) -> bool:
        """Whether both have the same, and nothing that only they know."""
        return not (self.only_ours or self.only_theirs or self.hidden)

    @property
    def is_shown_alike(self) -> bool:
        """Whether the model is shown all of it, and the same by both: workflows it is never shown."""
        differs = any(not item.startswith("wf_") for item in self.only_ours | self.only_theirs)
        return not differs and len(self.items) + self.hidden < 18

    @property
    def waits_for_the_page(self) -> bool:
        return self.items[-1:] == self.calls[-1:] != []

    def note(self, item: dict[str, Any]) -> None:
        """Remembers what an item that is done is good for."""
        kinds = {"widget": self.widgets, "structured_input": self.asked, "client_tool_call": self.calls}
        if item["type"] in kinds:
            kinds[item["type"]].append(item["id"])

    def forget(self, gone: set[str]) -> None:
        """Takes out items that are gone on both sides."""
        self.gone += [item for item in self.items if item in gone and item not in self.only_ours]
        self.items = [item for item in self.items if item not in gone]
        for kept in (self.questions, self.only_ours):
            kept -= gone
        for known in (self.widgets, self.asked, self.calls):
            known[:] = [item for item in known if item not in gone]
