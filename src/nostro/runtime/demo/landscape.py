"""The landscape of the demo: three companies of the sandbox, with keys and passphrases made for it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from ruamel.yaml import YAML

from nostro.acts.identity import hash_passphrase
from nostro.model.intents import INTENTS, AnnotatePayment, RefundPayment, Reread
from nostro.sandbox.stage import ENTITIES, ODOO, Entity
from nostro.store.entropy import Entropy

CALENDARS = {"DE": "TARGET", "CH": "SIC", "US": "Fedwire"}
AT_THE_PSP = (AnnotatePayment.operation, RefundPayment.operation)
AT_THE_ERP = tuple(i.operation for i in INTENTS if i is not Reread and i.operation not in AT_THE_PSP)
ERP_FILES = ("connections/odoo.yaml", "interfaces/booking.yaml")
COMPANY_FILES = tuple(
    f"{kind}-NAME.yaml"
    for kind in ("connections/stripe", "connections/bank", "interfaces/cards", "interfaces/statements")
)
LATE_EFFECTS_SECONDS = 130
"""Longer than a call of the sandbox's Odoo goes on when its client is gone (120 s)."""
PEOPLE = {
    "clerk": ("receivables",),
    "treasurer": ("treasury",),
    "controller": ("control",),
}
SMALL = {"EUR": 10_000, "CHF": 10_000, "USD": 10_000, "JPY": 1_500_000}
RIGHTS: tuple[dict[str, Any], ...] = (
    {"role": "receivables", "acts": ["match", "close", "rerun"], "limits": SMALL},
    {
        "role": "treasury",
        "acts": ["approve", "refuse", "confirm", "match", "close", "rerun", "recover"],
        "limits": "unlimited",
    },
    {
        "role": "control",
        "acts": ["approve", "refuse", "confirm", "close", "rerun", "publish", "recover"],
        "limits": "unlimited",
    },
)


@dataclass(frozen=True, slots=True)
class Grounds:
    """Where the demo's files lie and where everything listens.

    `landscape` is what a user of Nostro writes; the rest lies below `state`.
    """

    landscape: Path
    state: Path
    door: int
    health: int
    sandbox: int
    odoo_token: str
    """The unguessable end of the path to which the sandbox's Odoo sends its webhooks."""

    @property
    def clock(self) -> Path:
        """Where commands of a person read what time it is in the demo's world."""
        return self.state / "world-clock"

    @property
    def sandbox_url(self) -> str:
        """Where all the stand-ins are."""
        return f"http://127.0.0.1:{self.sandbox}"

    def webhooks(self, entities: Sequence[Entity] = ENTITIES) -> dict[str, str]:
        """Where the sandbox's systems send their events, by name."""
        door = f"http://127.0.0.1:{self.door}/in"
        psps = {entity.psp.name: f"{door}/stripe-{entity.psp.name}" for entity in entities}
        return {**psps, "odoo": f"{door}/odoo/{self.odoo_token}"}

    @property
    def secrets(self) -> Path:
        """Keys and passphrases, each in a file that only its owner reads."""
        return self.state / "secrets"

    @property
    def files(self) -> Path:
        """Where the sandbox's banks put their files, a folder each."""
        return self.state / "files"

    @property
    def anchors(self) -> Path:
        """Where the heads of checkpoints are kept, outside of the database."""
        return self.state / "anchor"


def write_landscape(grounds: Grounds, chart: Mapping[str, Any], entropy: Entropy) -> None:
    """Write all files. `chart` is what the sandbox's Odoo says of its companies (`OdooBooks.landscape`)."""
    secrets = Secrets(grounds, entropy)
    told = _of_the_erp(grounds, secrets)
    files: dict[str, Any] = {name: _filled(name, told) for name in ERP_FILES}
    companies = [(entity, _at_the_erp(entity, chart[f"Entity {entity.code}"])) for entity in ENTITIES]
    write_companies(grounds, secrets, files, companies, mode="act")


def write_companies(
    grounds: Grounds,
    secrets: Secrets,
    files: dict[str, Any],
    companies: Iterable[tuple[Entity, Mapping[str, object]]],
    mode: str,
) -> None:
    """Write these files, the house's, and those of each company, of which is told where it is found in Odoo."""
    files |= house_files(grounds, secrets) | {"entities.yaml": "entities:\n"}
    for entity, own in companies:
        (grounds.files / entity.psp.name).mkdir(parents=True, exist_ok=True)
        told = {**_outside(grounds, secrets, entity), **own, "mode": mode}
        files |= {name.replace("NAME", entity.psp.name): _filled(name, told) for name in COMPANY_FILES}
        files["entities.yaml"] += _filled("entity.yaml", told)
    write_files(grounds.landscape, files)


def _filled(name: str, told: Mapping[str, object]) -> str:
    """A file of `written/` with its placeholders filled in."""
    place = resources.files("nostro.runtime.demo").joinpath("written", name)
    return Template(place.read_text(encoding="utf-8")).substitute(told)


def _of_the_erp(grounds: Grounds, secrets: Secrets) -> dict[str, object]:
    return {
        "url": f"{grounds.sandbox_url}/{ODOO}",
        "key": quoted(secrets.keep("odoo.key", "key-nostro")),
        "token": quoted(secrets.keep("odoo.token", grounds.odoo_token)),
        "late_seconds": LATE_EFFECTS_SECONDS,
        "operations": ", ".join(AT_THE_ERP),
        "mode": "act",
    }


def _at_the_erp(entity: Entity, chart: Mapping[str, Any]) -> dict[str, object]:
    """Its names there, and under those of Odoo's journals and accounts the ids that they have."""
    return {
        **chart["accounts"],
        **chart["journals"],
        "company": chart["company"],
        "clearing": chart["clearing"]["STR1"],
        "title": f"Entity {entity.code}",
        "country": entity.code,
        "calendar": CALENDARS[entity.code],
        "odoo_provider": str(entity.code == "DE").lower(),
    }


def _outside(grounds: Grounds, secrets: Secrets, entity: Entity) -> dict[str, object]:
    """Its bank and its provider."""
    name, psp, account = entity.psp.name, entity.psp, entity.account
    return {
        "code": entity.code,
        "name": name,
        "currency": entity.currency,
        "zone": account.zone,
        "number": account.number,
        "url": f"{grounds.sandbox_url}/{entity.psp_path}",
        "key": quoted(secrets.keep(f"stripe-{name}.key", psp.secret_key)),
        "webhook_secret": quoted(secrets.keep(f"stripe-{name}.webhook", psp.webhook_secrets[0])),
        "folder": quoted(str(grounds.files / name)),
        "intraday": "cumulative" if account.cumulative else "delta",
        "operations": ", ".join(AT_THE_PSP),
    }


def write_files(folder: Path, files: Mapping[str, Any]) -> None:
    """Write a landscape's files by name, each a text or what it holds, and the posting policy of `nostro init`."""
    yaml = YAML(typ="safe")
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # ruamel declares it None
    yaml.width = 110
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as file:
            file.write(content) if isinstance(content, str) else yaml.dump(content, file)
    posting = resources.files("nostro.landscape").joinpath("starting", "rules", "posting.json")
    (folder / "rules" / "posting.json").write_text(posting.read_text(encoding="utf-8"), encoding="utf-8")


def quoted(text: str) -> str:
    """As YAML takes it, whatever is in it."""
    return json.dumps(text)


def token(entropy: Entropy) -> str:
    """Letters and digits that nobody can guess."""
    return base64.b32encode(entropy.bytes(15)).decode().lower()


class Secrets:
    """Makes secrets, keeps each in a file of mode 0600, and names them as the landscape does."""

    def __init__(self, grounds: Grounds, entropy: Entropy) -> None:
        self._folder = grounds.secrets
        self._entropy = entropy
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def keep(self, name: str, secret: str) -> str:
        """The reference under which it is found."""
        path = self._folder / name
        path.touch(mode=0o600)
        path.write_text(secret, encoding="utf-8")
        return f"file:{path}"

    def key(self, name: str) -> str:
        """A new key of 32 bytes."""
        return self.keep(name, base64.b64encode(self._entropy.bytes(32)).decode())

    def passphrase(self, name: str) -> str:
        """A new passphrase, kept under this name; returns it."""
        made = token(self._entropy)
        self.keep(name, made)
        return made


def house_files(grounds: Grounds, secrets: Secrets) -> dict[str, Any]:
    """What does not depend on the companies: the house, its limits and its people."""
    house = {
        "environment": "test",
        "state": str(grounds.state),
        "master_key": secrets.key("master.key"),
        "seal_key": secrets.key("seal.key"),
        "anchors": [{"folder": str(grounds.anchors)}],
        "ports": {"door": grounds.door, "health": grounds.health, "sandbox": grounds.sandbox},
    }
    limits = {"limits": {"overpayment_tolerance_minor": {"*": 0}}}
    return {"nostro.yaml": house, "people.yaml": _people(secrets), "rules/limits.yaml": limits}


def _people(secrets: Secrets) -> dict[str, Any]:
    """People known by a passphrase, which whoever plays them finds in the secrets folder."""
    people = []
    for name, roles in PEOPLE.items():
        passphrase = secrets.passphrase(f"{name}.passphrase")
        people.append({"id": name, "roles": list(roles), "passphrase": hash_passphrase(passphrase)})
    return {"people": people, "rights": [{**right, "entities": ["*"]} for right in RIGHTS]}
