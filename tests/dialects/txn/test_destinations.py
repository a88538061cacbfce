"""Addresses against the vectors that each encoding's specification publishes."""

import hashlib
import random

import pytest

from payglot.dialects.txn import destinations, inferred
from payglot.dialects.txn.checksums import base58, bech32, cashaddr, eip55

# BIP 173, BIP 350, EIP-55, the CashAddr specification, xrpl.org, and well-known addresses on Tron and Litecoin.
TRON = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
ETHEREUM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
XRP = "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"
BITCOIN = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
BITCOIN_CASH = "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"

VALID = {
    "trx:usdt": (TRON, "TLLM21wteSPs4hKjbxgmH1L6poyMjeTbHm"),
    "ttrx:usdt": (TRON,),
    "TTRX": (TRON,),
    "eth": (
        ETHEREUM,
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        "0x52908400098527886E0F7030069857D2E4169EE7",
        "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
        "0xde709f2102306220921060314715629080e2fb77",
        "0x27b1fdb04752bbc536007a920d24acb045561c26",
    ),
    "hterc2dp": (ETHEREUM,),
    "polygon:usdcv2": (ETHEREUM,),
    "btc": (
        BITCOIN,
        "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
        "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
        "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
    ),
    "tbtc4": (
        "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn",
        "2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc",
        "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
        "tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c",
    ),
    "ltc": (
        "LM2WMpR1Rp6j3Sa59cMXMs1SPzj9eXpGc1",
        "MQMcJhpWHYVeQArcZR3sBgyPZxxRtnH441",
        "3CDJNfdWX8m2NwuGUV3nhXHXEeLygMXoAj",
        "ltc1qg42tkwuuxefutzxezdkdel39gfstuap288mfea",
    ),
    "tltc": ("mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "QVk4MvUu7Wb7tZ1wvAeiUvdF7wxhvpyLLK"),
    "bch": (
        BITCOIN_CASH,
        BITCOIN_CASH.removeprefix("bitcoincash:"),
        BITCOIN_CASH.upper(),
        "bitcoincash:ppm2qsznhks23z7629mms6s4cwef74vcwvn0h829pq",
    ),
    "tbch": ("bchtest:pr6m7j9njldwwzlg9v7v53unlr4jkmx6eyvwc0uz5t",),
    "xrp": (XRP, "r9cZA1mLK5R5Am25ArfXFmqgNwjZgnfk59"),
    "txrp": (XRP,),
}

INVALID = {
    "trx": (
        "",
        BITCOIN,
        ETHEREUM,
        TRON[:-1],
        TRON.lower(),
        TRON + "\n",
        TRON.replace("7", "8", 1),
        f" {TRON}",
        "0" + TRON[1:],
        "T" * 5000,
    ),
    "eth": (
        ETHEREUM.replace("A", "a", 1),
        ETHEREUM.removeprefix("0x"),
        ETHEREUM[:-1],
        ETHEREUM + "\n",
        "0x" + "g" * 40,
        TRON,
    ),
    "btc": (
        TRON,
        BITCOIN[:-1] + "b",
        "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn",
        "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
        "tc1qw508d6qejxtdg4y5r3zarvary0c5xw7kg3g4ty",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
        "bC1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "BC13W508D6QEJXTDG4Y5R3ZARVARY0C5XW7KN40WF2",
        "bc1rw5uspcuh",
        "bc10w508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kw5rljs90",
        "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",
        "bc1zw508d6qejxtdg4y5r3zarvaryvqyzf3du",
        "bc1gmk9yu",
        # Of BIP 350: Bech32 where Bech32m belongs and the other way round, a bad checksum, and lengths.
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
        "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",
        "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",
        "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",
        "bc1pw5dgrnzv",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav",
        # Good in every digit, but of a version that has no rules yet: BIP 350 lists it among the valid ones.
        "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs",
    ),
    "ltc": (BITCOIN, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "QVk4MvUu7Wb7tZ1wvAeiUvdF7wxhvpyLLK"),
    "bch": (
        BITCOIN,
        BITCOIN_CASH[:-1] + "q",
        BITCOIN_CASH.replace("bitcoincash", "BitcoinCash"),
        "bchtest:pr6m7j9njldwwzlg9v7v53unlr4jkmx6eyvwc0uz5t",
        "pref:pr6m7j9njldwwzlg9v7v53unlr4jkmx6ey65nvtks5",
        # A hash of 24 bytes: valid in the format, never given out by a wallet.
        "bitcoincash:q9adhakpwzztepkpwp5z0dq62m6u5v5xtyj7j3h2ws4mr9g0",
    ),
    "tbch": (BITCOIN_CASH,),
    "xrp": (XRP[:-1], XRP.lower(), BITCOIN, f"{XRP}?dt=1"),
}


@pytest.mark.parametrize(("network", "address"), [(code, each) for code, all in VALID.items() for each in all])
def test_published_addresses_are_taken(network: str, address: str) -> None:
    assert destinations.problem(network, address, None) is None


@pytest.mark.parametrize(("network", "address"), [(code, each) for code, all in INVALID.items() for each in all])
def test_what_is_no_address_on_the_network_is_named_as_such(network: str, address: str) -> None:
    said = destinations.problem(network, address, None)
    assert said is not None
    assert said.startswith("This is not an address on ")
    assert not address or address not in said


@pytest.mark.parametrize("network", [code for each in inferred.NETWORKS for code in (each.live_code, each.test_code)])
def test_every_network_that_is_offered_knows_its_addresses(network: str) -> None:
    taken = [each for all in VALID.values() for each in all if destinations.problem(network, each, None) is None]
    assert taken
    assert destinations.problem(network, "nothing", None) is not None


@pytest.mark.parametrize(
    ("network", "address"),
    [
        ("eth", "0x" + "0" * 40),
        ("polygon", "0x000000000000000000000000000000000000dEaD"),
        ("usdc", "0x000000000000000000000000000000000000dead"),
        ("trx:usdt", "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb"),
        ("btc", "1111111111111111111114oLvT2"),
        ("xrp", "rrrrrrrrrrrrrrrrrrrrrhoLvTp"),
        ("txrp", "rrrrrrrrrrrrrrrrrrrrBZbvji"),
    ],
)
def test_what_nobody_has_a_key_for_is_flagged(network: str, address: str) -> None:
    assert destinations.problem(network, address, None) == destinations.FLAGGED


def test_a_network_that_is_not_offered_takes_no_address() -> None:
    assert destinations.problem("doge", "D" + BITCOIN[1:], None) == "This network is not supported."


@pytest.mark.parametrize("tag", ["0", "1", "4294967295", "", None])
def test_xrp_takes_a_destination_tag(tag: str | None) -> None:
    assert destinations.problem("xrp", XRP, tag) is None


@pytest.mark.parametrize("tag", ["-1", "4294967296", "1.0", "a", " 1", "٣", "1" * 5000, "²"])
def test_a_destination_tag_is_a_32_bit_number(tag: str) -> None:
    assert destinations.problem("xrp", XRP, tag) == "The destination tag is a whole number from 0 to 4294967295."


def test_other_networks_have_no_destination_tags() -> None:
    assert destinations.problem("trx", TRON, "1") == "Addresses on Tron have no destination tag."
    assert destinations.problem("trx", TRON, "") is None


def test_a_tag_travels_behind_the_address() -> None:
    assert destinations.split(f"{XRP}?dt=77") == (XRP, "77")
    assert destinations.split(XRP) == (XRP, None)
    assert destinations.joined(XRP, "077") == f"{XRP}?dt=77"
    assert destinations.joined(XRP, None) == destinations.joined(XRP, "") == XRP


def test_no_single_slip_of_a_digit_goes_unseen() -> None:
    """Each encoding promises it for one changed character; letters of one case hold no checksum on Ethereum."""
    for network, address in (("trx", TRON), ("xrp", XRP), ("btc", VALID["btc"][3]), ("bch", BITCOIN_CASH)):
        for at in range(len(address)):
            for other in "2aZ":
                if address[at].lower() != other.lower():
                    slipped = address[:at] + other + address[at + 1 :]
                    assert destinations.problem(network, slipped, None) is not None, slipped


@pytest.mark.parametrize(
    ("message", "digest"),
    [
        (b"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        (b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
    ],
)
def test_keccak_256(message: bytes, digest: str) -> None:
    assert eip55.keccak256(message).hex() == digest


@pytest.mark.parametrize("length", [0, 1, 135, 136, 137, 272, 1000])
def test_the_permutation_is_sha3s(length: int) -> None:
    message = random.Random(length).randbytes(length)
    assert eip55.keccak256(message, padding=0x06) == hashlib.sha3_256(message).digest()


def test_what_is_decoded() -> None:
    assert base58.decode(BITCOIN) == (0, bytes.fromhex("62e907b15cbf27d5425399ebf6f0fb50ebb88f18"))
    program = bytes.fromhex("751e76e8199196d454941c45d1b3a323f1433bd6")
    assert bech32.segwit("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "bc") == (0, program)
    assert bech32.segwit("bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", "bc") == (2, program[:16])
    key = bytes.fromhex("76a04053bda0a88bda5177b86a15c3b29f559873")
    assert cashaddr.decode(BITCOIN_CASH, "bitcoincash") == (0, key)
    longer = cashaddr.decode("bitcoincash:q9adhakpwzztepkpwp5z0dq62m6u5v5xtyj7j3h2ws4mr9g0", "bitcoincash")
    assert longer is not None
    assert len(longer[1]) == 24
    assert eip55.decode(ETHEREUM) == bytes.fromhex(ETHEREUM.removeprefix("0x"))
