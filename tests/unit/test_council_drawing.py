"""The drawn family: boxes, lines, and words for those who do not see it."""

from xml.etree import ElementTree

from families_first.council.pages.drawing import DrawnMember, DrawnTie, draw_family

SVG = "{http://www.w3.org/2000/svg}"
FAMILY = [
    DrawnMember("P1", "Made-up Mother", "parent", "aged 34"),
    DrawnMember("P2", "Made-up Father", "non_resident_parent", "aged 36"),
    DrawnMember("P3", "Made-up Child", "child", "aged 9"),
]
TIES = [
    DrawnTie("P1", "P3", "School contact says mother of the child"),
    DrawnTie("P2", "P3", "Father, living elsewhere", dashed=True),
    DrawnTie("P1", "P9", "Somebody who is not a member"),
]


def drawn(members=FAMILY, ties=TIES):
    return ElementTree.fromstring(draw_family(members, ties, title="A made-up family"))


def test_every_member_has_a_box_and_every_tie_between_members_a_line():
    svg = drawn()
    assert len(svg.findall(f".//{SVG}rect")) == 3
    assert len(svg.findall(f".//{SVG}path")) == 2


def test_children_stand_below_adults():
    tops = [float(box.get("y")) for box in drawn().findall(f".//{SVG}rect")]
    assert tops[0] == tops[1] < tops[2]


def test_the_picture_and_each_line_say_in_words_what_they_show():
    svg = drawn()
    assert svg.find(f"{SVG}title").text == "A made-up family"
    reasons = [path.find(f"{SVG}title").text for path in svg.findall(f".//{SVG}path")]
    assert reasons == ["School contact says mother of the child", "Father, living elsewhere"]


def test_names_cannot_break_out_of_the_picture():
    svg = draw_family([DrawnMember("P1", "<script>", "parent")], [], title="a & b")
    assert "<script>" not in svg
    assert ElementTree.fromstring(svg).find(f"{SVG}title").text == "a & b"


def test_a_family_of_many_keeps_every_box_inside_the_picture():
    children = [DrawnMember(f"C{number}", f"Child {number}", "child") for number in range(9)]
    svg = drawn([FAMILY[0], *children], [])
    width = float(svg.get("width"))
    for box in svg.findall(f".//{SVG}rect"):
        assert float(box.get("x")) >= 0
        assert float(box.get("x")) + float(box.get("width")) <= width
