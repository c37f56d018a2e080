//! What happens for each request, and what happens once a second, piece by piece.
//!
//! `cargo bench -p stampede-bench` prints a table; with a name (or a part of one) only these. `--list` prints the names,
//! `--exactly NAME N` does one of them N times and says nothing: for bench/instructions.sh.

use std::time::{Duration, Instant};

use http::Method;
use stampede_bench::Piece;
use stampede_scenarios::compile::compile;
use stampede_scenarios::contents::{Contents, ResponseView};
use stampede_scenarios::draw::Draw;
use stampede_scenarios::extract::extract;
use stampede_scenarios::plan::{BodyPlan, ClassPlan, Op, RequestPlan};
use stampede_scenarios::source::{Overrides, Source};
use stampede_scenarios::template::RenderContext;
use stampede_scenarios::variables::Variables;
use stampede_stats::endpoint::EndpointKey;
use stampede_stats::outcome::Outcome;
use stampede_stats::recorder::{Recorder, Sample};
use stampede_stats::snapshot::Snapshot;
use stampede_worker::http::native::reader::Reader;
use stampede_worker::http::native::writer;
use stampede_worker::http::origin::Origin;
use stampede_worker::http::{Options, Request, Response};

/// As nginx answers `return 200`.
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sat, 21 Nov 2026 10:00:00 GMT\r\n\
    Content-Type: text/plain\r\nContent-Length: 12\r\nConnection: keep-alive\r\n\r\nhello world\n";

/// As an application behind a proxy answers.
const LARGER: &[u8] = b"HTTP/1.1 200 OK\r\ndate: Sat, 21 Nov 2026 10:00:00 GMT\r\ncontent-type: application/json\r\n\
    set-cookie: sid=0123456789abcdef; Path=/; HttpOnly\r\nvary: accept-encoding\r\ncache-control: no-store\r\n\
    x-request-id: 5f2b7f0e-6a64-4d54-9c9c-5a5d1d0f7a10\r\nstrict-transport-security: max-age=31536000\r\n\
    transfer-encoding: chunked\r\n\r\n1b\r\n{\"id\": 42, \"price\": 12.50}\n\r\n0\r\n\r\n";

/// What the first of the three steps gets.
const LOGIN: &[u8] = br#"{"user": {"id": 4711, "name": "jo"}, "token": "t-9c9c5a5d1d0f7a10"}"#;

#[expect(clippy::print_stdout, reason = "a benchmark is there to say something")]
fn main() {
    let mut pieces = pieces();
    // Cargo adds `--bench`.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--list"] => pieces.iter().for_each(|piece| println!("{}", piece.name())),
        ["--exactly", name, times] => {
            let times = times.parse().unwrap_or_default();
            pieces.iter_mut().filter(|piece| piece.name() == *name).for_each(|piece| piece.repeat(times));
        }
        parts => {
            println!("| piece of work | best ns | median ns |\n|---|---:|---:|");
            let wanted =
                |piece: &&mut Piece| parts.is_empty() || parts.iter().any(|part| piece.name().contains(part));
            for piece in pieces.iter_mut().filter(wanted) {
                let (best, median) = piece.measure();
                println!("| {} | {best:.1} | {median:.1} |", piece.name());
            }
        }
    }
}

fn pieces() -> Vec<Piece> {
    vec![
        render("render_json_body"),
        take("extract_json_value"),
        decide("if_variable_compared", "price > 100"),
        decide("if_variable_is_text", "state == 'done'"),
        decide("if_of_three", "price > 100 and not sold or state in ['new', 'old']"),
        write("write_get", Method::GET, b"", b""),
        write(
            "write_post_cookie",
            Method::POST,
            b"sid=0123456789abcdef",
            br#"{"sku": "a-17", "price": 12.5, "count": 1}"#,
        ),
        read("read_response", RESPONSE, Options::default()),
        read("read_response_chunked_kept", LARGER, Options { keep_body: true, ..Options::default() }),
        record("record_sample", false),
        record("record_sample_with_class", true),
        snapshot("make_snapshot_1_endpoint_2000", 1, 2000),
        merge("merge_snapshots_1_endpoint_20", 1, 20),
        merge("merge_snapshots_1_endpoint_2000", 1, 2000),
        merge("merge_snapshots_50_endpoints_20", 50, 20),
    ]
}

/// The class of the three steps that bench/compare.sh runs, with its user's variables as they are in the third step.
fn shopper() -> (ClassPlan, Variables) {
    let source = Source::new("steps.yaml", include_str!("../scenarios/steps.yaml"));
    let plan = compile(&source, &Overrides::default(), &|_| None, 1);
    let mut plan = plan.unwrap_or_else(|wrong| panic!("{wrong}"));
    let class = plan.classes.remove(0);
    let mut variables = Variables::new(&class.variables);
    let mut draw = Draw::from_seed(1);
    for request in requests(&class) {
        let view = ResponseView { body: LOGIN, ..ResponseView::default() };
        extract(&request.extract, &mut Contents::new(view), &mut variables, &mut draw).expect("it is there");
    }
    (class, variables)
}

fn requests(class: &ClassPlan) -> impl Iterator<Item = &RequestPlan> {
    class.tasks[0].program.ops.iter().filter_map(|op| match op {
        Op::Request(request) => Some(&**request),
        _ => None,
    })
}

/// A JSON body with an extracted value in it.
fn render(name: &'static str) -> Piece {
    let (class, mut variables) = shopper();
    let bodies = requests(&class).filter_map(|request| match &request.body {
        BodyPlan::Text { content, .. } => Some(content.clone()),
        _ => None,
    });
    let body = bodies.last().expect("the third step has one");
    let mut draw = Draw::from_seed(1);
    let mut out = String::with_capacity(256);
    Piece::new(name, move || {
        out.clear();
        let (class, variables) = (class.name.as_str(), &mut variables);
        let mut cx = RenderContext {
            user_id: 7,
            life: 0,
            class,
            iteration: 3,
            arrival: None,
            loop_index: 0,
            rows: stampede_scenarios::data::RowView::default(),
            response: &stampede_scenarios::response::NONE,
            draw: &mut draw,
            variables,
            around: &stampede_scenarios::template::NOWHERE,
        };
        body.render_into(&mut out, &mut cx).expect("it can be computed");
        out.len()
    })
}

/// A condition on variables of the user.
fn decide(name: &'static str, condition: &str) -> Piece {
    let text = format!(
        "target: http://h\nusers: {{v: {{vars: {{price: 120, state: new, sold: false}}, tasks: {{t: {{steps: [\
         {{if: \"{condition}\", then: [{{get: /}}]}}, {{set: {{price: 1, state: x, sold: true}}}}]}}}}}}}}"
    );
    let plan = compile(&Source::new("bench.yaml", text), &Overrides::default(), &|_| None, 1);
    let class = plan.expect("it compiles").classes.remove(0);
    let Some(Op::JumpUnless { condition, .. }) = class.tasks[0].program.ops.first().cloned() else {
        panic!("the first step is a condition")
    };
    let (mut draw, mut variables) = (Draw::from_seed(1), Variables::new(&class.variables));
    Piece::new(name, move || {
        let mut cx = RenderContext {
            rows: stampede_scenarios::data::RowView::default(),
            user_id: 7,
            life: 0,
            class: "v",
            iteration: 3,
            arrival: None,
            loop_index: 0,
            response: &stampede_scenarios::response::NONE,
            draw: &mut draw,
            variables: &mut variables,
            around: &stampede_scenarios::template::NOWHERE,
        };
        condition.evaluate_bool(&mut cx)
    })
}

/// A value out of a small JSON body into a variable.
fn take(name: &'static str) -> Piece {
    let (class, mut variables) = shopper();
    let plans = requests(&class).map(|request| request.extract.clone());
    let plans = plans.into_iter().find(|plans| !plans.is_empty()).expect("the first step has one");
    let mut draw = Draw::from_seed(1);
    Piece::new(name, move || {
        let view = ResponseView { body: LOGIN, ..ResponseView::default() };
        extract(&plans, &mut Contents::new(view), &mut variables, &mut draw)
    })
}

/// A request from its rendered parts into the thread's buffer.
fn write(name: &'static str, method: Method, cookies: &'static [u8], body: &'static [u8]) -> Piece {
    let url = url::Url::parse("http://127.0.0.1:18080/").expect("a URL");
    let origin = std::sync::Arc::new(Origin::of(&url).expect("of HTTP"));
    let options = Options::default();
    let begin = Instant::now();
    let mut out = Vec::with_capacity(1024);
    Piece::new(name, move || {
        let request = Request {
            method: &method,
            origin: &origin,
            path: "/products/17?page=2",
            headers: b"accept: */*\r\nuser-agent: stampede/0.1.0\r\n",
            names_host: false,
            cookies,
            body,
            options: &options,
            begin,
            timeout: Duration::from_secs(30),
        };
        out.clear();
        writer::write(&request, &mut out);
        out.len()
    })
}

/// A whole response from one read.
fn read(name: &'static str, input: &'static [u8], options: Options) -> Piece {
    let mut spare: Option<Box<Response>> = None;
    Piece::new(name, move || {
        let mut kept = spare.take().unwrap_or_default();
        kept.clear();
        let mut reader = Reader::new(false, &options, kept);
        let used = reader.read(input, &options).expect("a response");
        assert!(reader.is_over() && used == input.len(), "it is whole");
        let response = reader.take();
        let status = response.status;
        spare = Some(response);
        status
    })
}

/// Response times of a service: most of them short, some a hundred times longer.
fn response_us(n: u64) -> u64 {
    let draw = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    200 + draw % 800 + if draw.is_multiple_of(97) { draw % 50_000 } else { 0 }
}

fn sample(endpoint: u32, n: u64, at: Duration) -> Sample<'static> {
    let response = Duration::from_micros(response_us(n));
    Sample {
        endpoint,
        at,
        outcome: Outcome::Ok,
        response,
        service: Some(response),
        ttfb: Some(response / 2),
        status: Some(200),
        sent: 1,
        hops: 0,
        bytes_in: 12,
        head_bytes_in: 0,
        bytes_out: 0,
    }
}

fn recorder(endpoints: u32) -> Recorder {
    Recorder::new((0..endpoints).map(|n| EndpointKey::new("GET", format!("/{n}"))).collect(), 1)
}

/// Begin and end of an iteration with one request, as a user books it; where a rule is of its class, there as well.
fn record(name: &'static str, with_class: bool) -> Piece {
    let mut recorder = recorder(3);
    let mut n = 0_u64;
    Piece::new(name, move || {
        n += 1;
        // All within one second: closing it is another piece of work.
        let at = Duration::from_micros(n % 900_000);
        let endpoint = u32::from(n.is_multiple_of(5));
        let class = std::hint::black_box(with_class.then_some(2));
        recorder.begin(endpoint, at);
        let class = class.map(|row| recorder.begin(row, at));
        let sample = sample(endpoint, n, at);
        recorder.end(&sample);
        if let Some(row) = class {
            recorder.end_also(row, &sample);
        }
    })
}

/// A second of one thread with so many samples at each endpoint, as it travels.
fn second(endpoints: u32, samples: u64) -> Snapshot {
    let mut recorder = recorder(endpoints);
    for n in 0..samples {
        for endpoint in 0..endpoints {
            let at = Duration::from_micros(n % 900_000);
            recorder.begin(endpoint, at);
            recorder.end(&sample(endpoint, n * 7 + u64::from(endpoint), at));
        }
    }
    recorder.close_last();
    let interval = recorder.take_closed().expect("closed");
    let mut snapshot = Snapshot::default();
    snapshot.add_interval(&interval);
    snapshot
}

/// An interval of a thread becomes a snapshot.
fn snapshot(name: &'static str, endpoints: u32, samples: u64) -> Piece {
    let mut recorder = recorder(endpoints);
    for n in 0..samples {
        recorder.begin(0, Duration::ZERO);
        recorder.end(&sample(0, n, Duration::ZERO));
    }
    recorder.close_last();
    let interval = recorder.take_closed().expect("closed");
    Piece::new(name, move || {
        let mut snapshot = Snapshot::default();
        snapshot.add_interval(&interval);
        snapshot
    })
}

/// A worker's second into the totals of a run, as the coordinator does.
fn merge(name: &'static str, endpoints: u32, samples: u64) -> Piece {
    let snapshot = second(endpoints, samples);
    let mut totals = stampede_stats::totals::Totals::default();
    Piece::new(name, move || totals.add(&snapshot))
}
