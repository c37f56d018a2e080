//! Encodings, base64, and how templates are put together.

use super::*;

#[test]
fn every_place_has_its_encoding() {
    for (encoding, written) in [
        (Encoding::Raw, "a b&ü\"\n"),
        (Encoding::Url, "a%20b&ü\"%0A"),
        (Encoding::Component, "a%20b%26%C3%BC%22%0A"),
        (Encoding::JsonInside, "a b&ü\\\"\\n"),
        (Encoding::JsonValue, "\"a b&ü\\\"\\n\""),
    ] {
        let mut out = String::new();
        encoding.write_text("a b&ü\"\n", &mut out);
        assert_eq!(out, written);
    }
}

#[test]
fn base64_is_that_of_the_rfc() {
    // RFC 4648, 10.
    for (text, encoded) in [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
        ("ü?>", "w7w/Pg=="),
    ] {
        let mut template = Template::default();
        template.push_base64(Template::literal(text));
        assert_eq!(template.as_static(), Some(encoded));
    }
    let mut pair = Template::literal("u");
    pair.push_source(ValueSource::UserId, None, Encoding::Raw);
    pair.push_encoded(":p>?");
    let mut written = Template::literal("Basic ");
    written.push_base64(pair.clone());
    written.push_source(ValueSource::Base64(pair), None, Encoding::Component);
    let (mut out, mut draw) = (String::from("before "), Draw::from_seed(7));
    written
        .render_into(
            &mut out,
            &mut RenderContext {
                user_id: 12,
                life: 0,
                class: "c",
                iteration: 0,
                arrival: None,
                loop_index: 0,
                rows: RowView::default(),
                response: &crate::response::NONE,
                draw: &mut draw,
                variables: &mut Variables::default(),
                around: &NOWHERE,
            },
        )
        .expect("it can be computed");
    assert_eq!(out, "before Basic dTEyOnA+Pw==dTEyOnA%2BPw%3D%3D");
}

#[test]
fn literals_merge_and_draws_follow_the_segments() {
    let mut template = Template::default();
    template.push_encoded("a");
    template.push_encoded("");
    template.push_value(&Value::Int(1), Encoding::Raw);
    template.push_source(ValueSource::RandomInt { lo: 0, hi: 1_000_000 }, None, Encoding::Raw);
    template.push_encoded("-");
    template.push_source(ValueSource::RandomInt { lo: 0, hi: 1_000_000 }, None, Encoding::Raw);
    assert_eq!(template.segments().len(), 4);
    let mut expected = Draw::from_seed(7);
    let (first, second) = (expected.int(0, 1_000_000), expected.int(0, 1_000_000));
    let (mut out, mut draw) = (String::new(), Draw::from_seed(7));
    template
        .render_into(
            &mut out,
            &mut RenderContext {
                user_id: 0,
                life: 0,
                class: "c",
                iteration: 0,
                arrival: None,
                loop_index: 0,
                rows: RowView::default(),
                response: &crate::response::NONE,
                draw: &mut draw,
                variables: &mut Variables::default(),
                around: &NOWHERE,
            },
        )
        .expect("it can be computed");
    assert_eq!(out, format!("a1{first}-{second}"));
}
