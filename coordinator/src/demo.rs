//! The built-in demo: the demo target on a free loopback port, and the scenario that fits it. Nothing else names its library.

use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use demo_target::{Config, DemoTarget, StartError};
use stampede_scenarios::source::Source;

/// The scenario of the demo: index 20 %, predict 80 %.
const SCENARIO: &str = include_str!("../../examples/predict.yaml");

/// The image it sends.
const IMAGE: &[u8] = include_bytes!("../../examples/dog.jpg");

/// A running demo target.
#[derive(Debug)]
pub struct Demo {
    target: DemoTarget,
}

impl Demo {
    /// Starts it on a free loopback port, with a thread and runtime of its own.
    ///
    /// # Errors
    /// When the system gives no port or thread.
    pub fn start() -> Result<Self, StartError> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Ok(Self { target: DemoTarget::start(address, Config::default())? })
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        self.target.url()
    }
}

/// The demo's scenario.
pub fn scenario() -> Source {
    Source::new("demo.yaml", SCENARIO)
}

/// The content of a file that the demo's scenario names.
pub fn file(path: &str) -> Option<Bytes> {
    (path == "dog.jpg").then(|| Bytes::from_static(IMAGE))
}
