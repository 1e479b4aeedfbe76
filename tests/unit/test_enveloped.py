"""Messages wherever they stand: in headers of networks, as text of other documents, several in one."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

import pytest

from nostro.formats.catalogue import tell
from nostro.formats.reading import Item
from nostro.model.messages import Envelope, Instruction, MessageEnd, MessageHead
from nostro.model.statements import Entry, Reject, StatementEnd
from tests.unit.test_camt import document as statement
from tests.unit.test_camt import entry
from tests.unit.test_payment_messages import group, initiation, payment

INITIATION = initiation(group(payment(1), payment(2), total="24.68"))
STATEMENT = statement(entry(), entry())
HEAD = """<AppHdr xmlns="urn:iso:std:iso:20022:tech:xsd:head.001.001.03"><Fr><FIId><FinInstnId>
<BICFI>COBADEFF</BICFI></FinInstnId>
</FIId></Fr><To><OrgId><Id><OrgId><AnyBIC>HOUSDEFF</AnyBIC></OrgId></Id></OrgId></To><BizMsgIdr>B-1</BizMsgIdr>
<MsgDefIdr>pain.001.001.09</MsgDefIdr><BizSvc>swift.cbprplus.02</BizSvc><PssblDplct>true</PssblDplct><Rltd><Fr><FIId>
<FinInstnId>
<BICFI>OTHRDEFF</BICFI></FinInstnId></FIId></Fr></Rltd></AppHdr>"""
TOLD = Envelope(
    sender="COBADEFF", receiver="HOUSDEFF", business_message_id="B-1", definition="pain.001.001.09",
    service="swift.cbprplus.02", possible_duplicate=True,
)  # fmt: skip


def read(content: bytes, size: int = 1 << 20) -> tuple[str, list[Item]]:
    def chunks() -> Iterator[bytes]:
        return iter([content[start : start + size] for start in range(0, len(content), size)])

    (told,) = tell(chunks)
    return (told.format.name if told.format else "", list(told.items))


def within(*messages: bytes, around: str = "Body") -> bytes:
    texts = "".join(f"<Message>\n<![CDATA[{message.decode()}]]></Message>" for message in messages)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{around}>{texts}</{around}>'.encode()


@pytest.mark.parametrize(
    "around", ["BizMsgEnvlp", "Message", "RequestPayload", "FedNowIncoming", "FedwireFundsOutgoing"]
)
def test_a_networks_elements_around_a_message_are_passed_through_and_its_header_is_told(around: str) -> None:
    name, items = read(f"<{around} xmlns='urn:network'><Inner>{HEAD}{INITIATION.decode()}</Inner></{around}>".encode())
    assert name == "iso20022"
    (head,) = [item for item in items if isinstance(item, MessageHead)]
    assert head.envelope == TOLD
    assert [item.references.end_to_end for item in items if isinstance(item, Instruction)] == ["E-1", "E-2"]


def test_the_header_of_swifts_own_envelope_is_told() -> None:
    header = """<Saa:Header><Saa:Message><Saa:SenderReference>R-1</Saa:SenderReference>
<Saa:MessageIdentifier>pain.001.001.09
</Saa:MessageIdentifier><Saa:Sender><Saa:DN>ou=xxx,o=housdeff,o=swift</Saa:DN></Saa:Sender><Saa:Receiver>
<Saa:BIC12>COBADEFFXXXX</Saa:BIC12>
</Saa:Receiver></Saa:Message></Saa:Header>"""
    body = f"<Saa:Body>{INITIATION.decode()}</Saa:Body>"
    content = f"<Saa:DataPDU xmlns:Saa='urn:swift:saa:xsd:saa.2.0'>{header}{body}</Saa:DataPDU>".encode()
    (head,) = [item for item in read(content)[1] if isinstance(item, MessageHead)]
    assert head.envelope is not None
    assert head.envelope.sender == "ou=xxx,o=housdeff,o=swift"
    assert (head.envelope.receiver, head.envelope.business_message_id) == ("COBADEFFXXXX", "R-1")


@pytest.mark.parametrize("content", [INITIATION, STATEMENT])
def test_what_alliance_access_puts_before_a_file_is_passed_over(content: bytes) -> None:
    length = f"{len(content) + 24:06}".encode()
    for signature in (b"\x00" * 24, b"<bCdEfGhIjKlMnOpQrStUv=="):
        prefixed = b"\x1f" + length + signature + content
        told = [type(item) for item in read(prefixed)[1]]
        assert told == [type(item) for item in read(content)[1]]
        assert [type(item) for item in read(prefixed * 2)[1] if isinstance(item, Instruction)] == 2 * [
            one for one in told if one is Instruction
        ]


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_a_message_in_cdata_is_read_wherever_the_bytes_are_cut(size: int) -> None:
    name, items = read(within(INITIATION), size)
    assert name == "iso20022-enveloped"
    assert sum(isinstance(item, Instruction) for item in items) == 2
    assert sum(isinstance(item, MessageEnd) for item in items) == 1


def test_a_statement_in_cdata_is_found_too_and_lines_keep_their_numbers() -> None:
    broken = statement(entry(), "\n\n", entry(direction="?"))
    name, items = read(within(broken))
    assert name == "iso20022-enveloped"
    assert sum(isinstance(item, Entry) for item in items) == 1
    (reject,) = [item for item in items if isinstance(item, Reject)]
    assert reject.line is not None
    assert within(broken).splitlines()[reject.line - 1].startswith(b"<Ntry>")


def test_several_messages_in_one_document_are_told_one_after_the_other() -> None:
    items = read(within(STATEMENT, INITIATION))[1]
    kinds = [type(item) for item in items if isinstance(item, StatementEnd | MessageEnd)]
    assert kinds == [StatementEnd, MessageEnd]
    items = read(b"<Batch>" + INITIATION + INITIATION + b"</Batch>")[1]
    assert sum(isinstance(item, MessageEnd) for item in items) == 2


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_a_message_that_is_escaped_is_read(size: int) -> None:
    content = f"<Envelope><Body>{escape(INITIATION.decode())}</Body></Envelope>".encode()
    assert sum(isinstance(item, Instruction) for item in read(content, size)[1]) == 2


def test_an_envelope_in_another_encoding_is_read_in_it() -> None:
    named = INITIATION.replace(b"Supplier 017", "Größe".encode())
    content = within(named).replace(b"UTF-8", b"ISO-8859-1").decode().encode("latin-1")
    (first, _) = [item for item in read(content)[1] if isinstance(item, Instruction)]
    assert first.creditor is not None
    assert first.creditor.name == "Größe"
    (first, _) = [item for item in read(within(named).decode().encode("utf-16"))[1] if isinstance(item, Instruction)]
    assert first.creditor is not None
    assert first.creditor.name == "Größe"


def test_text_in_cdata_makes_no_envelope() -> None:
    content = INITIATION.replace(b"<Nm>House</Nm>", b"<Nm><![CDATA[House & Sons]]></Nm>")
    name, items = read(content)
    assert name == "iso20022"
    assert sum(isinstance(item, Instruction) for item in items) == 2


def test_a_message_in_cdata_that_is_cut_is_rejected_where_it_ends() -> None:
    content = within(INITIATION)
    items = read(content[: content.index(b"E-2")])[1]
    assert isinstance(items[-1], Reject)
    assert sum(isinstance(item, Instruction) for item in items) == 1
