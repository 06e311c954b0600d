"""A resolver that answers from dictionaries."""

from collections import Counter
from collections.abc import Mapping, Sequence

from relay.dns import DnsFault, Exchange, NoSuchDomain


class FakeResolver:
    """`mx` and `addresses` hold the records, `fail` the fault of a name's look-up by "mx name".

    A name in neither does not exist; a name in one has an empty answer in the other.
    """

    def __init__(
        self,
        *,
        mx: Mapping[str, Sequence[tuple[int, str]]] | None = None,
        addresses: Mapping[str, Sequence[str]] | None = None,
        fail: Mapping[str, DnsFault] | None = None,
    ) -> None:
        self.records = dict(mx or {})
        self.hosts = dict(addresses or {})
        self.faults = dict(fail or {})
        self.asked: Counter[str] = Counter()

    async def mx(self, domain: str) -> Sequence[Exchange]:
        self._ask("mx", domain)
        return [Exchange(*record) for record in self.records.get(domain, ())]

    async def addresses(self, host: str) -> Sequence[str]:
        self._ask("addresses", host)
        return list(self.hosts.get(host, ()))

    def known_addresses(self, host: str) -> Sequence[str] | None:
        return None

    def _ask(self, kind: str, name: str) -> None:
        self.asked[f"{kind} {name}"] += 1
        fault = self.faults.get(f"{kind} {name}")
        if fault is not None:
            raise fault
        if name not in self.records and name not in self.hosts:
            raise NoSuchDomain(f"{name} does not exist (NXDOMAIN)")
