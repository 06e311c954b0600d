"""Bodies that no form of ours sends: refused like a form that is out of date, never a fault."""

import gzip

import pytest

from tests.support.panel import PASSWORD, Client, Desk, token_for, token_of

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=a"
PART = b'--a\r\nContent-Disposition: form-data; name="csrf"'
BODIES = {
    "nothing": (URLENCODED, b""),
    "no UTF-8": (URLENCODED, b"csrf=\xff\xfe"),
    "escapes that are no UTF-8": (URLENCODED, b"csrf=%ff%c0%ae&address=%ed%a0%80"),
    "unknown charset": (f"{URLENCODED}; charset=nope", b"csrf=x"),
    "wrong charset": (f"{URLENCODED}; charset=utf-16", b"\x00"),
    "ten thousand fields": (URLENCODED, b"a=1&" * 10_000),
    "no boundary": ("multipart/form-data", b"x"),
    "empty boundary": ("multipart/form-data; boundary=", b"--\r\n"),
    "torn part": (MULTIPART, b"--a\r\nbroken"),
    "file for a token": (MULTIPART, PART + b'; filename="x"\r\n\r\nx\r\n--a--\r\n'),
    "unknown encoding": (
        MULTIPART,
        b"--a\r\nContent-Transfer-Encoding: zzz" + PART[3:] + b"\r\n\r\nx\r\n--a--\r\n",
    ),
    "JSON": ("application/json", b'{"csrf": "x"}'),
    "no type at all": ("", b"csrf=x"),
}
PATHS = ["/login", "/logout", "/accounts", "/accounts/anna@northwind.example/role"]


@pytest.mark.parametrize(("kind", "body"), BODIES.values(), ids=BODIES)
async def test_a_body_that_is_no_form(admin: Client, kind: str, body: bytes) -> None:
    for path in PATHS:
        response = await admin.post(path, data=body, headers={"Content-Type": kind})
        assert response.status == 403, path
        assert "Sendtrace</title>" in await response.text()


@pytest.mark.parametrize("path", PATHS)
async def test_a_body_that_is_not_what_it_says_it_is(admin: Client, path: str) -> None:
    headers = {"Content-Type": URLENCODED, "Content-Encoding": "gzip"}
    response = await admin.post(path, data=b"not gzip", headers=headers)
    assert response.status == 400
    assert "could not read that request" in await response.text()


async def test_a_body_that_grows_when_it_is_unpacked_is_cut(admin: Client) -> None:
    headers = {"Content-Type": URLENCODED, "Content-Encoding": "gzip"}
    bomb = gzip.compress(b"a" * 20_000_000)
    assert (await admin.post("/accounts", data=bomb, headers=headers)).status == 413


@pytest.mark.parametrize(
    "cookie",
    ["é" * 43, '"a\\015\\012b"', "a" * 5000, "short"],
    ids=["no ASCII", "line end", "long", "short"],
)
async def test_a_token_that_we_did_not_make_is_replaced(desk: Desk, cookie: str) -> None:
    client = desk.client()
    headers = {"Cookie": f"sendtrace-login={cookie}"}
    token = token_of(await (await client.get("/login", headers=headers)).text())
    form = {"csrf": token, "address": "anna@northwind.example", "password": PASSWORD}
    assert (await client.post("/login", data=form)).url.path == "/"


async def test_fields_are_read_as_browsers_write_them(admin: Client) -> None:
    form = {"address": "j%C3%BCrgen%40northwind.example", "password": "correct+horse+battery"}
    body = "&".join(f"{name}={value}" for name, value in form.items())
    body += f"&role=user&csrf={await token_for(admin)}"
    response = await admin.post("/accounts", data=body, headers={"Content-Type": URLENCODED})
    assert response.status == 200
    assert "jürgen@northwind.example" in await response.text()
