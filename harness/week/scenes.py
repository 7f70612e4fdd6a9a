"""What happens in the week: only data. Who is paged, when and by what is the product's to say."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final


@dataclass(frozen=True)
class Scene:
    """One thing that goes wrong, and what people do about it. Times in minutes are after `at`."""

    service: str
    title: str
    at: str = ""
    """A time of day in UTC."""
    days: tuple[int, ...] = (0,)
    """How many days ago, each time."""
    ago: float = 0
    """Minutes before the end of the week, instead of `at` and `days`."""
    severity: str = "critical"
    integration: str = "prometheus"
    source: str = ""
    alerts: int = 1
    """How many the monitor sends, two minutes apart."""
    seen: float | None = None
    """When whoever was paged last acknowledges; None for nobody."""
    by_link: bool = True
    notes: tuple[str, ...] = ()
    """By whoever acknowledged, ten minutes apart, from two minutes later on."""
    over: float | None = None
    """When it is resolved; None while it goes on."""
    by_hand: bool = False
    """Whether a person resolves it; else the monitor does."""
    snoozed: int = 0
    """Minutes, right after the acknowledgement."""
    handed_to: str = ""
    details: tuple[tuple[str, Any], ...] = ()
    runbook: str = ""
    post: tuple[str, str, str] | None = None
    """Title, text and state of the service for its status page, once it is acknowledged."""
    posted_end: str = ""

    def begins(self, end: datetime) -> list[datetime]:
        """When, each time; only what lies before the end of the week."""
        if self.ago:
            return [end - timedelta(minutes=self.ago)]
        clock = time.fromisoformat(self.at)
        midnight = end.replace(hour=0, minute=0, second=0, microsecond=0)
        found = [
            midnight - timedelta(days=day, hours=-clock.hour, minutes=-clock.minute)
            for day in self.days
        ]
        last = max(self.over or 0, self.seen or 0, 2 * self.alerts) + 10 * len(self.notes) + 30
        return [at for at in found if at + timedelta(minutes=last) < end]


@dataclass(frozen=True)
class Rollout:
    service: str
    summary: str
    at: str
    day: int
    ago: float = 0


RUNBOOKS: Final = "https://runbooks.example.com/"

SCENES: Final = (
    # The night that the week is remembered for.
    Scene(
        "payments",
        "Payments fail: 38% of card charges are declined",
        at="03:12",
        days=(3,),
        source="payments-eu",
        alerts=9,
        seen=7,
        notes=(
            "All declines come from one acquirer. Their status page says nothing yet.",
            "Acquirer confirms trouble in Frankfurt. Switching card traffic to the second one.",
            "Traffic is switched, declines are back under 1%.",
        ),
        over=35,
        by_hand=True,
        details=(("acquirer", "northgate"), ("declined", "38%"), ("region", "eu-central-1")),
        runbook="payments/declines",
        post=(
            "Card payments fail for some customers",
            "Some card payments are declined. We are looking into it with our payment partner.",
            "partial",
        ),
        posted_end="Card payments work again. Orders placed meanwhile are not lost.",
    ),
    Scene(
        "checkout",
        "Synthetic order does not complete: timeout at payment",
        at="03:14",
        days=(3,),
        integration="synthetics",
        source="probe-frankfurt",
        alerts=5,
        seen=6,
        over=34,
        details=(("step", "payment"), ("timeout", "20 s")),
    ),
    # A deploy that went wrong, in the afternoon.
    Scene(
        "checkout",
        "Error rate of checkout above 5% for 5 minutes",
        at="13:41",
        days=(1,),
        source="checkout-web",
        alerts=4,
        seen=3,
        notes=("Began with 2.41.0. Rolling back.", "2.40.3 is out again everywhere."),
        over=26,
        details=(("error_rate", "7.2%"), ("version", "2.41.0"), ("pods", "14 of 14")),
        runbook="checkout/errors",
    ),
    Scene(
        "gateway",
        "p99 latency of the gateway above 2 s",
        at="09:20",
        days=(2,),
        source="gateway-eu",
        severity="error",
        seen=4,
        over=33,
        notes=("One node had lost its connection pool; drained and replaced.",),
        by_hand=True,
        details=(("p99", "2.7 s"), ("node", "gw-eu-7")),
    ),
    Scene(
        "gateway",
        "TLS certificate of api.example.com expires in 6 days",
        at="06:00",
        days=(4,),
        severity="warning",
        source="probe-frankfurt",
        seen=130,
        by_link=False,
        notes=("Renewal hung on a DNS record that was removed. Renewed by hand.",),
        over=190,
        by_hand=True,
    ),
    Scene(
        "database",
        "Replica of orders-db is 90 s behind",
        at="22:17",
        days=(5, 2),
        integration="cloudwatch",
        severity="error",
        source="orders-db-replica-2",
        seen=9,
        over=41,
        notes=("A report ran on it. It catches up by itself.",),
        details=(("lag", "94 s"),),
    ),
    Scene(
        "database",
        "CPU of orders-db above 90% for 15 minutes",
        at="19:05",
        days=(6,),
        integration="cloudwatch",
        source="orders-db",
        alerts=3,
        # Nobody answers the first step.
        seen=17,
        notes=("A missing index after yesterday's migration. Created it concurrently.",),
        over=48,
        by_hand=True,
        runbook="database/cpu",
    ),
    # What wakes people for nothing.
    Scene(
        "gateway",
        "Disk /var of gw-us-3 is 91% full",
        at="04:40",
        days=(1, 2, 3, 4, 5, 6),
        severity="error",
        source="gw-us-3",
        seen=12,
        over=21,
        details=(("mount", "/var"), ("used", "91%")),
    ),
    Scene(
        "catalogue",
        "Search index is older than 30 minutes",
        at="01:30",
        days=(1, 4, 6),
        severity="warning",
        source="indexer",
        over=18,
    ),
    Scene(
        "accounts",
        "Log-ins by SMS code fail: provider answers 503",
        at="16:48",
        days=(5,),
        source="accounts-api",
        alerts=3,
        seen=2,
        by_link=False,
        over=14,
        details=(("provider", "texts.example.net"), ("failed", "212 of 230")),
    ),
    Scene(
        "checkout",
        "Queue of order mails grows: 4,000 waiting",
        at="10:02",
        days=(4,),
        severity="warning",
        source="mailer",
        seen=22,
        by_link=False,
        handed_to="elena",
        over=49,
    ),
    Scene(
        "payments",
        "Webhook of the payment provider is not signed",
        at="14:30",
        days=(2,),
        integration="provider",
        severity="error",
        source="northgate",
        seen=5,
        notes=("Their test system posts to our live address. They have stopped it.",),
        over=31,
        by_hand=True,
    ),
    Scene(
        "warehouse",
        "Nightly run: 3 of 212 models failed",
        at="08:47",
        days=(2,),
        integration="dbt",
        severity="warning",
        source="dbt",
        seen=44,
        by_link=False,
        over=160,
        by_hand=True,
    ),
    # What goes on now.
    Scene(
        "catalogue",
        "Search answers 5xx: 12% of requests",
        ago=4,
        source="search-eu",
        alerts=2,
        details=(("status", "502"), ("share", "12%"), ("shard", "products-3")),
        runbook="catalogue/search",
    ),
    Scene(
        "checkout",
        "Customers in Austria cannot apply a voucher",
        ago=24,
        severity="error",
        source="support",
        seen=6,
        notes=("Reproduced: the rounding of the new tax rate. A fix is in review.",),
        post=(
            "Vouchers cannot be used in Austria",
            "Orders without a voucher work. We are preparing a fix.",
            "degraded",
        ),
    ),
    Scene(
        "database",
        "Free storage of orders-db below 15%",
        ago=205,
        integration="cloudwatch",
        severity="warning",
        source="orders-db",
        alerts=4,
        seen=21,
        by_link=False,
        snoozed=480,
    ),
    Scene(
        "gateway",
        "5xx of the gateway above 1% in us-east-1",
        ago=17,
        source="gateway-us",
        alerts=3,
        seen=5,
        details=(("share", "1.4%"), ("upstream", "accounts-api")),
    ),
)

ROLLOUTS: Final = (
    Rollout("checkout", "checkout-web 2.41.0", "13:29", 1),
    Rollout("checkout", "checkout-web 2.40.3 (rollback)", "13:58", 1),
    Rollout("gateway", "gateway 7.12.1", "09:05", 2),
    Rollout("database", "Migration 0412: order_lines.tax_rate", "18:30", 7),
    Rollout("catalogue", "search-service 1.88.0", "", 0, ago=11),
)
