"""What surrounds every answer."""

import pytest

from holdfast.faces.shield import POLICY, is_ours


@pytest.mark.parametrize(
    ("named", "bound"),
    [
        ("localhost", "127.0.0.1"),
        ("localhost:8081", "127.0.0.1"),
        ("127.0.0.1:8081", "127.0.0.1"),
        ("127.9.9.9", "127.0.0.1"),
        ("[::1]:8081", "127.0.0.1"),
        ("console.localhost:8081", "127.0.0.1"),
        ("Console.Example:8081", "console.example"),
        ("192.0.2.7:8081", "192.0.2.7"),
        ("192.0.2.7:8081", "0.0.0.0"),
        ("[2001:db8::1]:8081", "::"),
    ],
)
def test_loopback_and_the_bound_host_are_ours(named, bound):
    assert is_ours(named, bound=bound)


@pytest.mark.parametrize(
    ("named", "bound"),
    [
        ("", "127.0.0.1"),
        ("evil.example", "127.0.0.1"),
        ("evil.example:8081", "0.0.0.0"),
        ("127.0.0.1.evil.example", "127.0.0.1"),
        ("localhost.evil.example", "127.0.0.1"),
        ("192.0.2.7", "127.0.0.1"),
        ("127.0.0.1@evil.example", "127.0.0.1"),
    ],
)
def test_a_name_that_somebody_elses_dns_points_here_is_not_ours(named, bound):
    assert not is_ours(named, bound=bound)


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/api/calls", "/fragments/map", "/static/console.js"]
)
def test_a_rebound_name_is_refused_on_every_path(path, client):
    response = client.get(path, headers={"host": "evil.example:8081"})
    assert response.status_code == 421
    assert response.json()["error"]["code"] == "faces.host-refused"


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/calls", "/static/console.css", "/nowhere"])
def test_every_answer_is_shielded(path, client):
    headers = client.get(path).headers
    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in headers
    assert headers["cache-control"] in ("no-store", "no-cache")


def test_the_policy_allows_nothing_inline():
    assert "unsafe" not in POLICY
    assert POLICY.startswith("default-src 'none'")
