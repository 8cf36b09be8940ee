"""Requests as an attacker writes them, with the status that each is answered with.

200 is a request that is in order although it looks odd. SMUGGLED stands in a body, or in what a
lenient server would take for one: whoever sees it as a request has lost count.
"""

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer stolen\r\n\r\n"
HOST = b"Host: shop\r\n"
POST = b"POST /odd HTTP/1.1\r\n" + HOST
GET = b"GET /odd HTTP/1.1\r\n" + HOST
LENGTH = b"Content-Length: %d\r\n" % len(SMUGGLED)
IN_CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)
CHUNKED = b"Transfer-Encoding: chunked\r\n"

Case = tuple[int, bytes]


def _lengths() -> dict[str, Case]:
    bad = [
        *(b"+5", b"-5", b"5 5", b"5,5", b"5, 5", b"0x5", b"5a", b"a5", b"5.0", b"5e1", b"", b" "),
        *(b"\xb2", b"\xd9\xa5", b"99999999999999999999999", b"18446744073709551621", b"5;", b'"5"'),
        b"1" * 400,
    ]
    found = {
        f"length {value[:20]!r}": (400, POST + b"Content-Length: %b\r\n\r\n" % value + SMUGGLED)
        for value in bad
    }
    for value in (b"%d \t", b" \t%d", b"000%d"):
        body = POST + b"Content-Length:" + value % len(SMUGGLED) + b"\r\n\r\n" + SMUGGLED
        found[f"length as {value!r}"] = (200, body)
    found["two lengths"] = (400, POST + LENGTH + b"Content-Length: 5\r\n\r\n" + SMUGGLED)
    found["two equal lengths"] = (400, POST + LENGTH + LENGTH + b"\r\n" + SMUGGLED)
    found["length with a space before the colon"] = (
        400,
        POST + b"Content-Length : 5\r\n\r\n" + SMUGGLED,
    )
    found["length with an underscore"] = (200, POST + b"Content_Length: 5\r\n\r\n")
    found["length in a folded line"] = (400, POST + b"X: a\r\n Content-Length: 5\r\n\r\nabcde")
    found["folded length"] = (400, POST + b"Content-Length:\r\n 5\r\n\r\nabcde")
    found["length and an empty body"] = (200, POST + b"Content-Length: 0\r\n\r\n")
    found["a GET with a body"] = (200, GET + LENGTH + b"\r\n" + SMUGGLED)
    return found


def _codings() -> dict[str, Case]:
    unknown = [
        *(b"gzip", b"gzip, chunked", b"identity", b"deflate,chunked", b"xchunked", b"chunkedx"),
        *(b"chunk", b"chunked, identity"),
    ]
    broken = [
        *(b"chunked, chunked", b"chunked;q=1", b'"chunked"', b"\x0bchunked"),
        *(b"chunked\x00", b"chunked,", b"", b"ch unked"),
    ]
    found = {}
    for value in unknown + broken:
        request = POST + b"Transfer-Encoding: %b\r\n\r\n" % value + IN_CHUNKS
        found[f"coding {value!r}"] = (501 if value in unknown else 400, request)
    for value in (b"Chunked", b"CHUNKED", b"\tchunked"):
        request = POST + b"Transfer-Encoding:" + value + b"\r\n\r\n" + IN_CHUNKS
        found[f"coding as {value!r}"] = (200, request)
    found["length, then coding"] = (400, POST + LENGTH + CHUNKED + b"\r\n" + IN_CHUNKS)
    found["coding, then length"] = (400, POST + CHUNKED + LENGTH + b"\r\n" + IN_CHUNKS)
    found["coding with a space before the colon"] = (
        400,
        POST + LENGTH + b"Transfer-Encoding : chunked\r\n\r\n" + SMUGGLED,
    )
    found["coding after a tab"] = (
        400,
        POST + LENGTH + b"\tTransfer-Encoding: chunked\r\n\r\n" + SMUGGLED,
    )
    found["coding after a bare LF"] = (
        400,
        POST + LENGTH + b"X: y\nTransfer-Encoding: chunked\r\n\r\n" + SMUGGLED,
    )
    found["coding after a bare CR"] = (
        400,
        POST + LENGTH + b"X: y\rTransfer-Encoding: chunked\r\n\r\n" + SMUGGLED,
    )
    found["two codings"] = (400, POST + CHUNKED + CHUNKED + b"\r\n" + IN_CHUNKS)
    found["coding in HTTP/1.0"] = (
        400,
        b"POST /odd HTTP/1.0\r\n" + HOST + CHUNKED + b"\r\n" + IN_CHUNKS,
    )
    found["coding with an underscore"] = (
        200,
        POST + LENGTH + b"Transfer_Encoding: chunked\r\n\r\n" + SMUGGLED,
    )
    return found


def _chunks() -> dict[str, Case]:
    wrong = {
        "size with a sign": b"+5\r\nabcde\r\n0\r\n\r\n",
        "size below zero": b"-5\r\nabcde\r\n0\r\n\r\n",
        "size in 0x": b"0x5\r\nabcde\r\n0\r\n\r\n",
        "size with a space before it": b" 5\r\nabcde\r\n0\r\n\r\n",
        "size with a space behind it": b"5 \r\nabcde\r\n0\r\n\r\n",
        "size with a letter": b"5g\r\nabcde\r\n0\r\n\r\n",
        "no size": b"\r\nabcde\r\n0\r\n\r\n",
        "size that overflows": b"10000000000000005\r\nabcde\r\n0\r\n\r\n",
        "size of all ones": b"ffffffffffffffff\r\nabcde\r\n0\r\n\r\n",
        "size with a bare LF": b"5\nabcde\r\n0\r\n\r\n",
        "size with a bare CR": b"5\rabcde\r\n0\r\n\r\n",
        "chunk too long": b"5\r\nabcdef\r\n0\r\n\r\n",
        "chunk too short": b"5\r\nabcd\r\n0\r\n\r\n",
        "chunk that ends with letters": b"5\r\nabcdeXX0\r\n\r\n",
        "chunk that ends with two LFs": b"5\r\nabcde\n\n0\r\n\r\n",
        "chunk that ends with two CRs": b"5\r\nabcde\r\r0\r\n\r\n",
        "chunk that ends in reverse": b"5\r\nabcde\n\r0\r\n\r\n",
        "chunk without its end": b"5\r\nabcde0\r\n\r\n",
        "chunk that ends with LF": b"5\r\nabcde\n0\r\n\r\n",
        "chunk that ends with CR": b"5\r\nabcde\r0\r\n\r\n",
        "extension with a LF": b"5;a\nb\r\nabcde\r\n0\r\n\r\n",
        "extension with a CR": b"5;a\rb\r\nabcde\r\n0\r\n\r\n",
        "extension with a NUL": b"5;a\0b\r\nabcde\r\n0\r\n\r\n",
        "extension without end": b"5;" + b"x" * 400 + b"\r\nabcde\r\n0\r\n\r\n",
        "end with a bare LF": b"5\r\nabcde\r\n0\n\n",
        "end of LFs": b"5\r\nabcde\r\n0\r\n\n",
        "trailer that is none": b"5\r\nabcde\r\n0\r\nGET /smuggled HTTP/1.1\r\n\r\n",
        "trailer with a bare CR": b"5\r\nabcde\r\n0\r\nX: a\rb\r\n\r\n",
        "trailer that is folded": b"5\r\nabcde\r\n0\r\nX: a\r\n b\r\n\r\n",
        "trailer with a NUL": b"5\r\nabcde\r\n0\r\nX: a\0b\r\n\r\n",
    }
    right = {
        "size with zeros": b"0005\r\nabcde\r\n0\r\n\r\n",
        "size in capitals": b"A\r\nabcdefghij\r\n0\r\n\r\n",
        "end of many zeros": b"5\r\nabcde\r\n0000\r\n\r\n",
        "extension": b"5;a=b;c\r\nabcde\r\n0;d\r\n\r\n",
        "quoted extension": b'5;a="b;c"\r\nabcde\r\n0\r\n\r\n',
        "trailers": b"5\r\nabcde\r\n0\r\nAuthorization: Bearer t\r\nContent-Length: 99\r\n\r\n",
        "no body": b"0\r\n\r\n",
        "a request in a chunk": IN_CHUNKS,
    }
    found = {name: (400, POST + CHUNKED + b"\r\n" + body) for name, body in wrong.items()}
    return found | {name: (200, POST + CHUNKED + b"\r\n" + body) for name, body in right.items()}


def _lines() -> dict[str, Case]:
    wrong = [
        *(b"GET /odd\r\n", b"GET  HTTP/1.1\r\n", b" GET /odd HTTP/1.1\r\n"),
        *(b"GET\t/odd HTTP/1.1\r\n", b"GET /odd\tHTTP/1.1\r\n", b"GET /odd HTTP/1.1 \r\n"),
        *(b"GET  /odd HTTP/1.1\r\n", b"GET /odd  HTTP/1.1\r\n", b"GET /od d HTTP/1.1\r\n"),
        *(b"GET /odd http/1.1\r\n", b"GET /odd HTTP/1.10\r\n", b"GET /odd HTTP/11\r\n"),
        *(b"GET /odd HTTP/1,1\r\n", b"GET /odd HTTP/1.\r\n", b"GET /odd HTP/1.1x\r\n"),
        *(b"GET /o\0dd HTTP/1.1\r\n", b"GET /o\x7fdd HTTP/1.1\r\n", b"GET /o\xc3\xa4 HTTP/1.1\r\n"),
        *(b"GET /odd HTTP/1.1\n", b"GET /odd HTTP/1.1\r", b"G(T /odd HTTP/1.1\r\n", b"\0\0\0\r\n"),
        *(b"GET odd HTTP/1.1\r\n", b"GET * HTTP/1.1\r\n", b"GET shop:80 HTTP/1.1\r\n"),
        *(b"GET ftp://shop/odd HTTP/1.1\r\n", b"GET http:///odd HTTP/1.1\r\n"),
        *(b"GET http://a,b/odd HTTP/1.1\r\n", b"GET http://a:bc/odd HTTP/1.1\r\n"),
        *(b"GET http://%b/odd HTTP/1.1\r\n" % (b"a" * 301), b"M" * 9000 + b" / HTTP/1.1\r\n"),
        *(b"GET http://me@shop/odd HTTP/1.1\r\n", b"GET /odd#part HTTP/1.1\r\n"),
    ]
    versions = [b"HTTP/2.0", b"HTTP/3.0", b"HTTP/0.9", b"HTTP/2", b"RTSP/1.0", b"ICE/1.0"]
    found = {f"line {line!r}": (400, line + HOST + b"\r\n") for line in wrong}
    found["line b'GET /odd\\r\\n'"] = (505, b"GET /odd\r\n" + HOST + b"\r\n")
    for version in versions:
        found[f"version {version!r}"] = (505, b"GET /odd " + version + b"\r\n" + HOST + b"\r\n")
    for method in (b"BREW", b"get", b"GE", b"GETT", b"GET-", b"X" * 32):
        found[f"method {method!r}"] = (501, method + b" /odd HTTP/1.1\r\n" + HOST + b"\r\n")
    found["method of 33 letters"] = (400, b"X" * 33 + b" /odd HTTP/1.1\r\n" + HOST + b"\r\n")
    for line in (b"GET http://shop/odd HTTP/1.1", b"GET HTTPS://shop:1/odd?a HTTP/1.1"):
        found[f"line {line!r}"] = (200, line + b"\r\nHost: other\r\n\r\n")
    for line in (b"GET /odd HTTP/1.2", b"OPTIONS * HTTP/1.1", b"PURGE /odd HTTP/1.1"):
        found[f"line {line!r}"] = (200, line + b"\r\n" + HOST + b"\r\n")
    found["empty lines before it"] = (200, b"\r\n\r\n" + GET + b"\r\n")
    found["many empty lines before it"] = (400, b"\r\n" * 9 + GET + b"\r\n")
    found["a LF before it"] = (400, b"\n" + GET + b"\r\n")
    return found


def _fields() -> dict[str, Case]:
    wrong = [
        *(b"X y: a\r\n", b"X : a\r\n", b" X: a\r\n", b": a\r\n", b"X\r\n", b"X@y: a\r\n"),
        *(b"X\0: a\r\n", b"X\xe4: a\r\n", b'"X": a\r\n', b"X: a\0b\r\n", b"X: a\rb\r\n"),
        *(b"X: a\nY: b\r\n", b"X: a\n\r\n", b"X: a\r\r\n", b"X: a\x01\r\n", b"X: a\x7f\r\n"),
        *(b"X: a\r\n b\r\n", b"X: a\r\n\tb\r\n", b"X: a\x0b\r\n", b"X: a\n\n" + SMUGGLED),
        *(b"Content-Type: a/b\r\nContent-Type: a/b\r\n", b"Content-Length: 0\r\n" * 2),
        *(HOST, b"Host: other\r\n", b"Authorization: a\r\nAuthorization: b\r\n"),
    ]
    found = {f"field {field[:30]!r}": (400, GET + field + b"\r\n") for field in wrong}
    for host in (b"a b", b"a,b", b"a/b", b"me@a", b"a:b", b"a:1:2", b"[::1", b"a\xe4", b"<a>"):
        found[f"host {host!r}"] = (400, b"GET /odd HTTP/1.1\r\nHost: %b\r\n\r\n" % host)
    for host in (b"[::1]:8000", b"a.b-c_d:80", b"127.0.0.1", b"a:"):
        found[f"host {host!r}"] = (200, b"GET /odd HTTP/1.1\r\nHost: %b\r\n\r\n" % host)
    found["a host of 60 KiB"] = (400, b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % (b"a" * 60_000))
    found["no host"] = (400, b"GET /odd HTTP/1.1\r\n\r\n")
    found["101 fields"] = (431, GET + b"X: y\r\n" * 100 + b"\r\n")
    found["100 fields"] = (200, GET + b"X: y\r\n" * 99 + b"\r\n")
    found["a head of 65 KiB"] = (431, GET + b"X: " + b"y" * 66_000 + b"\r\n\r\n")
    found["a target of 9 KiB"] = (414, b"GET /" + b"y" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n")
    found["another expectation"] = (417, POST + LENGTH + b"Expect: more\r\n\r\n" + SMUGGLED)
    found["a packed body"] = (415, POST + LENGTH + b"Content-Encoding: gzip\r\n\r\n" + SMUGGLED)
    for first, second in ((b"gzip", b"identity"), (b"identity", b"gzip")):
        both = b"Content-Encoding: %b\r\nContent-Encoding: %b\r\n" % (first, second)
        found[f"{first!r} and {second!r}"] = (415, POST + LENGTH + both + b"\r\n" + SMUGGLED)
    for other in (b"more", b"100-continue"):
        both = b"Expect: %b\r\nExpect: 100-continue\r\n" % other
        found[f"{other!r} and another"] = (417, POST + LENGTH + both + b"\r\n" + SMUGGLED)
    found["bytes above 127"] = (200, GET + b"X: \xe4\r\n\r\n")
    found["an empty value"] = (200, GET + b"X:\r\n\r\n")
    return found


def _protocols() -> dict[str, Case]:
    upgrade = b"Connection: Upgrade\r\nUpgrade: %b\r\n"
    found: dict[str, Case] = {}
    for wanted in (b"h2c", b"websocket", b"TLS/1.0", b"foo, bar"):
        offer = upgrade % wanted
        found[f"upgrade to {wanted!r}"] = (200, POST + offer + LENGTH + b"\r\n" + SMUGGLED)
        found[f"upgrade to {wanted!r}, in chunks"] = (
            200,
            POST + CHUNKED + offer + b"\r\n" + IN_CHUNKS,
        )
        found[f"upgrade to {wanted!r}, no body"] = (200, GET + offer + b"\r\n")
    found["upgrade in capitals"] = (
        200,
        POST + b"CONNECTION: UPGRADE, HTTP2-Settings\r\nUPGRADE: h2c\r\nHTTP2-SETTINGS: AAM\r\n"
        + LENGTH + b"\r\n" + SMUGGLED,
    )  # fmt: skip
    found["two upgrades"] = (
        200,
        POST + upgrade % b"a" + upgrade % b"b" + LENGTH + b"\r\n" + SMUGGLED,
    )
    found["HTTP/2"] = (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
    found["TLS"] = (400, b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"\xaa" * 64)
    found["PROXY"] = (400, b"PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n" + GET + b"\r\n")
    found["SOCKS"] = (400, b"\x05\x01\x00")
    found["SSH"] = (400, b"SSH-2.0-OpenSSH_9.2\r\n")
    return found


CASES: dict[str, Case] = _lengths() | _codings() | _chunks() | _lines() | _fields() | _protocols()
