"""The feeds as mappings and deliveries know them: what each source can tell, and when it last did."""

from datetime import date, timedelta

from families_first.council.deliveries.health import Freshness, feed_health
from families_first.council.deliveries.mapping import MappingFile
from families_first.council.deliveries.mapping_file import load_mappings
from families_first.council.identification.feeds import Feed
from families_first.governance.vault import Vault
from families_first.records.tables import Table

_KINDED = (Table.EVENT, Table.EPISODE, Table.MEASURE)


def delivered_feeds(vault: Vault, on: date) -> tuple[Feed, ...]:
    """Return a feed for each mapping that has ever delivered, stale where its next file is overdue."""
    mappings = {
        mapping.content.id: mapping.content for mapping in load_mappings(vault.home.mappings).values()
    }
    feeds = []
    for health in feed_health(vault, on):
        kinds = kinds_of(mappings[health.mapping])
        if health.freshness is Freshness.NEVER or not kinds:
            continue
        late = health.freshness is Freshness.LATE
        landed_on = on - timedelta(days=health.days_since or 0)
        feeds.append(Feed(health.source, kinds, landed_on if late else None))
    return tuple(feeds)


def kinds_of(mapping: MappingFile) -> frozenset[str]:
    """Return the kinds of event, episode and measure that a mapping can give."""
    kinds: set[str] = set()
    for emit in mapping.emit:
        if emit.table not in _KINDED:
            continue
        for template in emit.fields.get("kind", ()):
            if template.constant is not None:
                kinds.add(template.constant)
            elif template.only_column is not None:
                kinds.update(mapping.columns[template.only_column.column].codes.values())
    return frozenset(kinds)
