"""A mapping and its agreement as an Open Data Contract Standard document (v3), which a partner can read and
agree.

Standard: Bitol, Open Data Contract Standard 3.0.2 (Linux Foundation). What the standard has no word for
(the reason for each column, the gateway) stands under ``customProperties``.
"""

from typing import Any

import yaml

from families_first.council.deliveries.column_types import ColumnType, Kind
from families_first.council.deliveries.mapping import Column, MappingFile
from families_first.governance.agreements import Agreement

API_VERSION = "v3.0.2"
_LOGICAL = {ColumnType.DATE: "date", ColumnType.COUNT: "integer", ColumnType.DECIMAL: "number"}
_PERSONAL = "personal data"
_SAYS = {
    ColumnType.NAME: "A name of a person",
    ColumnType.FULL_NAME: "The full name of a person",
    ColumnType.NINO: "A National Insurance number",
    ColumnType.UPN: "A unique pupil number",
    ColumnType.NHS_NUMBER: "An NHS number",
    ColumnType.ULN: "A unique learner number",
    ColumnType.PNC: "A Police National Computer number",
    ColumnType.POSTCODE: "A postcode",
    ColumnType.ETHNICITY: "An ethnicity code of the children in need census, the police or the 2021 census",
    ColumnType.YES_NO: "Yes or no",
}


def export_contract(mapping: MappingFile, agreement: Agreement) -> str:
    """Return the contract as YAML."""
    return yaml.safe_dump(
        contract(mapping, agreement), sort_keys=False, allow_unicode=True, default_flow_style=False
    )


def contract(mapping: MappingFile, agreement: Agreement) -> dict[str, Any]:
    """Return the contract as plain data."""
    header = mapping.mapping
    agreed = agreement.files.get(mapping.id)
    reasons = {**agreed.columns, **agreed.not_taken} if agreed else {}
    return {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": f"{agreement.id}/{mapping.id}",
        "name": header.title,
        "version": "1.0.0",
        "status": "active",
        "domain": header.source,
        "description": {
            "purpose": f"Sent by {header.sender} for the purpose {header.purpose}, under {agreement.title}.",
            "limitations": "Only the columns below may be sent; a file with another is refused whole.",
            "usage": _usage(mapping),
        },
        "servers": [_server(mapping)],
        "schema": [
            {
                "name": mapping.id,
                "physicalType": mapping.file.format.value,
                "logicalType": "object",
                "properties": [_property(name, mapping, reasons.get(name, "")) for name in mapping.headers],
                "quality": [
                    {
                        "type": "text",
                        "description": f"A file of which more than {header.quarantine_limit:.0%} of the rows "
                        "are wrong is refused whole; up to that, wrong rows go back with reasons.",
                    }
                ],
            }
        ],
        "slaProperties": [
            {"property": "frequency", "value": header.cadence_days, "unit": "d"},
            {"property": "endOfLife", "value": agreement.in_force_to.isoformat()},
        ],
        "roles": [{"role": party.role.value, "description": party.name} for party in agreement.parties],
        "customProperties": [
            {"property": "agreement", "value": agreement.id},
            {"property": "gateway", "value": f"{agreement.gateway.name}: {agreement.gateway.provision}"},
            {"property": "inForceFrom", "value": agreement.in_force_from.isoformat()},
            {"property": "inForceTo", "value": agreement.in_force_to.isoformat()},
            {"property": "retentionClass", "value": agreement.retention_class},
            {"property": "madeUp", "value": agreement.made_up},
        ],
    }


def _server(mapping: MappingFile) -> dict[str, str]:
    return {
        "server": "inbox",
        "type": "local",
        "path": ", ".join(mapping.mapping.files),
        "format": mapping.file.format.value,
    }


def _usage(mapping: MappingFile) -> str:
    if mapping.mapping.kind is Kind.SNAPSHOT:
        return "Each file is the whole of what there is, and replaces the one before."
    return "Each file adds to those before it; a later row of one key replaces the earlier."


def _property(header: str, mapping: MappingFile, why: str) -> dict[str, Any]:
    column = next(each for name, each in mapping.columns.items() if mapping.header_of(name) == header)
    made: dict[str, Any] = {
        "name": header,
        "logicalType": _LOGICAL.get(column.type, "string"),
        "physicalType": "text" if mapping.file.format.value == "csv" else mapping.file.format.value,
        "required": column.required,
        "classification": "not taken" if column.type is ColumnType.IGNORE else _PERSONAL,
        "description": _described(column),
    }
    if column.type is ColumnType.DATE:
        made["logicalTypeOptions"] = {"format": " or ".join(column.formats)}
    if column.type is ColumnType.CODE:
        made["quality"] = [
            {"type": "text", "description": f"One of: {', '.join(column.codes)}", "dimension": "conformity"}
        ]
    if why:
        made["customProperties"] = [{"property": "why", "value": why}]
    return made


def _described(column: Column) -> str:
    if column.type is ColumnType.IGNORE:
        return "Known and never read"
    if column.type is ColumnType.DATE:
        return f"A date written as {' or '.join(column.formats)}"
    if column.type is ColumnType.CODE:
        meanings = "; ".join(f"{code} = {meaning or 'nothing'}" for code, meaning in column.codes.items())
        return f"A code: {meanings}"
    return _SAYS.get(column.type, f"A {column.type.value}")
