"""Connections cut around COMMIT: whether it happened or not, everybody is answered once."""

import pytest

from tests.faults.proxy import Cut, Proxy

CUTS = 100


@pytest.mark.parametrize("where", list(Cut), ids=lambda where: where.value)
def test_cut_connections(house, where):
    parameters = house.postgres.start()
    socket_path = f"{parameters['host']}/.s.PGSQL.5432"
    with Proxy(socket_path) as proxy:
        url = (
            f"postgresql://{parameters['user']}:{parameters['password']}@127.0.0.1:{proxy.port}"
            f"/{parameters['dbname']}?sslmode=disable&gssencmode=disable"
        )
        with house.serve(url) as live, house.asked(live) as journal:
            for _ in range(CUTS):
                assert proxy.cut_next(where, within=5)
                journal.wait_for_answers()
    # The service tries again by itself: no client notices.
    assert not journal.troubles, journal.troubles
