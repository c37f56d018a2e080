//! What the tests share: a running target and an HTTP/1.1 client of a hundred lines on a raw socket, so that
//! nothing between the test and the target retries, pools or hides a closed connection.

#![allow(dead_code, reason = "every test binary compiles this file and uses a part of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use demo_target::{Config, DemoTarget};
use serde_json::Value;

/// Long enough for any machine; only a failing test ever waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn start(config: Config) -> DemoTarget {
    DemoTarget::start("127.0.0.1:0".parse().expect("an address"), config).expect("a free port")
}

/// The default, but predictions take no time.
pub(crate) fn quick() -> Config {
    Config { predict_time: Duration::ZERO, ..Config::default() }
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e} in {:?}", self.text()))
    }
}

/// One keep-alive connection.
pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    pub(crate) fn new(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).expect("the target listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_nodelay(true).expect("no delay");
        Self(BufReader::new(stream))
    }

    pub(crate) fn get(&mut self, path: &str) -> Reply {
        self.request("GET", path, &[], b"")
    }

    pub(crate) fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        self.send(method, path, headers, body);
        self.reply(method == "HEAD")
    }

    pub(crate) fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) {
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nhost: target\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.push_str("\r\n");
        self.raw(&[head.as_bytes(), body].concat());
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).expect("the connection is open");
    }

    pub(crate) fn reply(&mut self, head_only: bool) -> Reply {
        let line = self.line();
        let status = line.split(' ').nth(1).and_then(|s| s.parse().ok());
        let status: u16 = status.unwrap_or_else(|| panic!("a status line and not {line:?}"));
        let mut headers = Vec::new();
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut reply = Reply { status, headers, body: Vec::new() };
        let bodyless = head_only || matches!(status, 204 | 304);
        let length = reply.header("content-length").map_or(0, |l| l.parse().expect("a number"));
        reply.body = vec![0; if bodyless { 0 } else { length }];
        self.0.read_exact(&mut reply.body).expect("the whole body");
        reply
    }

    /// Everything until the target closes; an error when it resets instead.
    pub(crate) fn rest(&mut self) -> std::io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).map(|_| rest)
    }

    /// Says that nothing more will be sent.
    pub(crate) fn end(&mut self) {
        self.0.get_ref().shutdown(Shutdown::Write).expect("the connection is open");
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }
}

pub(crate) const BOUNDARY: (&str, &str) = ("content-type", "multipart/form-data; boundary=XX");

/// A multipart body of the boundary `XX` with one field.
pub(crate) fn multipart(field: &str, content: &[u8]) -> Vec<u8> {
    let head = format!(
        "--XX\r\ncontent-disposition: form-data; name=\"{field}\"; filename=\"dog.jpg\"\r\n\
         content-type: image/jpeg\r\n\r\n"
    );
    [head.as_bytes(), content, b"\r\n--XX--\r\n"].concat()
}
