"""What is counted at every call comes out as Prometheus wants it."""

from __future__ import annotations

from prometheus_client import generate_latest

from dispatcher.metrics import CallSeconds, Meters


def test_durations_are_told_in_cumulated_buckets() -> None:
    seconds = CallSeconds()
    for each in (0.003, 0.3, 60.0):
        seconds.observe(each)
    buckets = dict(seconds.buckets())
    assert (buckets["0.005"], buckets["0.25"], buckets["0.5"], buckets["10.0"], buckets["+Inf"]) == (1, 1, 2, 2, 3)


def test_the_metrics_page_tells_them_by_channel() -> None:
    Meters.of("letterbox").calls.observe(0.003)
    page = generate_latest().decode()
    assert 'todoke_call_seconds_bucket{channel="letterbox",le="0.005"} 1.0' in page
    assert 'todoke_call_seconds_count{channel="letterbox"} 1.0' in page
