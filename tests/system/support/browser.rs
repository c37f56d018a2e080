//! A Chromium without a window, spoken to over the `DevTools` protocol: it runs what a reader's browser would run.
//!
//! Messages are JSON that ends with a zero byte. Chromium reads them from file descriptor 3 and writes to 4; a shell puts its own
//! input and output there, so that nothing but pipes of the standard library is needed.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::dir::TempDir;
use super::output::Output;

/// What a test waits for comes well before; longer, and something hangs.
const PATIENCE: Duration = Duration::from_secs(40);

/// Set where a missing browser is an error: `.ci/run` does.
const REQUIRED: &str = "STAMPEDE_BROWSER";

/// Names a Chromium goes by.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Messages that may wait to be read.
const WAITING: usize = 4096;

const FLAGS: &str = "--headless --no-sandbox --disable-gpu --disable-quic --disable-dev-shm-usage --no-first-run \
                     --disable-background-networking --disable-component-update --disable-sync --remote-debugging-pipe";

/// A browser with one page.
#[derive(Debug)]
pub(crate) struct Browser {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    stderr: Output,
    /// Events that have come, in order.
    events: Vec<Value>,
    /// The page, once there is one.
    session: Option<String>,
    last_id: u64,
    _profile: TempDir,
}

impl Browser {
    /// Starts one with an empty page. `None` where there is none to start, which it says, and where none is required.
    #[expect(
        clippy::print_stderr,
        reason = "shown by the test runner to whoever asks why nothing was tested"
    )]
    pub(crate) fn start() -> Option<Self> {
        let Some(program) = program() else {
            let required = std::env::var_os(REQUIRED).is_some_and(|value| value == "required");
            assert!(!required, "{REQUIRED}=required, and none of {NAMES:?} is in PATH");
            eprintln!("none of {NAMES:?} is in PATH: what the page does in a browser is not tested");
            return None;
        };
        let profile = TempDir::new();
        let script = format!("exec \"$0\" {FLAGS} --user-data-dir=\"$1\" 3<&0 4>&1 0</dev/null 1>&2");
        let mut command = Command::new("sh");
        command.args(["-c", &script]).arg(program).arg(profile.path());
        // Settings and caches of whoever runs the test stay out of it.
        command.env("HOME", profile.path()).env("XDG_CONFIG_HOME", profile.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("a shell");
        let to = child.stdin.take().expect("piped");
        let from = messages(child.stdout.take().expect("piped"));
        let stderr = Output::of(child.stderr.take().expect("piped"));
        let mut browser = Self {
            child,
            to,
            from,
            stderr,
            events: Vec::new(),
            session: None,
            last_id: 0,
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser.call("Target.attachToTarget", &attach);
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        Some(browser)
    }

    /// Opens a file and waits until its scripts have run; forgets what happened before.
    pub(crate) fn open(&mut self, file: &Path) -> String {
        self.events.clear();
        let url = format!("file://{}", file.display());
        let opened = self.call("Page.navigate", &json!({"url": url}));
        assert_eq!(opened["errorText"], Value::Null, "{url}");
        self.wait_for("Page.loadEventFired");
        url
    }

    /// What an expression comes to in the page; a promise is waited for.
    pub(crate) fn eval(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", &params);
        assert_eq!(answer["exceptionDetails"], Value::Null, "{expression}");
        answer["result"]["value"].clone()
    }

    /// Presses and releases a key where the focus is.
    pub(crate) fn press(&mut self, key: &str, code: u32) {
        // A key that writes something says what; Enter writes an end of line.
        let text = if key == "Enter" { "\r" } else { "" };
        for (kind, text) in [("keyDown", text), ("keyUp", "")] {
            let key =
                json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text});
            self.call("Input.dispatchKeyEvent", &key);
        }
    }

    /// Clicks into the middle of the first element that `selector` finds, as a mouse does.
    pub(crate) fn click(&mut self, selector: &str) {
        let place = self.eval(&format!(
            "(() => {{ const it = document.querySelector({selector:?}); it.scrollIntoView({{block: 'center'}}); \
             const at = it.getBoundingClientRect(); return [at.x + at.width / 2, at.y + at.height / 2]; }})()"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let click =
                json!({"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", &click);
        }
    }

    /// Tells the browser something and waits for its answer.
    pub(crate) fn call(&mut self, method: &str, params: &Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        let mut message = json!({"id": id, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let written = self.to.write_all(format!("{message}\0").as_bytes()).and_then(|()| self.to.flush());
        written.unwrap_or_else(|error| panic!("{method}: {error}\n{}", self.stderr.text()));
        loop {
            let message = self.next(method);
            if message["id"] == id {
                assert_eq!(message["error"], Value::Null, "{method} {params}");
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    /// Waits until an event of this name has come since the page was opened.
    pub(crate) fn wait_for(&mut self, event: &str) {
        while !self.events.iter().any(|message| message["method"] == event) {
            let message = self.next(event);
            self.events.push(message);
        }
    }

    fn next(&self, waiting_for: &str) -> Value {
        match self.from.recv_timeout(PATIENCE) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => panic!("no {waiting_for}:\n{}", self.stderr.text()),
            Err(RecvTimeoutError::Disconnected) => {
                panic!("the browser has ended before {waiting_for}:\n{}", self.stderr.text())
            }
        }
    }

    /// The parameters of the events of a name that have come since the page was opened.
    pub(crate) fn events(&self, method: &str) -> Vec<&Value> {
        self.events.iter().filter(|event| event["method"] == method).map(|event| &event["params"]).collect()
    }

    /// Nothing was said on the console, nothing thrown, nothing forbidden was tried, and nothing but `url` was asked for.
    pub(crate) fn was_quiet(&self, url: &str) {
        for event in ["Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"] {
            assert_eq!(self.events(event), Vec::<&Value>::new(), "{event}");
        }
        let asked: Vec<_> =
            self.events("Network.requestWillBeSent").iter().map(|event| &event["request"]["url"]).collect();
        assert_eq!(asked, [url]);
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended by itself, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where a Chromium is.
fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let found = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    found.into_iter().find(|path| path.is_file())
}

/// What comes from the browser, read by a thread of its own.
fn messages(from: ChildStdout) -> Receiver<Value> {
    let (read, messages) = sync_channel(WAITING);
    thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut message = Vec::new();
        while let Ok(1..) = from.read_until(0, &mut message) {
            let text = message.strip_suffix(&[0]).unwrap_or(&message);
            let Ok(value) = serde_json::from_slice(text) else { break };
            if read.send(value).is_err() {
                break;
            }
            message.clear();
        }
    });
    messages
}
