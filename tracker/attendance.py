"""Which clients may bring a message soon: those that were heard from of late. Pure.

A commit costs the same for one message as for twenty, so under load it pays to wait for whoever is
in the middle of one, and only for them. Time is cut into rounds: one begins with each group of
messages that is written. Who said something in the present round and has not left is present.
"""

UNHEARD = -1
"""The round in which a client was heard that has said nothing yet."""


class Attendance:
    """Counts who is present. A client keeps the number of the round in which it was heard."""

    __slots__ = ("present", "round")

    def __init__(self) -> None:
        self.round = 0
        self.present = 0
        """Clients that were heard in the present round and have not left."""

    def hear(self, heard: int) -> int:
        """Note that a client speaks; return the round in which it has been heard now.

        `heard` is the one in which it was heard before.
        """
        if heard != self.round:
            self.present += 1
        return self.round

    def leave(self, heard: int) -> None:
        """Note that a client has gone which was last heard in the round `heard`."""
        if heard == self.round:
            self.present -= 1

    def begin_round(self) -> None:
        """Forget who was heard: who is still there will speak again."""
        self.round += 1
        self.present = 0
