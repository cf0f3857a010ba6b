"""A master split among custodians: enough shares open it, fewer do not, and mistakes are told."""

import stat
from pathlib import Path

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.governance.keys import KeyContext, new_key, provider_of
from families_first.governance.keys.ceremony import Ceremony, Holder, split_master
from families_first.governance.keys.recovery import check_shares, recover_master
from families_first.governance.keys.register import MastersRegister
from families_first.governance.keys.rotation import rotate
from families_first.governance.keys.shares import are_enough, recover, share_id, share_text, split, words_of
from families_first.governance.keys.unlocking import close, opening_of
from families_first.governance.retention import PROGRAMME_CLASS
from families_first.governance.zone_file import KeysSection

CLASS = PROGRAMME_CLASS.id


def made_home(folder: Path, *, zone: str = "council", provider: str = "files") -> Home:
    keys = KeysSection.model_validate({"provider": provider})
    return Home.create(folder / "home", zone=zone, title="Exampleshire", keys=keys)


def holders(folder: Path, *kinds: str, name: str = "share") -> tuple[Holder, ...]:
    return tuple(
        Holder(f"custodian-{number}", kind, folder / f"{name}-{number}.txt")
        for number, kind in enumerate(kinds, start=1)
    )


def given(*files: Path) -> list[tuple[str, str]]:
    return [(file.name, words_of(file.read_text(), where=file.name)) for file in files]


def test_any_two_of_three_shares_open_the_master() -> None:
    master = new_key()
    one, two, three = (("share", words) for words in split(master, threshold=2, count=3))
    for pair in ((one, two), (two, three), (one, three), (three, one), (one, two, three)):
        assert recover(pair) == [master]


def test_one_share_alone_is_refused_also_when_given_twice() -> None:
    words = split(new_key(), threshold=2, count=3)[0]
    for shares in ([("a", words)], [("a", words), ("b", words)]):
        with pytest.raises(UserError, match="Too few shares: 1 of the 2") as refusal:
            recover(shares)
        assert refusal.value.code == ExitCode.VAULT


def test_shares_of_two_masters_are_sorted_out() -> None:
    first, second = new_key(), new_key()
    shares = [("x", w) for m in (first, second) for w in split(m, threshold=2, count=3)[:2]]
    assert set(recover(shares)) == {first, second}
    with pytest.raises(UserError, match="Too few shares of one master, because these are of different"):
        recover([shares[0], shares[2]])


def test_enough_shares_are_those_that_open_one_master() -> None:
    first, second = (
        [("x", w) for w in split(master, threshold=2, count=3)] for master in (new_key(), new_key())
    )
    assert not are_enough([])
    assert not are_enough([first[0], first[0], second[0]])
    assert are_enough([first[0], second[0], first[2]])


def test_a_mistyped_word_is_told_by_its_place_and_never_quoted() -> None:
    words = split(new_key(), threshold=2, count=3)[0].split()
    words[6] = "zzyzx"
    with pytest.raises(UserError, match="number 7") as refusal:
        words_of(" ".join(words), where="a.txt")
    assert refusal.value.where == "a.txt"
    assert "zzyzx" not in str(refusal.value)


def test_a_word_in_the_place_of_another_is_found_by_the_checksum() -> None:
    one, two = split(new_key(), threshold=2, count=3)[:2]
    words = one.split()
    words[20] = "academic" if words[20] != "academic" else "acid"
    with pytest.raises(UserError, match="checksum") as refusal:
        recover([("a.txt", " ".join(words)), ("b.txt", two)])
    assert refusal.value.where == "a.txt"
    assert not any(f" {word} " in str(refusal.value) for word in words[:4])


def test_a_share_with_a_word_missing_is_told_so() -> None:
    words = split(new_key(), threshold=2, count=3)[0].split()
    with pytest.raises(UserError, match="has 33 words, and this has 32"):
        words_of(" ".join(words[1:]), where="a.txt")


def test_a_printed_share_reads_back_as_typed_by_hand_or_from_the_file() -> None:
    words = split(new_key(), threshold=2, count=3)[0]
    printed = share_text(words, (("Holder", "Made-Up Person"), ("Share", "1 of 3")))
    assert words_of(printed, where="a") == words
    assert words_of(words.upper().replace(" ", "\n"), where="a") == words
    assert len(share_id(words)) == 16
    assert share_id(words) not in printed


def test_splitting_hands_each_custodian_a_private_file_and_registers_who_has_which(tmp_path: Path) -> None:
    home = made_home(tmp_path)
    people = holders(tmp_path, "council", "research-body", "trusted-linker")
    master = split_master(Ceremony(home, people), CLASS, provider_of(home))
    [kept] = MastersRegister(home.keys).masters(CLASS)
    assert kept == master
    assert kept.threshold == 2
    assert [(s.holder, s.organisation) for s in kept.shares] == [(h.name, h.organisation) for h in people]
    for person, share in zip(people, kept.shares, strict=True):
        assert stat.S_IMODE(person.file.stat().st_mode) == 0o600
        text = person.file.read_text()
        assert share.id in text
        assert share_id(words_of(text, where="")) == share.id
    register = (home.keys / "register.toml").read_text()
    assert not set(words_of(people[0].file.read_text(), where="").split()) <= set(register.split())


def test_checked_shares_are_told_as_the_register_knows_them(tmp_path: Path) -> None:
    home = made_home(tmp_path)
    people = holders(tmp_path, "council", "council", "council")
    split_master(Ceremony(home, people), CLASS, provider_of(home))
    found = check_shares(home, given(people[0].file, people[2].file))
    assert [each.retention_class for each in found.masters] == [CLASS]
    assert {each.holder for each in found.shares} == {"custodian-1", "custodian-3"}


def test_shares_of_another_home_are_refused(tmp_path: Path) -> None:
    home = made_home(tmp_path)
    shares = [("x", words) for words in split(new_key(), threshold=2, count=3)]
    with pytest.raises(UserError, match="no master that this home has had"):
        check_shares(home, shares)


def test_a_lost_master_comes_back_from_two_shares_and_a_retired_one_does_not(tmp_path: Path) -> None:
    home = made_home(tmp_path)
    people = holders(tmp_path, "council", "council", "council")
    split_master(Ceremony(home, people), CLASS, provider_of(home))
    before = provider_of(home).masters(CLASS)
    (home.keys / f"{CLASS}.key").unlink()
    recover_master(home, given(people[1].file, people[2].file), provider_of(home))
    assert provider_of(home).masters(CLASS) == before
    rotate(home, CLASS)
    after = provider_of(home).masters(CLASS)
    (home.keys / f"{CLASS}.key").unlink()
    with pytest.raises(UserError, match="was retired, and stays so"):
        recover_master(home, given(people[1].file, people[2].file), provider_of(home))
    assert provider_of(home).masters(CLASS) == ()
    assert after != before


def test_a_home_of_custodians_has_no_file_to_bring_back(tmp_path: Path) -> None:
    home = made_home(tmp_path, provider="custodians")
    with pytest.raises(UserError, match="keeps no master in a file"):
        recover_master(home, [], provider_of(home))


def test_a_master_is_split_once(tmp_path: Path) -> None:
    home = made_home(tmp_path)
    split_master(Ceremony(home, holders(tmp_path, "council", "council")), CLASS, provider_of(home))
    again = Ceremony(home, holders(tmp_path, "council", "council", name="again"))
    with pytest.raises(UserError, match="split already"):
        split_master(again, CLASS, provider_of(home))
    assert list(tmp_path.glob("again-*")) == []


@pytest.mark.parametrize(
    ("kinds", "threshold", "told"),
    [
        (("council",), 2, "no split among custodians"),
        (("council", "council"), 1, "no split among custodians"),
        (("council", "council"), 3, "no split among custodians"),
        (("council",) * 17, 2, "no split among custodians"),
        (("council", "made-up-kind"), 2, "no kind of organisation 'made-up-kind'"),
    ],
)
def test_a_split_that_protects_nothing_is_refused(
    tmp_path: Path, kinds: tuple[str, ...], threshold: int, told: str
) -> None:
    with pytest.raises(UserError, match=told) as refusal:
        Ceremony(made_home(tmp_path), holders(tmp_path, *kinds), threshold)
    assert refusal.value.code == ExitCode.USAGE


def test_nobody_gets_two_shares_and_no_file_two_either(tmp_path: Path) -> None:
    home = made_home(tmp_path)
    one, two = holders(tmp_path, "council", "council")
    with pytest.raises(UserError, match="custodian is named twice"):
        Ceremony(home, (one, Holder(one.name.upper(), "council", two.file)))
    with pytest.raises(UserError, match="file is named twice"):
        Ceremony(home, (one, Holder("other", "council", one.file)))


@pytest.mark.parametrize("place", ["inside", "taken", "nowhere"])
def test_a_share_is_not_written_where_it_must_not_lie(tmp_path: Path, place: str) -> None:
    home = made_home(tmp_path)
    (tmp_path / "taken.txt").write_text("kept")
    file = {
        "inside": home.outbox / "a.txt",
        "taken": tmp_path / "taken.txt",
        "nowhere": tmp_path / "no-such-folder" / "a.txt",
    }[place]
    people = (Holder("one", "council", file), Holder("two", "council", tmp_path / "two.txt"))
    with pytest.raises(UserError) as refusal:
        split_master(Ceremony(home, people), CLASS, provider_of(home))
    assert refusal.value.code == ExitCode.USAGE
    assert str(tmp_path) not in str(refusal.value)
    assert not (tmp_path / "two.txt").exists()
    assert (tmp_path / "taken.txt").read_text() == "kept"
    assert not any(each.shares for each in MastersRegister(home.keys).masters())


@pytest.mark.parametrize("text", ["", "a", "a:council", "a:council:", ":council:f", "a::f"])
def test_a_holder_is_named_with_organisation_and_file(text: str) -> None:
    with pytest.raises(UserError, match="name:kind-of-organisation:file"):
        Holder.parse(text)


def test_a_holder_s_file_may_hold_colons() -> None:
    assert Holder.parse("Made-Up Person:council:D:a.txt") == Holder(
        "Made-Up Person", "council", Path("D:a.txt")
    )


def test_old_shares_do_not_open_the_master_that_a_rotation_made(tmp_path: Path) -> None:
    home = made_home(tmp_path, zone="linkage", provider="custodians")
    old = holders(tmp_path, "council", "research-body", "trusted-linker", name="old")
    new = holders(tmp_path, "council", "research-body", "trusted-linker", name="new")
    split_master(Ceremony(home, old), CLASS, provider_of(home, Ceremony(home, old)))
    rotate(home, CLASS, provider_of(home, Ceremony(home, new)))
    for files, opens in ((old, False), (new, True)):
        close(home)
        opening_of(home, [each.file for each in files])
        keys = provider_of(home)
        if opens:
            assert keys.wrap(new_key(), KeyContext("a", CLASS)).master == keys.masters(CLASS)[0]
        else:
            with pytest.raises(UserError, match="shares given are of another master"):
                keys.wrap(new_key(), KeyContext("a", CLASS))
    close(home)
