//! Reading the disk: scenarios, and the files their steps name.

use std::fs;
use std::path::PathBuf;

use stampede_scenarios::compile::compile;
use stampede_scenarios::files::{read_assets, read_scenario};
use stampede_scenarios::source::{Overrides, Source};

/// An empty folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("sub")).expect("can be made");
    folder
}

const TEXT: &str = "\
target: http://h
users:
  v:
    tasks:
      t:
        steps:
          - {post: /, body_file: there.txt}
          - {post: /, body_file: gone.txt}
          - {post: /, multipart: {a: {path: sub}, b: {path: there.txt}}}
";

#[test]
fn missing_files_are_reported_at_once_and_at_their_place() {
    let folder = folder("missing");
    fs::write(folder.join("there.txt"), "abc").expect("can be written");
    let source = Source::new("test.yaml", TEXT);
    let plan = compile(&source, &Overrides::default(), &|_| None, 1).expect("compiles");
    let problems = read_assets(&plan, &folder, &source).expect_err("two are missing").to_string();
    let shown = problems.replace(&folder.display().to_string(), "FOLDER");
    insta::assert_snapshot!(shown, @r"
    error: cannot read `gone.txt`: there is no such file
     --> test.yaml:8:34
      |
    8 |           - {post: /, body_file: gone.txt}
      |                                  ^^^^^^^^
      |
      = help: looked for at FOLDER/gone.txt; paths are relative to the scenario's folder

    error: cannot read `sub`: it is a folder
     --> test.yaml:9:45
      |
    9 |           - {post: /, multipart: {a: {path: sub}, b: {path: there.txt}}}
      |                                             ^^^
      |
      = help: looked for at FOLDER/sub; paths are relative to the scenario's folder
    ");
}

#[test]
fn files_are_read_once_each_with_their_hash() {
    let folder = folder("there");
    fs::write(folder.join("there.txt"), "abc").expect("can be written");
    let text: String = TEXT
        .lines()
        .filter(|line| !line.contains("gone"))
        .map(|line| line.replace("path: sub", "path: there.txt") + "\n")
        .collect();
    let source = Source::new("test.yaml", text);
    let plan = compile(&source, &Overrides::default(), &|_| None, 1).expect("compiles");
    let assets = read_assets(&plan, &folder, &source).expect("all there");
    assert_eq!(assets.len(), 1);
    assert_eq!(
        (assets[0].path.as_str(), assets[0].file_name.as_str(), &assets[0].bytes[..]),
        ("there.txt", "there.txt", &b"abc"[..])
    );
    // FIPS 180-2, appendix B.1: the digest of "abc".
    assert_eq!(assets[0].sha256[..4], [0xba, 0x78, 0x16, 0xbf]);
}

#[test]
fn a_scenario_that_cannot_be_read_says_why() {
    let folder = folder("scenario");
    fs::write(folder.join("latin1.yaml"), [b'a', b':', 0xe9]).expect("can be written");
    let message = |name: &str| {
        let error = read_scenario(&folder.join(name)).expect_err("cannot be read").to_string();
        error.replace(&folder.display().to_string(), "FOLDER")
    };
    assert_eq!(message("gone.yaml"), "cannot read FOLDER/gone.yaml: there is no such file");
    assert_eq!(message("sub"), "cannot read FOLDER/sub: it is a folder");
    for (name, mark) in [("utf16.yaml", vec![0xff, 0xfe]), ("no-mark.yaml", vec![])] {
        let text = "target: http://h".bytes().flat_map(|byte| [byte, 0]);
        fs::write(folder.join(name), mark.into_iter().chain(text).collect::<Vec<u8>>())
            .expect("can be written");
        let expected =
            format!("FOLDER/{name} is UTF-16; save it as UTF-8 (in Notepad: \"Save as\", encoding UTF-8)");
        assert_eq!(message(name), expected);
    }
    assert_eq!(message("latin1.yaml"), "FOLDER/latin1.yaml is not a text file (it is not UTF-8)");
}

#[test]
fn what_tls_cannot_use_is_found_before_the_run() {
    let folder = folder("tls");
    let pem = |what: &str| format!("-----BEGIN {what}-----\nMAo=\n-----END {what}-----\n");
    fs::write(folder.join("me.pem"), pem("CERTIFICATE")).expect("can be written");
    fs::write(folder.join("me.key"), pem("EC PRIVATE KEY")).expect("can be written");
    fs::write(folder.join("locked.key"), pem("ENCRYPTED PRIVATE KEY")).expect("can be written");
    fs::write(folder.join("me.der"), [0x30, 0x82, 0xff]).expect("can be written");
    let read = |ca: &str, cert: &str, key: &str| {
        let text = format!(
            "target: https://h\ntls: {{ca: {ca}, cert: {cert}, key: {key}}}\nusers: {{v: {{tasks: {{t: {{steps: [get: /]}}}}}}}}\n"
        );
        let source = Source::new("test.yaml", text);
        let plan = compile(&source, &Overrides::default(), &|_| None, 1).expect("compiles");
        read_assets(&plan, &folder, &source).map_err(|problems| problems.to_string())
    };
    let assets = read("me.pem", "me.pem", "me.key").expect("all is well");
    assert_eq!(assets.len(), 2);
    assert_eq!(format!("{:?}", assets[1]), "Asset(\"me.key\", 65 bytes)", "the content is for nobody to see");
    insta::assert_snapshot!(read("me.der", "me.key", "me.pem").expect_err("three slips"), @r"
    error: `me.der` has no certificate in it
     --> test.yaml:2:11
      |
    2 | tls: {ca: me.der, cert: me.key, key: me.pem}
      |           ^^^^^^
      |
      = help: a PEM file is expected: `-----BEGIN CERTIFICATE-----`

    error: `me.key` has no certificate in it
     --> test.yaml:2:25
      |
    2 | tls: {ca: me.der, cert: me.key, key: me.pem}
      |                         ^^^^^^
      |
      = help: a PEM file is expected: `-----BEGIN CERTIFICATE-----`

    error: `me.pem` has no private key in it
     --> test.yaml:2:38
      |
    2 | tls: {ca: me.der, cert: me.key, key: me.pem}
      |                                      ^^^^^^
      |
      = help: a PEM file is expected: `-----BEGIN PRIVATE KEY-----`
    ");
    insta::assert_snapshot!(read("me.pem", "me.pem", "locked.key").expect_err("no passphrase"), @r"
    error: `locked.key` is encrypted
     --> test.yaml:2:38
      |
    2 | tls: {ca: me.pem, cert: me.pem, key: locked.key}
      |                                      ^^^^^^^^^^
      |
      = help: a key without a passphrase is needed
    ");
}
