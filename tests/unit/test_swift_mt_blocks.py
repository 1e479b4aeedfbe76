"""Messages in files: FIN blocks, heads of banks, batches, encodings, and whose files these are."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from nostro.formats.catalogue import recognise
from nostro.formats.reading import Beginning
from nostro.formats.swift_mt.blocks import Piece, pieces
from nostro.formats.swift_mt.read import read_mt, type_of
from nostro.model.failures import FormatRefused
from nostro.model.statements import Entry, Reject, StatementEnd, StatementHead

BARE = ":20:X{n}\n:25:1234567890\n:28C:{n}/1\n:60F:C260831EUR1,\n:61:260831C1,NMSC\n:86:text {n}\n:62F:C260831EUR2,\n"


def messages(text: str, encoding: str = "utf-8") -> list[Piece]:
    return list(pieces([text.encode(encoding)]))


def bare(number: int) -> str:
    return BARE.replace("{n}", str(number))


@pytest.mark.parametrize(
    "between", ["-\n", "-\n\n", "", "\n\n", "-\r\n", "-}{5:}\n", ":940:\n", "-\nABNANL2A\n940\nABNANL2A\n"]
)
def test_whatever_stands_between_messages(between: str) -> None:
    found = messages(between.join(bare(n) for n in (1, 2, 3)))
    assert [[one.tag for one in piece.fields] for piece in found] == [["20", "25", "28C", "60F", "61", "86", "62F"]] * 3
    assert [piece.number for piece in found] == [1, 2, 3]


def test_blocks_tell_type_banks_and_the_user_s_header() -> None:
    text = (
        "{1:F01COPZBEB0AXXX0377002460}{2:O9401506110804LRLRXXXX4A1100009040831108041707N}{3:{108:MUR 7}{121:uetr}}{4:\n"
        + bare(1)
        + "-}{5:{CHK:170017001700}{PDE:}}{S:{COP:P}}"
    )
    (piece,) = messages(text)
    carrier = piece.carrier
    assert (carrier.type, carrier.sender, carrier.receiver) == ("940", "LRLRXXXXA11", "COPZBEB0")
    assert (carrier.user, carrier.possible_duplicate) == ({"108": "MUR 7", "121": "uetr"}, True)


def test_an_input_header_names_the_receiver() -> None:
    (piece,) = messages("{1:F01INGBNL2AXXXX00001}\n{2:I940INGBNL2AXXXN}\n{4:\n" + bare(1) + "-}")
    assert (piece.carrier.type, piece.carrier.receiver) == ("940", "INGBNL2A")
    (piece,) = messages("{1:F01BANKBEBBAXXX0017000017}{2:I101BANKDEFFXABCN}{4:\n:20:X\n-}")
    assert (piece.carrier.sender, piece.carrier.receiver) == ("BANKBEBB", "BANKDEFFABC")


def test_a_batch_with_acknowledgements_on_one_line_is_its_messages() -> None:
    receipt = "{1:F21AAAAUSLAAXXX5195167828}{4:{177:1704260717}{451:0}}"
    block = receipt + "{1:F01AAAAUSLAAXXX5195167828}{2:I940BBBBUS33XXXXN}{4:\n"
    assert len(messages("$".join(f"{block}{bare(n)}-}}" for n in (1, 2, 3)))) == 3


def test_a_dash_that_a_text_was_wrapped_before_ends_no_message() -> None:
    text = ":20:A\n:60F:C260831EUR1,00\n:61:260831C1,00NTRFNONREF\n:86:INV 17 -\n-\n:62F:C260831EUR2,00\n-\n"
    first, second = messages(text + ":20:B\n:86:no entry\n-\n")
    assert [told.tag for told in first.fields] == ["20", "60F", "61", "86", "62F"]
    assert first.fields[3].text == ["INV 17 -", "-"]
    assert ([told.tag for told in second.fields], second.cut) == (["20", "86"], False)


def test_swedish_braces_are_braces() -> None:
    found = messages(f"ä4:\n{bare(1)}-å\nä4:\n{bare(2)}-å", "cp1252")
    assert [len(piece.fields) for piece in found] == [7, 7]
    assert not any(piece.cut for piece in found)


def test_padding_of_printers_around_messages_is_no_matter() -> None:
    found = messages(
        "\x01{1:F01BANKBEBBAXXX0017000017}{2:I940BANKDEFFXXXXN}{4:\r\n" + bare(1) + "-}\x03\x00\x00\x00\n\x01"
    )
    assert [piece.carrier.type for piece in found] == ["940"]


def test_fints_line_ends_are_line_ends() -> None:
    found = messages(bare(1).replace("\n", "@@") + "-@@" + bare(2).replace("\n", "@@"))
    assert [len(piece.fields) for piece in found] == [7, 7]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16", "utf-8-sig"])
def test_every_encoding(encoding: str) -> None:
    items = list(read_mt([bare(1).replace("text", "Überweisung").encode(encoding)]))
    assert [item.remittance for item in items if isinstance(item, Entry)] == [("Überweisung 1",)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_and_chunks_of_any_size(end: str) -> None:
    raw = (bare(1) + "-\n" + bare(2)).replace("\n", end).encode()
    whole = list(read_mt([raw]))
    assert [type(item) for item in whole] == [StatementHead, Entry, StatementEnd] * 2
    assert list(read_mt(raw[n : n + 1] for n in range(len(raw)))) == whole


def test_a_message_whose_every_line_is_indented_is_read_as_one_that_is_not() -> None:
    whole = f"{{1:F01BANKBEBBAXXX0017000017}}{{2:I940DEUTDEFFXXXXN}}{{4:\n{bare(1)}-}}\n"
    indented = "".join(f"\t {line}\n" for line in whole.splitlines())
    assert recognise(Beginning(indented.encode())) is recognise(Beginning(whole.encode()))
    assert messages(indented) == messages(whole)
    # A blank before the first line alone belongs to nobody, and those before wrapped texts belong to them.
    assert messages(" " + whole.replace("text 1", "text\n 1"))[0].fields[5].text == ["text", " 1"]


def test_a_text_without_its_block_4_is_whole_where_it_ends() -> None:
    [reads] = messages("{1:F01BANKBEBBAXXX0017000017}\n{2:I940DEUTDEFFXXXXN}\n" + bare(1) + "-}\n")
    assert (reads.carrier.type, reads.cut, len(reads.fields)) == ("940", False, 7)


def test_a_field_of_endless_lines_is_cut_and_said() -> None:
    items = list(read_mt([(bare(1).replace("text 1", "text\n" + "more\n" * 5_000)).encode()]))
    assert [
        check.name for item in items if isinstance(item, StatementEnd) for check in item.checks if not check.ok
    ] == ["text"]


@pytest.mark.parametrize(
    "text, kind",
    [
        (":20:X\n:25:1\n:60F:C260831EUR1,\n", "940"),
        (":20:X\n:25:1\n:13D:2608311733+0000\n", "940"),
        (":20:X\n:28D:1/1\n:50H:/1\nA\n:30:260831\n:21:Y\n:32B:EUR1,\n", "101"),
        (":20:X\n:23B:CRED\n:32A:260831EUR1,\n:59:/1\nA\n", "103"),
        (":20:X\n:21:Y\n:32A:260831EUR1,\n:58A:DEUTDEFF\n", "202"),
        (":20:X\n:21:Y\n:25:1\n:32A:260831EUR1,\n:50K:/1\nA\n", "910"),
        (":20:X\n:21:Y\n:25:1\n:32A:260831EUR1,\n:52A:DEUTDEFF\n", ""),
        ("{2:I900DEUTDEFFXXXXN}{4:\n:20:X\n:21:Y\n:25:1\n:32A:260831EUR1,\n-}", "900"),
        ("{2:I199DEUTDEFFXXXXN}{4:\n:20:X\n:21:Y\n-}", "199"),
        ("{2:I941DEUTDEFFXXXXN}{4:\n:20:X\n:25:1\n:28:1\n:60F:C260831EUR1,\n:90D:7EUR9,\n:62F:C260831EUR2,\n-}", "941"),
        ("{2:I941DEUTDEFFXXXXN}{4:\n:20:X\n:25:1\n:61:260831C1,NMSC\n:62F:C260831EUR2,\n-}", "940"),
        ("{4:\n:20:X\n:12:719\n:77E:\n:27A:1/1\n:21A:7\n-}", ""),
    ],
)
def test_the_type_of_a_message_is_what_its_block_or_its_fields_say(text: str, kind: str) -> None:
    assert [type_of(piece) for piece in messages(text)] == [kind]


def test_messages_of_other_types_are_located_and_the_rest_is_read() -> None:
    text = "{1:F01BANKBEBBAXXX0017000017}{2:I199DEUTDEFFXXXXN}{4:\n:20:X\n:21:Y\n-}\n"
    items = list(read_mt([(text + bare(1)).encode()]))
    assert [(item.where, item.line) for item in items if isinstance(item, Reject)] == [("MT199[1]", 2)]
    assert sum(isinstance(item, Entry) for item in items) == 1


@pytest.mark.parametrize(
    "text, ours",
    [
        (bare(1), True),
        ("\ufeff\r\n\r\n" + bare(1), True),
        ("ABNANL2A\n940\nABNANL2A\n" + bare(1), True),
        (":61:260831C1,NMSC\n", True),
        ("{1:F01BANKBEBBAXXX0017000017}{2:I103DEUTDEFFXXXXN}{4:\n:20:X\n-}", True),
        ("{1:F01BANKBEBBAXXX0017000017}{2:I799DEUTDEFFXXXXN}{4:\n:20:X\n-}", False),
        ("<a>:20:X</a>", False),
        ('[":20:X"]', False),
        ("at 12:20:30\n", False),
        ("1\n2\n3\n", False),
        ("", False),
    ],
)
def test_whose_file_it_is(text: str, ours: object) -> None:
    found = recognise(Beginning(text.encode()))
    assert (found is not None and found.name == "mt") is ours


def broken(text: str) -> Iterator[bytes]:
    yield text.encode()
    raise FormatRefused("The gzip stream is cut off.")


def test_bytes_that_end_in_a_refusal_cost_nothing_that_came_before() -> None:
    items = list(read_mt(broken(bare(1) + "-\n" + bare(2).split(":62F:")[0])))
    assert sum(isinstance(item, Entry) for item in items) == 2
    assert [item.where for item in items if isinstance(item, Reject)] == ["MT940[2]"]
    items = list(read_mt(broken(bare(1) + "-\n")))
    assert [item.why for item in items if isinstance(item, Reject)] == ["the file breaks off here"]
    with pytest.raises(FormatRefused, match="gzip"):
        list(read_mt(broken("")))


def test_blanks_at_the_ends_of_lines_are_no_digits_of_an_amount() -> None:
    (told,) = [
        item
        for item in read_mt([bare(1).replace("EUR1,", "EUR1,00").replace("\n", " \n").encode()])
        if isinstance(item, StatementEnd)
    ]
    assert [check.name for check in told.checks if not check.ok] == []


@pytest.mark.parametrize(
    "sign", ["+", "/", "?", ":", "IBAN:", "C1", " ", "-", "{", "/EREF/", "EREF+", "?20", "\n:", "\n"]
)
def test_a_flood_of_any_sign_in_any_field_takes_no_longer_than_its_length(sign: str) -> None:
    flood = sign * ((10_000 if "\n" in sign else 200_000) // len(sign))
    places = ("text 1", "NMSC", "1,NMSC", "C1,NMSC", "260831C1,NMSC", "1234567890", "EUR1,", "C260831EUR1,", "1/1")
    texts = [bare(1).replace(place, f"{place[:-1]}{flood}{place[-1]}", 1) for place in places]
    texts += [bare(1).replace(place, flood, 1) for place in places]
    for text in [flood + bare(1), *texts]:
        recognise(Beginning(text.encode()[:65_536]))
        with contextlib.suppress(FormatRefused):
            assert sum(1 for _ in read_mt([text.encode()])) >= 1


@pytest.mark.parametrize(
    "head", ["", "{1:F01DEUTDEFFXXXX0000000000}{2:I940XXXXDEFFXXXXN}{4:\n"], ids=["bare", "a block"]
)
def test_a_lone_hyphen_among_the_lines_of_a_text_ends_no_statement(head: str) -> None:
    text = head + bare(1).replace("text 1\n", "text 1\n-\nand more\n") + ("-}" if head else "-\n")
    (entry,) = [item for item in read_mt([text.encode()]) if isinstance(item, Entry)]
    assert entry.remittance == ("text 1", "-", "and more")
    (last,) = [item for item in read_mt([text.encode()]) if isinstance(item, StatementEnd)]
    assert [check for check in last.checks if not check.ok] == []


def test_a_lone_hyphen_ends_what_has_no_closing_balance_to_come() -> None:
    interim = ":20:X{n}\n:25:123\n:28C:{n}\n:34F:EUR0,\n:13D:2608311733+0200\n:61:260831C1,NMSC\n:86:text\n-\n"
    bank = "ABNANL2A\n942\nABNANL2A\n"
    found = messages(bank + interim.replace("{n}", "1") + bank + interim.replace("{n}", "2"))
    assert [[one.text for one in piece.fields if one.tag == "86"] for piece in found] == [[["text"]]] * 2
    broken_off = bare(1).replace(":62F:C260831EUR2,\n", "-\n")
    assert [len(piece.fields) for piece in messages(broken_off + bare(2))] == [6, 7]
