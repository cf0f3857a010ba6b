"""Made-up families in the vault of a home, for tests of acts on one family."""

import pyarrow as pa

from families_first.governance.home import Home
from made_up_desk import vault_of


def form_families(home: Home, *family_ids: str) -> None:
    """Have families of these ids be those last formed in a home."""
    vault = vault_of(home)
    vault.commit(
        "families",
        f"formed-{len(vault.list('families'))}",
        {"family": pa.table({"family_id": family_ids})},
        retention_class=home.retention_classes[0].id,
        about={},
    )
