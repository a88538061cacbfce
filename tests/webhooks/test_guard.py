"""The guard's table, entry by entry."""

import ipaddress
import time

import pytest

from payglot.webhooks.guard import ForbiddenUrl, Guard

HOSTILE_ADDRESSES = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "8000::1",
    "fc00::1",
    "fd00:ec2::254",
    "fd12:3456:789a::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "feff::1",
    "ff02::1",
    "ff0e::1",
]
HOSTILE_URLS = [
    "http://127.0.0.1/", "https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://017700000001/",
    "https://0177.0.0.1/", "https://0x7f000001/", "https://0x7f.0.0.1/", "https://127.0.1/", "https://127.0.0.1./",
    "https://0/", "https://0.0.0.0/", "https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/", "https://[0:0:0:0:0:ffff:a9fe:a9fe]/", "https://[fe80::1%25eth0]/", "https://[fe80::1%eth0]/",
    "https://169.254.169.254/latest/meta-data/", "https://2852039166/", "https://0xa9fea9fe/", "https://[fd00:ec2::254]/",
    "https://localhost/", "https://LOCALHOST/", "https://localhost./", "https://foo.localhost/", "https://printer.local/",
    "https://metadata.google.internal/", "https://intranet/", "https://router.lan/", "https://nas.home.arpa/",
    "https://１２７.0.0.1/", "https://①②⑦.0.0.1/", "https://127。0。0。1/", "https://user@shop.example/",
    "https://user:pass@shop.example/", "https://shop.example@127.0.0.1/", "https://shop.example\\@127.0.0.1/",
    "https://shop.example#@127.0.0.1/", "https://shop.example /", "https://shop.example/\n", "https://shop.example/\t",
    "https://shop.example/\x00", "https://shop.example/\x7f", " https://shop.example/", "https:///path", "https://",
    "//shop.example/", "shop.example/hook", "ftp://shop.example/", "file:///etc/passwd", "gopher://shop.example/",
    "javascript:alert(1)", "http://shop.example/hook", "HTTP://shop.example/", "https://shop.example:99999/",
    "https://shop.example:port/", "https://sh%6fp.example/", "https://[::1", "https://[shop.example]/",
    "https://-shop.example/", "https://shop..example/", "https://" + "a" * 3000 + ".example/", "https://shop_\u202e.example/",
    "https://10.0.0.1:443/", "https://192.168.1.1/", "https://172.16.0.1/", "https://100.64.0.1/", "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/", "https://0300.0250.0.1/", "https://192.168.257/", "https://224.0.0.1/", "https://255.255.255.255/",
    "https://shop.example:0/", "https://256.256.256.256/", "https://1.2.3.4.5/", "https://shop.example.0x7f/",
    "https://08.8.8.8/", "https://4294967297/", "https://[v1.x]/", "https://[127.0.0.1]/", "https://[::1%25lo]/",
    "https://" + "a" * 64 + ".example/", "https://" + "a." * 130 + "example/", "https://0x7F.1/", "https://ⅼocalhost/",
    "https://127%2e0.0.1/", "https://shop.example／@127.0.0.1/", "https:////127.0.0.1/", "https://a,b.example/",
]  # fmt: skip
GOOD_URLS = [
    "https://shop.example/hook",
    "https://shop.example:8443/hook?secret_key=a%20b&x=1",
    "https://hooks.shop.example.",
    "https://93.184.215.14/hook",
    "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/hook",
    "https://xn--bcher-kva.example/",
    "https://bücher.example/hook",
    "HTTPS://Shop.Example/Hook",
    "https://shop.example:/hook",
    "https://3com.example/",
    "https://1.2.3.4.example/",
    "https://_dmarc.shop.example/",
    "https://" + "a" * 63 + ".example/",
]
nowhere_private = Guard(())


@pytest.mark.parametrize("address", HOSTILE_ADDRESSES)
def test_addresses_that_no_webhook_needs_are_refused(address: str) -> None:
    assert nowhere_private.refusal(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "8.8.8.8",
        "93.184.215.14",
        "172.15.0.1",
        "172.32.0.1",
        "100.128.0.1",
        "2606:4700::1111",
        "2a00:1450::1",
    ],
)
def test_public_addresses_are_fine(address: str) -> None:
    assert nowhere_private.refusal(ipaddress.ip_address(address)) is None


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_hostile_urls_are_refused_in_every_spelling(url: str) -> None:
    with pytest.raises(ForbiddenUrl):
        nowhere_private.check_url(url)


@pytest.mark.parametrize("url", GOOD_URLS)
def test_public_https_urls_are_fine(url: str) -> None:
    nowhere_private.check_url(url)


def test_a_query_is_kept_byte_for_byte() -> None:
    checked = nowhere_private.check_url("https://shop.example/hook?a=%7E&b=%20&secret_key=x%2By")
    assert checked.raw_path_qs == "/hook?a=%7E&b=%20&secret_key=x%2By"


def test_the_operators_networks_win_and_may_use_plain_http() -> None:
    guard = Guard((ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("fd12::/16")))
    for url in (
        "http://127.0.0.1:9000/hook",
        "http://localhost:9000/",
        "http://[fd12::1]/",
        "http://[::ffff:127.0.0.1]/",
    ):
        guard.check_url(url)
    for url in ("http://10.0.0.1/", "https://169.254.169.254/", "http://93.184.215.14/"):
        with pytest.raises(ForbiddenUrl):
            guard.check_url(url)


@pytest.mark.parametrize("host", ["a" * 60 + "-", "a" * 2000 + "!", "a." * 1000 + "-", "ü" * 2000, "é." * 900 + "-"])
def test_no_host_takes_long_to_refuse(host: str) -> None:
    began = time.perf_counter()
    with pytest.raises(ForbiddenUrl):
        nowhere_private.check_url(f"https://{host}/")
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize(
    ("carrier", "fine", "refused"),
    [
        ("64:ff9b::/96", "64:ff9b::808:808", "64:ff9b::a9fe:a9fe"),
        ("64:ff9b:1::/48", "64:ff9b:1::808:808", "64:ff9b:1::a00:1"),
        ("2002::/16", "2002:808:808::1", "2002:7f00:1::1"),
        # Teredo writes the address inverted: 8.8.8.8 and 127.0.0.1.
        ("2001::/32", "2001:0:4136:e378:8000:63bf:f7f7:f7f7", "2001:0:4136:e378:8000:63bf:80ff:fffe"),
        ("::/96", "::808:808", "::a00:1"),
        ("::/0", "2a00:1450::1", "::ffff:127.0.0.1"),
    ],
)
def test_an_allowed_carrier_does_not_allow_every_address_inside(carrier: str, fine: str, refused: str) -> None:
    guard = Guard((ipaddress.ip_network(carrier),))
    assert guard.refusal(ipaddress.ip_address(fine)) is None
    assert guard.refusal(ipaddress.ip_address(refused))


def test_a_carrier_may_use_plain_http_only_to_an_address_that_is_itself_allowed() -> None:
    guard = Guard((ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("10.0.0.0/8")))
    assert guard.allows(ipaddress.ip_address("64:ff9b::a00:1"))
    assert not guard.allows(ipaddress.ip_address("64:ff9b::808:808"))


def test_a_mapped_address_is_allowed_as_the_address_it_means() -> None:
    guard = Guard((ipaddress.ip_network("127.0.0.0/8"),))
    assert guard.allows(ipaddress.ip_address("::ffff:127.0.0.1"))
    assert guard.refusal(ipaddress.ip_address("::ffff:10.0.0.1"))
