"""What each role may do."""

from __future__ import annotations

from enum import Enum

from core.domain.errors import NotPermitted
from core.domain.people import Reader, Role


class Permission(Enum):
    """One thing that a person may or may not do, in words that follow "may not"."""

    READ_SLIDES = "open and read slides"
    REGISTER_SLIDES = "register slides"
    STATE_MPP = "state microns per pixel"
    RUN_MODEL = "run the model"
    SEE_AGREEMENT = "see the agreement of readers"
    EXPORT_TRAINING = "export training sets"
    TRAIN = "train models"
    ADD_MODEL = "add models"
    SERVE_MODEL = "put models into service or retire them"
    FREEZE_TEST = "freeze the test that models are judged by"
    LEAD_STUDIES = "set up and change studies"
    WRITE_GUIDE = "write the annotation guide or pin examples to it"
    EXCHANGE_REGIONS = "bring regions in and out for others"
    VERIFY = "verify the store"


_OF_ROLE = {
    Role.READER: {
        Permission.READ_SLIDES,
        Permission.STATE_MPP,
        Permission.RUN_MODEL,
        Permission.SEE_AGREEMENT,
    },
    Role.LEAD: {
        Permission.REGISTER_SLIDES,
        Permission.STATE_MPP,
        Permission.RUN_MODEL,
        Permission.SEE_AGREEMENT,
        Permission.EXPORT_TRAINING,
        Permission.TRAIN,
        Permission.SERVE_MODEL,
        Permission.FREEZE_TEST,
        Permission.LEAD_STUDIES,
        Permission.WRITE_GUIDE,
        Permission.EXCHANGE_REGIONS,
        Permission.VERIFY,
    },
    Role.ADMINISTRATOR: {Permission.REGISTER_SLIDES, Permission.ADD_MODEL, Permission.SERVE_MODEL, Permission.VERIFY},
}


def may(reader: Reader, permission: Permission) -> bool:
    """Say whether one of the person's roles allows it."""
    return any(permission in _OF_ROLE[role] for role in reader.roles)


def require(reader: Reader, permission: Permission) -> None:
    """Let the person pass, or raise NotPermitted."""
    if not may(reader, permission):
        raise NotPermitted(f"{reader.name} may not {permission.value}. Ask an administrator for the role.")
