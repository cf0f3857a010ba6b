"""The vault: personal data at rest, encrypted; and a DuckDB that cannot let any of it out."""

from families_first.governance.vault.dataset import DatasetInfo, DatasetKind
from families_first.governance.vault.draft import Draft
from families_first.governance.vault.duck import locked_connection
from families_first.governance.vault.store import Vault
from families_first.governance.vault.table_file import TableInfo

__all__ = ["DatasetInfo", "DatasetKind", "Draft", "TableInfo", "Vault", "locked_connection"]
