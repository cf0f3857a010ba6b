"""Evaluating an extract under its sealed protocol, and keeping what came out in the vault."""

from collections.abc import Callable
from dataclasses import dataclass

from families_first.errors import ExitCode, UserError
from families_first.governance.desk import Desk
from families_first.governance.policy import Resource
from families_first.governance.vault import Vault
from families_first.research.analysis.findings import Findings, find
from families_first.research.extract.loading import ANALYSING, RESOURCE, find_extract, load_study
from families_first.research.report.objects import ReportObject
from families_first.research.report.outputs import OBJECTS_TABLE, RESULTS, table_of_objects
from families_first.research.report.tables import objects_of


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What an evaluation found, and the report objects that it became."""

    findings: Findings
    objects: tuple[ReportObject, ...]


def evaluate_extract(
    desk: Desk, protocol_id: str, *, said: Callable[[str], None] = lambda step: None
) -> Evaluated:
    """Evaluate as the sealed protocol plans, and keep the report objects in the place of earlier ones.

    Raises
    ------
    UserError
        As :func:`families_first.research.extract.loading.load_study`; REFUSED, when outcomes are not open.
    """
    resource = Resource(RESOURCE, protocol_id)
    with desk.act(ANALYSING, resource, agreement_in_force=True) as act:
        protocol = find_extract(act, protocol_id).protocol
        study = load_study(act, protocol_id)
        if not study.provenance.outcomes_open:
            raise UserError(
                "The outcomes of this study are still locked",
                where=protocol_id,
                fix="Seal the protocol and have the outcomes released to it: `families-first study "
                "request-release`; then run `families-first study extract` again.",
                code=ExitCode.REFUSED,
            )
        findings = find(study, protocol, said=said)
        objects = objects_of(findings)
        vault = Vault(act)
        extract = find_extract(act, protocol_id)
        vault.remove_named(RESULTS, protocol_id)
        vault.commit(
            RESULTS,
            protocol_id,
            {OBJECTS_TABLE: table_of_objects(objects)},
            retention_class=extract.dataset.retention_class,
            about={
                "protocol_sha256": study.provenance.protocol_sha256,
                "extract_sha256": study.provenance.extract_sha256,
                "code_version": study.provenance.code_version,
                "made_from": extract.dataset.about["made_from"],
            },
        )
        act.note(
            protocol_sha256=study.provenance.protocol_sha256,
            extract_sha256=study.provenance.extract_sha256,
            objects=len(objects),
        )
    return Evaluated(findings, objects)
