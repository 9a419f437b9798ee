"""What the engine counts. No address, name or subscriber is ever a label."""

from prometheus_client import Counter, Gauge, Histogram

MESSAGES = Counter("todoke_messages_total", "Recipients by channel and outcome.", ["channel", "outcome"])
CALLS = Histogram(
    "todoke_call_seconds",
    "Duration of one provider call.",
    ["channel"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
LIMITER_WAIT = Counter("todoke_limiter_wait_seconds_total", "Time spent waiting for tokens.", ["channel"])
LIMITER_FALLBACKS = Counter(
    "todoke_limiter_fallbacks_total", "Times Redis failed and this process went back to its own share of the limits."
)
LIMITER_OVERSLEPT = Counter(
    "todoke_limiter_overslept_total", "Slots given up because nobody was ready for them in time."
)
PAUSES = Counter(
    "todoke_pauses_total", "Times a provider asked, or forced, us to leave it in peace.", ["channel", "reason"]
)
PLANNED = Counter("todoke_planned_recipients_total", "Recipients planned.", ["channel"])
RESCUED = Counter("todoke_rescued_batches_total", "Batches taken from dead workers.", ["channel"])
LATE = Counter("todoke_late_outcomes_total", "Outcomes that came after their worker was given up, merged.", ["channel"])
EXPIRED_SESSIONS = Counter("todoke_expired_sessions_total", "Worker sessions given up because they stopped beating.")
AGENT_ERRORS = Counter("todoke_agent_errors_total", "Failed ticks of background agents.", ["agent"])
STRAYS = Gauge("todoke_batches_outside_every_year", "1 while batches stand in no year's tables.")
CALLS_UNDER_WAY = Gauge("todoke_calls_under_way", "Provider calls under way.", ["channel"])
