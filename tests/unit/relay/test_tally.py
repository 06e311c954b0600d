"""What is counted in a process is what a scrape shows, once it has been published."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from relay.tally import Distribution, LabelledTally, Level, Tally

BOUNDS = (0.1, 1.0, 10.0)


def test_a_tally_adds_what_is_new_once() -> None:
    registry = CollectorRegistry()
    tally = Tally(Counter("mail", "Mail.", registry=registry))
    tally.inc()
    tally.inc(3)
    assert registry.get_sample_value("mail_total") == 0
    tally.publish()
    tally.publish()
    assert registry.get_sample_value("mail_total") == 4
    tally.inc()
    tally.publish()
    assert registry.get_sample_value("mail_total") == 5


def test_each_label_has_a_count_of_its_own() -> None:
    registry = CollectorRegistry()
    tally = LabelledTally(Counter("mail", "Mail.", ["outcome"], registry=registry))
    tally.labels("delivered").inc(2)
    tally.labels("failed").inc()
    tally.labels("delivered").inc()
    tally.publish()
    assert registry.get_sample_value("mail_total", {"outcome": "delivered"}) == 3
    assert registry.get_sample_value("mail_total", {"outcome": "failed"}) == 1


def test_a_level_goes_up_and_down() -> None:
    registry = CollectorRegistry()
    level = Level(Gauge("clients", "Clients.", registry=registry))
    level.inc()
    level.inc()
    level.publish()
    assert registry.get_sample_value("clients") == 2
    level.dec()
    level.publish()
    assert registry.get_sample_value("clients") == 1


def test_a_distribution_counts_as_the_histogram_itself_would() -> None:
    """It uses what prometheus_client keeps to itself, so it is held against the public way."""
    values = (0.0, 0.05, 0.1, 0.11, 1.0, 5.0, 10.0, 10.1, 1e6)
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    distribution = Distribution(
        Histogram("seconds", "Seconds.", buckets=BOUNDS, registry=ours), BOUNDS
    )
    plain = Histogram("seconds", "Seconds.", buckets=BOUNDS, registry=theirs)
    for part in (values[:4], values[4:], ()):
        for value in part:
            distribution.observe(value)
            plain.observe(value)
        distribution.publish()
    for bound in ("0.1", "1.0", "10.0", "+Inf"):
        name, labels = "seconds_bucket", {"le": bound}
        assert ours.get_sample_value(name, labels) == theirs.get_sample_value(name, labels)
    for name in ("seconds_sum", "seconds_count"):
        assert ours.get_sample_value(name) == theirs.get_sample_value(name)
