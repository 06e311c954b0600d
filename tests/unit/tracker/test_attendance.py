"""Who is present: heard in this round, and not gone."""

from tracker.attendance import UNHEARD, Attendance


def test_a_client_counts_once_in_a_round() -> None:
    attendance = Attendance()
    heard = attendance.hear(UNHEARD)
    heard = attendance.hear(heard)
    attendance.hear(UNHEARD)
    assert attendance.present == 2


def test_a_new_round_counts_anew_whoever_speaks() -> None:
    attendance = Attendance()
    silent, busy = attendance.hear(UNHEARD), attendance.hear(UNHEARD)
    attendance.begin_round()
    assert attendance.present == 0
    attendance.hear(busy)
    assert attendance.present == 1
    attendance.leave(silent)
    assert attendance.present == 1


def test_who_leaves_is_not_waited_for() -> None:
    attendance = Attendance()
    heard = attendance.hear(UNHEARD)
    attendance.leave(heard)
    attendance.leave(UNHEARD)
    assert attendance.present == 0
