"""What each role may do, and that a role opens nothing else."""

from __future__ import annotations

import pytest

from core.access.identity import local_reader
from core.access.permissions import Permission, may, require
from core.domain.errors import NotPermitted
from core.domain.people import Reader, ReaderId, Role
from tests.core.store.records import make_reader

FORBIDDEN = {
    Role.READER: {
        Permission.REGISTER_SLIDES,
        Permission.EXPORT_TRAINING,
        Permission.TRAIN,
        Permission.ADD_MODEL,
        Permission.SERVE_MODEL,
        Permission.FREEZE_TEST,
        Permission.LEAD_STUDIES,
        Permission.WRITE_GUIDE,
        Permission.EXCHANGE_REGIONS,
        Permission.VERIFY,
    },
    Role.LEAD: {Permission.READ_SLIDES, Permission.ADD_MODEL},
    Role.ADMINISTRATOR: {
        Permission.READ_SLIDES,
        Permission.STATE_MPP,
        Permission.RUN_MODEL,
        Permission.SEE_AGREEMENT,
        Permission.EXPORT_TRAINING,
        Permission.TRAIN,
        Permission.FREEZE_TEST,
        Permission.LEAD_STUDIES,
        Permission.WRITE_GUIDE,
        Permission.EXCHANGE_REGIONS,
    },
}


@pytest.mark.parametrize("role", Role)
def test_a_role_opens_what_it_is_for_and_nothing_else(role: Role) -> None:
    refused = {permission for permission in Permission if not may(make_reader("anna", role), permission)}
    assert refused == FORBIDDEN[role]


@pytest.mark.parametrize("permission", Permission)
def test_in_local_mode_everything_is_open(permission: Permission) -> None:
    require(local_reader("Anna"), permission)


@pytest.mark.parametrize("permission", Permission)
def test_a_person_without_roles_may_nothing(permission: Permission) -> None:
    nobody = Reader(reader_id=ReaderId("nobody"), name="Nobody", roles=frozenset())
    with pytest.raises(NotPermitted, match="Nobody may not"):
        require(nobody, permission)
