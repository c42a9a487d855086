"""Where the company works: offices, their time zones, homes around them and networks.

Networks are the range reserved for benchmarks (RFC 2544), so that nobody is meant.
"""

from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class Place:
    """Where somebody signs in from, as `signInLocation` has it."""

    city: str
    state: str
    country: str
    latitude: float
    longitude: float


@dataclass(frozen=True, eq=False)
class Office:
    """A site: its share of the company, its time zone, its places and its network."""

    place: Place
    zone: str
    share: float
    network: str
    names: str
    homes: tuple[Place, ...]


OFFICES = (
    Office(
        Place("Portland", "Oregon", "US", 45.51520, -122.67840),
        "America/Los_Angeles",
        0.30,
        "198.18.1",
        "en",
        (
            Place("Beaverton", "Oregon", "US", 45.48710, -122.80370),
            Place("Vancouver", "Washington", "US", 45.63870, -122.66150),
        ),
    ),
    Office(
        Place("Leeds", "England", "GB", 53.80080, -1.54910),
        "Europe/London",
        0.16,
        "198.18.2",
        "en",
        (
            Place("Bradford", "England", "GB", 53.79600, -1.75940),
            Place("York", "England", "GB", 53.96000, -1.08730),
        ),
    ),
    Office(
        Place("München", "Bayern", "DE", 48.13510, 11.58200),
        "Europe/Berlin",
        0.17,
        "198.18.3",
        "de",
        (
            Place("Augsburg", "Bayern", "DE", 48.37050, 10.89780),
            Place("Freising", "Bayern", "DE", 48.40290, 11.74120),
        ),
    ),
    Office(
        Place("Pune", "Maharashtra", "IN", 18.52040, 73.85670),
        "Asia/Kolkata",
        0.17,
        "198.18.4",
        "in",
        (Place("Mumbai", "Maharashtra", "IN", 19.07600, 72.87770),),
    ),
    Office(
        Place("São Paulo", "São Paulo", "BR", -23.55050, -46.63330),
        "America/Sao_Paulo",
        0.08,
        "198.18.5",
        "br",
        (Place("Campinas", "São Paulo", "BR", -22.90990, -47.06260),),
    ),
    Office(
        Place("Singapore", "", "SG", 1.35210, 103.81980),
        "Asia/Singapore",
        0.07,
        "198.18.6",
        "in",
        (Place("Singapore", "", "SG", 1.30040, 103.85400),),
    ),
    Office(
        Place("Melbourne", "Victoria", "AU", -37.81360, 144.96310),
        "Australia/Melbourne",
        0.05,
        "198.18.7",
        "en",
        (Place("Geelong", "Victoria", "AU", -38.14990, 144.36170),),
    ),
)
