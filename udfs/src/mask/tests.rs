//! What is masked, what is not, and that no disguise gets through.

use super::*;
use crate::testing::Random;

const ANNA: &str = "[email:6d57b4d2ab4f234a]";

#[test]
fn one_address_has_one_mask_in_every_disguise() {
    for (text, masked) in [
        ("anna@example.com", "§"),
        ("ANNA@Example.COM", "§"),
        ("Write to anna@example.com.", "Write to §."),
        ("Anna <anna@example.com>, or", "Anna <§>, or"),
        (
            "mailto:anna@example.com?subject=hello",
            "mailto:§?subject=hello",
        ),
        (
            "https://x.org/?email=anna%40example.com&x=1",
            "https://x.org/?email=§&x=1",
        ),
        (
            "?redirect=%3Femail%3Danna%2540example.com%26x",
            "?redirect=%3Femail%3D§%26x",
        ),
        ("?to=mailto%3Aanna%40example%2Ecom", "?to=mailto%3A§"),
        (
            r#"{"email":"anna@example.com","n":1}"#,
            r#"{"email":"§","n":1}"#,
        ),
        (r#"{"email":"anna\u0040example.com"}"#, r#"{"email":"§"}"#),
        (r#"{"email":"anna\U0040example.com"}"#, r#"{"email":"§"}"#),
        (
            r#"{"text":"hello\nanna@example.com\n"}"#,
            r#"{"text":"hello\n§\n"}"#,
        ),
        (
            r#"{\"email\":\"anna@example.com\"}"#,
            r#"{\"email\":\"§\"}"#,
        ),
        (
            r#"{\"text\":\"hi\\tanna\\u0040example.com\\n\"}"#,
            r#"{\"text\":\"hi\\t§\\n\"}"#,
        ),
        (r"\u0061nna@ex\u0061mple.com", "§"),
        ("anna&#64;example.com", "§"),
        ("anna&#x40;example&#46;com", "§"),
        ("&lt;anna&commat;example.com&gt;", "&lt;§&gt;"),
        ("anna＠example．com", "§"),
        (r"anna\uff20example.com", "§"),
        (r"anna\uFF20example.com", "§"),
        ("ａｎｎａ＠ｅｘａｍｐｌｅ.com", "§"),
        ("an\u{200b}na@\u{feff}example.com", "§"),
        ("'anna@example.com'", "'§'"),
        ("`anna@example.com`", "`§`"),
        ("**anna@example.com**", "**§**"),
        ("“anna@example.com”", "“§”"),
        ("...anna@example.com...", "...§..."),
        (
            "a=anna@example.com;anna@example.com|(anna@example.com)",
            "a=§;§|(§)",
        ),
        ("anna@example.com,anna@example.com", "§,§"),
        (
            "postgres://anna@example.com:5432/db",
            "postgres://§:5432/db",
        ),
        ("@anna@example.com", "@§"),
        ("anna@example.com\nanna@example.com", "§\n§"),
    ] {
        assert_eq!(
            masker().mask_text(text),
            masked.replace('§', ANNA),
            "{text}"
        );
    }
}

/// The mask is the beginning of the hash of the address on the right.
#[test]
fn other_addresses_are_masked_whole() {
    for (text, address) in [
        (
            "anna.smith+news@mail.example.co.uk",
            "anna.smith+news@mail.example.co.uk",
        ),
        ("anna%2Bnews%40example.com", "anna+news@example.com"),
        ("o'brien@example.com", "o'brien@example.com"),
        ("_anna_-1%x@example.com", "_anna_-1%x@example.com"),
        ("jürgen@münchen.de", "jürgen@münchen.de"),
        ("j%C3%BCrgen%40m%C3%BCnchen.de", "jürgen@münchen.de"),
        (r"j\u00fcrgen@m\u00FCnchen.de", "jürgen@münchen.de"),
        ("ju\u{308}rgen@mu\u{308}nchen.de", "jürgen@münchen.de"),
        ("анна@пример.рф", "анна@пример.рф"),
        ("安娜@例子.中国", "安娜@例子.中国"),
        ("😀@example.com", "😀@example.com"),
        ("root@localhost", "root@localhost"),
        ("3@17", "3@17"),
        ("anna@[192.168.0.1]", "anna@[192.168.0.1]"),
        ("anna@[IPv6:2001:db8::1]", "anna@[ipv6:2001:db8::1]"),
        (r#""anna smith"@example.com"#, r#""anna smith"@example.com"#),
        (
            r#"\"anna smith\"@example.com"#,
            r#""anna smith"@example.com"#,
        ),
        ("anna@@example.com", "anna@@example.com"),
        ("anna@+x@example.com", "anna@+x@example.com"),
        ("anna.@example.com", "anna.@example.com"),
        ("anna@", "anna@"),
        ("anna%40", "anna@"),
        ("anna@exam", "anna@exam"),
    ] {
        assert_eq!(masker().mask_text(text), mask(address), "{text}");
    }
}

#[test]
fn text_without_an_address_is_not_copied() {
    for text in [
        "",
        "no address here",
        "50 % of R&D, C:\\temp, ｆｕｌｌ",
        "@",
        "@anna",
        "at @ the end",
        "a @b",
        "<b>@example.com",
        "node_modules/@scope/name",
        "anna@ example.com",
        "%4",
        "\\u004",
        "&#6",
        "[email:6d57b4d2ab4f234a]",
        "[email:6d57b4d2ab4f234a]@example.com",
        "x@[email:6d57b4d2ab4f234a]",
    ] {
        assert!(
            matches!(masker().mask_text(text), Cow::Borrowed(_)),
            "{text}"
        );
        assert!(
            matches!(masker().mask_bytes(text.as_bytes()), Cow::Borrowed(_)),
            "{text}"
        );
    }
}

#[test]
fn bytes_need_not_be_text() {
    for (bytes, masked) in [
        (
            &b"\xff\x00\x80 anna@example.com \xfe"[..],
            &b"\xff\x00\x80 A \xfe"[..],
        ),
        (b"{\"e\":\"anna@example.com\xc3", b"{\"e\":\"M"),
        (b"<andr\xe9@example.com>", b"<E>"),
        (
            b"a\0n\0n\0a\0@\0e\0x\0a\0m\0p\0l\0e\0.\0c\0o\0m\0 \0",
            b"A\0 \0",
        ),
        (
            b"\0<\0a\0n\0n\0a\0@\0e\0x\0a\0m\0p\0l\0e\0.\0c\0o\0m\0>",
            b"\0<\0A\0>",
        ),
    ] {
        let found = String::from_utf8_lossy(&masker().mask_bytes(bytes)).into_owned();
        let masked = String::from_utf8_lossy(masked)
            .replace('A', ANNA)
            .replace('M', &mask("anna@example.comã"))
            .replace('E', &mask("andré@example.com"));
        assert_eq!(found, masked);
    }
}

/// A text may be cut anywhere: whatever is left of the address behind its `@` is masked.
#[test]
fn a_cut_off_address_does_not_leak() {
    let text = "from anna.smith@example.com";
    for end in text.find('@').unwrap() + 1..=text.len() {
        let masked = masker().mask_text(&text[..end]).into_owned();
        assert!(
            masked.starts_with("from [email:") && !masked.contains("anna"),
            "{masked}"
        );
    }
    assert!(
        !masker()
            .mask_text("from anna.smith@… (cut)")
            .contains("anna")
    );
}

/// Ten thousand texts of the most troublesome pieces: masking twice is masking once, bytes and text
/// are masked alike, and no address is left.
#[test]
fn troublesome_texts_are_masked_once_and_whole() {
    let pieces = [
        "anna",
        "x",
        "é",
        "@",
        "@",
        "%40",
        "%2540",
        "\\u0040",
        "&#64;",
        "＠",
        "\\uff20",
        ".",
        "-",
        "_",
        "+",
        "'",
        "\"",
        "\\\"",
        "\\",
        "\\n",
        " ",
        "\n",
        "[",
        "]",
        "[email:",
        "<",
        ">",
        ":",
        "/",
        "=",
        "&",
        "amp;",
        "%",
        "25",
        "40",
        "%C3",
        "%BC",
        "u0040",
        "\0",
        "\u{200b}",
        "…",
        "😀",
        "example.com",
        "[1.2.3.4]",
        "(",
        "|",
        "\\ud83d",
        "#64;",
    ];
    let mut random = Random::new(13);
    for _ in 0..10_000 {
        let length = random.below(12);
        let text: String = (0..length).map(|_| *random.choose(&pieces)).collect();
        let once = masker().mask_text(&text).into_owned();
        assert_eq!(masker().mask_text(&once), once, "{text:?}");
        assert_eq!(
            masker().mask_bytes(text.as_bytes()),
            once.as_bytes(),
            "{text:?}"
        );
        assert!(!once.contains("anna@example"), "{text:?} gives {once:?}");
    }
}

/// Random bytes are cut at random places: nothing panics, and masking twice is masking once.
#[test]
fn any_bytes_can_be_masked() {
    let alphabet = b"a@%40\\u0&#64;\"'[]. \n\x00\xc3\xbc\xef\xbc\xa0\xff\xe9";
    let mut random = Random::new(17);
    for _ in 0..20_000 {
        let length = random.below(24);
        let bytes: Vec<u8> = (0..length).map(|_| *random.choose(alphabet)).collect();
        let once = masker().mask_bytes(&bytes).into_owned();
        assert_eq!(masker().mask_bytes(&once), &once[..], "{bytes:?}");
    }
}

fn mask(address: &str) -> String {
    let hash = hasher().hash(address).unwrap();
    format!("[email:{}]", &hash[..16])
}

fn masker() -> Masker {
    Masker::new(hasher())
}

fn hasher() -> EmailHasher {
    EmailHasher::new(b"dfpipe-fixtures-key")
}
