"""URL and URLSearchParams against examples of the WHATWG standard."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import pytest
from test_javascript_seam import pumped

#: input, base, href; None: it must throw a TypeError.
CASES: list[tuple[str, str | None, str | None]] = [
    ("https://example.com", None, "https://example.com/"),
    (
        "HTTP://User:Pa%20ss@EXAMPLE.com:80/a/./b/../c?x=y z#f g",
        None,
        "http://User:Pa%20ss@example.com/a/c?x=y%20z#f%20g",
    ),
    ("https://example.com:443", None, "https://example.com/"),
    ("https://example.com:8443/", None, "https://example.com:8443/"),
    ("https:example.org", None, "https://example.org/"),
    ("https://////example.com///", None, "https://example.com///"),
    ("https://example.com/././foo", None, "https://example.com/foo"),
    ("hello:world", "https://example.com", "hello:world"),
    ("https:example.org", "https://example.com/a", "https://example.com/example.org"),
    (r"\example\..\demo/.\ "[:-1], "https://example.com/", "https://example.com/demo/"),
    ("example", "https://example.com/demo", "https://example.com/example"),
    ("file:///C|/demo", None, "file:///C:/demo"),
    ("..", "file:///C:/demo", "file:///C:/"),
    ("file://loc%61lhost/", None, "file:///"),
    ("https://user:password@example.org/", None, "https://user:password@example.org/"),
    ("https://example.org/foo bar", None, "https://example.org/foo%20bar"),
    ("https://EXAMPLE.com/../x", None, "https://example.com/x"),
    ("https://ex ample.org/", None, None),
    ("example", None, None),
    ("https://example.com:demo", None, None),
    ("https://example.com:70000", None, None),
    ("http://[www.example.com]/", None, None),
    ("", None, None),
    ("https://", None, None),
    ("//other.org/x?y", "https://a.b/c", "https://other.org/x?y"),
    ("?q", "https://a.b/c?d#e", "https://a.b/c?q"),
    ("#h", "https://a.b/c?d#e", "https://a.b/c?d#h"),
    ("", "https://a.b/c?d#e", "https://a.b/c?d"),
    ("/", "https://a.b/c/d", "https://a.b/"),
    ("../../../x", "https://a.b/c/d/e", "https://a.b/x"),
    ("http://0x7f.1/", None, "http://127.0.0.1/"),
    ("http://2130706433/", None, "http://127.0.0.1/"),
    ("http://127.0.0.1.", None, "http://127.0.0.1/"),
    ("http://256.1.1.1/", None, None),
    ("http://1.2.3.4.5/", None, None),
    ("http://[::1]:3000/", None, "http://[::1]:3000/"),
    ("http://[2001:DB8:0:0:1:0:0:1]/", None, "http://[2001:db8::1:0:0:1]/"),
    ("http://[::ffff:1.2.3.4]/", None, "http://[::ffff:102:304]/"),
    ("http://[1::2::3]/", None, None),
    ("http://mañana.com/é?ü#ö", None, "http://xn--maana-pta.com/%C3%A9?%C3%BC#%C3%B6"),
    ("http://bücher.example", None, "http://xn--bcher-kva.example/"),
    ("http://例え.jp", None, "http://xn--r8jz45g.jp/"),
    ("http://%65xample.com", None, "http://example.com/"),
    ("mailto:a@b.c", None, "mailto:a@b.c"),
    ("data:text/plain,hi there", None, "data:text/plain,hi there"),
    ("  https://x.y/\t\n ", None, "https://x.y/"),
    ("ht\ntps://x.y/a\tb", None, "https://x.y/ab"),
    ("http://a.b/%zz%2f'", None, "http://a.b/%zz%2f'"),
    ("http://a.b/?'", None, "http://a.b/?%27"),
    ("web+demo:/.//not-a-host/", None, "web+demo:/.//not-a-host/"),
    ("non-special://h/p?'", None, "non-special://h/p?'"),
    ("http://a.b/%2e%2E/c/%2e", None, "http://a.b/c/"),
]


def test_urls_parse_as_the_standard_says() -> None:
    _, host = pumped(f"""
        const wrong = [];
        for (const [url, base, href] of {json.dumps(CASES)}) {{
            let got = null;
            try {{ got = new URL(url, base ?? undefined).href }} catch (e) {{ if (!(e instanceof TypeError)) got = String(e) }}
            if (got !== href) wrong.push([url, base, got, href]);
        }}
        return wrong;
    """)
    assert host.end == ("done", [])


@pytest.mark.mission(64)
def test_the_parts_of_a_url() -> None:
    _, host = pumped("""
        const u = new URL("https://me:pw@Sub.Example.com:8080/a/b?x=1&y=2#frag");
        return [u.protocol, u.username, u.password, u.host, u.hostname, u.port, u.pathname, u.search, u.hash, u.origin,
            `${u}`, JSON.stringify({u}), URL.canParse("nope"), URL.parse("nope"), new URL("file:///x").origin];
    """)
    assert host.end == ("done", [
        "https:", "me", "pw", "sub.example.com:8080", "sub.example.com", "8080", "/a/b", "?x=1&y=2", "#frag",
        "https://sub.example.com:8080", "https://me:pw@sub.example.com:8080/a/b?x=1&y=2#frag",
        '{"u":"https://me:pw@sub.example.com:8080/a/b?x=1&y=2#frag"}', False, None, "null",
    ])  # fmt: skip


def test_parts_can_be_set_and_what_does_not_parse_is_left() -> None:
    _, host = pumped("""
        const u = new URL("http://a.b/c");
        u.protocol = "https"; u.hostname = "X.Y"; u.port = "8080"; u.pathname = "/p q?"; u.search = "k=v"; u.hash = "h";
        u.username = "me"; const first = u.href;
        u.port = "not a port"; u.hostname = "bad host"; u.protocol = "mailto"; u.host = "c.d:443"; u.search = ""; u.hash = "";
        u.searchParams.append("z", "1 2");
        return [first, u.href];
    """)
    assert host.end == ("done", ["https://me@x.y:8080/p%20q%3F?k=v#h", "https://me@c.d/p%20q%3F?z=1+2"])


def test_search_parameters() -> None:
    _, host = pumped("""
        const p = new URLSearchParams("?a=1&b=2&a=3&c=%20x+y&d");
        const made = new URLSearchParams({q: "é &", n: 1}), pairs = new URLSearchParams([["x", "1"], ["x", "2"]]);
        const url = new URL("http://h/?a=1");
        url.searchParams.set("a", "2"); url.searchParams.append("b", "/");
        const before = [p.get("a"), p.getAll("a"), p.get("none"), p.has("d"), p.has("a", "9"), p.get("c"), [...p].length, p.size];
        p.delete("a"); p.sort();
        return [before, p.toString(), made.toString(), [...pairs.values()], url.href, [...new URLSearchParams(p).keys()]];
    """)
    assert host.end == ("done", [
        ["1", ["1", "3"], None, True, False, " x y", 5, 5], "b=2&c=+x+y&d=", "q=%C3%A9+%26&n=1", ["1", "2"],
        "http://h/?a=2&b=%2F", ["b", "c", "d"],
    ])  # fmt: skip
