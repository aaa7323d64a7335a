"""Who of a level gets what, when an order takes only part of it: by time, in proportion, or the oldest first and then in proportion."""

from quantumcore.core.twin.rules import TIME, TOP_FIRST


def shares(rule: int, lots: int, shown: list[int]) -> list[int]:
    """Return what each of a level's orders gets of `lots`, the oldest first; `shown` are theirs.

    In proportion means floor(lots × its own / all of them); the lots that are then left go one to each, the oldest first.
    Whoever takes all takes it by time.
    """
    if rule == TIME or lots >= sum(shown):
        return _by_time(lots, shown)
    if rule == TOP_FIRST:
        top = min(lots, shown[0])
        return [top, *_in_proportion(lots - top, shown[1:])]
    return _in_proportion(lots, shown)


def _by_time(lots: int, shown: list[int]) -> list[int]:
    got = []
    for own in shown:
        got.append(min(lots, own))
        lots -= got[-1]
    return got


def _in_proportion(lots: int, shown: list[int]) -> list[int]:
    whole = sum(shown)
    got = [lots * own // whole for own in shown]
    left = lots - sum(got)  # fewer than there are orders, and each has more than its floor: so one more fits everywhere
    return [share + (1 if at < left else 0) for at, share in enumerate(got)]
