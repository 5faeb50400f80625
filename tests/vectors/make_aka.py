# SPDX-License-Identifier: Apache-2.0
"""SUCIs and keys of EAP-AKA' with forward secrecy: test-vectors/aka/suci.json and eap-aka-prime-fs.json.

usage: make_aka.py FOLDER

Computed by tests/interop/vectorcheck/ecdhe.py (Python and python3-cryptography), which shares no code with the C side. The published ones are those of
TS 33.501 C.4.3.1 and C.4.4.1, with every value between; the file is not written when one of them comes out otherwise.
"""
import json
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "interop"))
from vectorcheck import ecdhe  # noqa: E402

HN_A = "c53c22208b61860b06c62e5406a7b330c2b577aa5558981510d128247d38bd1d"
HN_B = "f1ab1074477ebcc7f554ea1c5fc368b1616730155e0041ac447d6301975fecda"
PUBLISHED = {
    "A": ("TS 33.501 C.4.3.1", HN_A, "c80949f13ebe61af4ebdbd293ea4f942696b9e815d7e8f0096bbf6ed7de62256",
          {"hn_public": "5a8d38864820197c3394b92613b20b91633cbd897119273bf8e4a6f4eec0a650",
           "eph_public": "b2e92f836055a255837debf850b528997ce0201cb82adfe4be1f587d07d8457d",
           "shared": "028ddf890ec83cdf163947ce45f6ec1a0e3070ea5fe57e2b1f05139f3e82422a", "enc_key": "2ba342cabd2b3b1e5e4e890da11b65f6",
           "icb": "e2622cb0cdd08204e721c8ea9b95a7c6", "plain": "00012080f6", "cipher": "cb02352410",
           "mac_key": "d9846966fb7cf5fcf11266c5957dea60b83fff2b7c940690a4bfe57b1eb52bd2", "mac": "cddd9e730ef3fa87"}),
    "B": ("TS 33.501 C.4.4.1", HN_B, "99798858a1dc6a2c68637149a4b1dbfd1fdff5addd62a2142f06699ed7602529",
          {"hn_public": "0272da71976234ce833a6907425867b82e074d44ef907dfb4b3e21c1c2256ebcd1",
           "eph_public": "039aab8376597021e855679a9778ea0b67396e68c66df32c0f41e9acca2da9b9d1",
           "shared": "6c7e6518980025b982fbb2ff746e3c2e85a196d252099a7ad23ea7b4c0959cae", "enc_key": "8a65c3aed80295c12bd55087e965702a",
           "icb": "ef285b4061c3baee858ab6ec68487dae", "plain": "00012080f6", "cipher": "46a33fc271",
           "mac_key": "a5ebac0bc48d9cf7ae5ce39cd840ac6c761aec04078fab954d634f923e901c64", "mac": "6ac7dae96aa30a4d"}),
}


class Dice(random.Random):
    def octets(self, n):
        return self.getrandbits(8 * n).to_bytes(n, "big")

    def scalar(self):
        return bytes([self.getrandbits(7)]) + self.octets(31)


def suci(profile, comment, private, eph, imsi, mnc_len, hnkey, rid, realm=None):
    curve = ecdhe.Curve(ecdhe.PROFILES[profile])
    plmn, public = imsi[:3 + mnc_len], curve.public(bytes.fromhex(private))
    out = ecdhe.conceal(profile, bytes.fromhex(eph), public, imsi[len(plmn):])
    realm = realm or f"5gc.mnc{plmn[3:].zfill(3)}.mcc{plmn[:3]}.3gppnetwork.org"
    return {"tcId": 0, "comment": comment, "profile": profile, "plmn": plmn, "hnkey": hnkey, "rid": rid, "hn_private": private,
            "hn_public": public.hex(), "eph_private": eph, **{k: v.hex() for k, v in out.items()}, "imsi": imsi,
            "nai": ecdhe.nai_of(rid, profile, hnkey, out, realm), "result": "valid"}


def refused(good, comment, **changed):
    keep = ("tcId", "profile", "plmn", "hnkey", "hn_private", "hn_public", "nai")
    return {**{k: good[k] for k in keep}, "comment": comment, "result": "invalid", **changed}


def text_of(profile, dice, imsi, plain):
    """A SUCI under a right tag that conceals something else than an MSIN."""
    t = suci(profile, "", HN_A if profile == "A" else HN_B, dice.scalar().hex(), imsi, 2, 27, "678")
    keys = {k: bytes.fromhex(t[k]) for k in ("enc_key", "icb", "mac_key", "eph_public")}
    cipher = ecdhe.counter_mode(keys, plain)
    keys.update(cipher=cipher, mac=ecdhe.hmac.digest(keys["mac_key"], cipher, "sha256")[:8])
    return {**t, "nai": ecdhe.nai_of("678", profile, 27, keys, t["nai"].split("@")[1])}


def bad_sucis(profile, good, dice):
    nai, low = good["nai"], good["nai"].index(".mac") + 4
    public = good["eph_public"]

    def with_public(new):
        return nai.replace(public, new)
    yield refused(good, "a digit of the tag altered", nai=nai[:low] + ("0" if nai[low] != "0" else "1") + nai[low + 1:])
    at = nai.index(".cip") + 4
    yield refused(good, "a digit of the ciphertext altered", nai=nai[:at] + ("0" if nai[at] != "0" else "1") + nai[at + 1:])
    yield refused(good, "the null scheme", nai="type0.rid678.schid0.userid0999999999@" + nai.split("@")[1])
    yield refused(good, "a scheme that nobody has", nai=nai.replace(f"schid{1 if profile == 'A' else 2}", "schid7"))
    yield refused(good, "the other profile's number", nai=nai.replace(f"schid{1 if profile == 'A' else 2}", f"schid{2 if profile == 'A' else 1}"))
    yield refused(good, "a network specific identifier", nai="type1" + nai[5:])
    yield refused(good, "another home network key", nai=nai.replace("hnkey27", "hnkey28"))
    yield refused(good, "another home network's realm", nai=nai.replace("mnc012", "mnc013"))
    yield refused(good, "a tag of seven octets", nai=nai.replace("@", "@", 1)[:low] + nai[low + 2:])
    yield refused(good, "no tag", nai=nai[:low - 4] + nai[low + 16:])
    yield refused(good, "one field too many", nai=nai.replace("@", ".x0@"))
    yield refused(good, "fields in another order", nai=nai.replace(".rid678", "").replace(".hnkey27", ".rid678.hnkey27"))
    yield refused(good, "a routing indicator of five digits", nai=nai.replace("rid678", "rid67890"))
    yield refused(good, "not hexadecimal", nai=with_public("zz" + public[2:]))
    yield refused(good, "half an octet", nai=with_public(public[1:]))
    yield refused(good, "another ephemeral key", nai=with_public(ecdhe.Curve(ecdhe.PROFILES[profile]).public(dice.scalar()).hex()))
    if profile == "A":
        yield refused(good, "an ephemeral key of small order", nai=with_public("00" * 32))
    else:
        yield refused(good, "an ephemeral key that is no point", nai=with_public("02" + "00" * 31 + "01"))
        yield refused(good, "an uncompressed ephemeral key", nai=with_public("04" + public[2:] + "00" * 32))
    for what, plain in (("an MSIN with a digit above nine", "000120a0f6"), ("an MSIN that ends in its middle", "00f12080f6"),
                        ("an MSIN too long for an IMSI", "000000000000")):
        yield refused(text_of(profile, dice, "27412001002086", bytes.fromhex(plain)), what)


def sucis():
    groups = []
    for profile, (source, private, eph, values) in PUBLISHED.items():
        dice = Dice(f"suci {profile}")
        good = suci(profile, source, private, eph, "274012001002086", 3, 27, "678")
        for k, v in values.items():
            if good[k] != v:
                sys.exit(f"{source}: {k} is {good[k]}, published {v}")
        groups.append({"type": "SuciTest", "origin": "published", "comment": source, "tests": [good]})
        own = [suci(profile, "an even number of digits, a short MNC", private, dice.scalar().hex(), "001010000000001", 2, 0, "0"),
               suci(profile, "the shortest", private, dice.scalar().hex(), "00101" + "7", 2, 255, "9999"),
               suci(profile, "a realm of the operator's own", private, dice.scalar().hex(), "001010123456789", 2, 27, "12", "operator.example"),
               suci(profile, "the realm of the permanent identity", private, dice.scalar().hex(), "234150999999999", 2, 27, "678",
                    "wlan.mnc015.mcc234.3gppnetwork.org")]
        upper = dict(own[0], comment="hexadecimal in capitals")
        head, rest = upper["nai"].split(".ecckey")
        upper["nai"] = head + ".ecckey" + rest.split(".cip")[0].upper() + ".cip" + rest.split(".cip")[1]
        for k in ("eph_private", "eph_public", "shared", "enc_key", "icb", "plain", "cipher", "mac_key", "mac", "rid"):
            upper.pop(k)
        groups.append({"type": "SuciTest", "origin": "own", "tests": [*own, upper, *bad_sucis(profile, good, dice)]})
    return document("SUCI (3GPP TS 33.501 Annex C, TS 23.003 s28.7.3)", ["3GPP TS 33.501 C.4.3.1, C.4.4.1"], groups)


def fs_case(kdf, comment, dice, identity, name):
    curve = ecdhe.Curve(ecdhe.FS[kdf])
    t = {"server_private": dice.scalar(), "peer_private": dice.scalar(), "identity": identity, "network_name": name, "ck": dice.octets(16),
         "ik": dice.octets(16), "autn": dice.octets(6) + b"\x80\x00" + dice.octets(8)}
    t["server_public"], t["peer_public"] = curve.public(t["server_private"]), curve.public(t["peer_private"])
    t["shared"] = curve.shared(t["peer_private"], t["server_public"])
    t.update(ecdhe.fs_keys(identity, t["ck"], t["ik"], name, t["autn"], t["shared"]))
    return {"tcId": 0, "comment": comment, "kdf_fs": kdf, **{k: v.hex() for k, v in t.items()}, "result": "valid"}


def fs():
    groups = []
    for kdf in (1, 2):
        dice = Dice(f"fs {kdf}")
        good = [fs_case(kdf, "a Forward Secrecy exchange with a WLAN", dice, b"6001010000000001@wlan.mnc001.mcc001.3gppnetwork.org", b"WLAN"),
                fs_case(kdf, "with a Forwarding Agent", dice, b"6001010000000001@wlan.mnc001.mcc001.3gppnetwork.org", b"HIP:" + b"2001" * 8),
                fs_case(kdf, "a SUCI as identity", dice, sucis()["testGroups"][2 * (kdf - 1)]["tests"][0]["nai"].encode(), b"WLAN"),
                fs_case(kdf, "a pseudonym as identity", dice, b"7" + b"abcdefgh" * 3 + b"@wlan.mnc001.mcc001.3gppnetwork.org", b"5G:mnc001.mcc001")]
        keep = ("tcId", "kdf_fs", "server_private", "peer_private", "identity", "network_name", "ck", "ik", "autn")
        keys = ["00" * 32, "01" + "00" * 31] if kdf == 1 else ["02" + "00" * 31 + "01", "04" + good[0]["peer_public"][2:], good[0]["peer_public"][2:]]
        bad = [{**{k: good[0][k] for k in keep}, "comment": c, "peer_public": p, "result": "invalid"}
               for c, p in zip(("a point of small order" if kdf == 1 else "no point", "another of small order" if kdf == 1 else "a form that is not sent",
                                "one octet short"), keys)]
        groups.append({"type": "EapAkaPrimeFsTest", "origin": "own", "tests": good + bad})
    return document("EAP-AKA' with forward secrecy (RFC 9678)", ["own: no vectors are published, and no other implementation was at hand"], groups)


def document(algorithm, source, groups):
    n = 0
    for g in groups:
        for t in g["tests"]:
            n += 1
            t["tcId"] = n
    return {"algorithm": algorithm, "source": source, "notes": {"made": "tests/vectors/make_aka.py, by Python and python3-cryptography"},
            "numberOfTests": n, "testGroups": groups}


def main():
    folder = pathlib.Path(sys.argv[1])
    for name, doc in (("suci", sucis()), ("eap-aka-prime-fs", fs())):
        (folder / f"{name}.json").write_text(json.dumps(doc, indent=1) + "\n")


if __name__ == "__main__":
    main()
