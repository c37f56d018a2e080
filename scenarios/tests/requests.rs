//! How requests are made: what stands nearest counts, and what a plan then holds of timeouts, versions, proxies and the like.

use std::time::Duration;

use stampede_scenarios::compile::compile;
use stampede_scenarios::draw::Draw;
use stampede_scenarios::plan::{Connection, HttpVersion, Op, Plan, Program, RequestPlan};
use stampede_scenarios::source::{Overrides, Source};
use stampede_scenarios::template::RenderContext;
use stampede_scenarios::variables::Variables;

fn plan() -> Plan {
    let source = Source::new("test.yaml", include_str!("valid/transport.yaml"));
    compile(&source, &Overrides::default(), &|_| None, 7).unwrap_or_else(|problems| panic!("{problems}"))
}

fn requests(program: &Program) -> Vec<&RequestPlan> {
    fn request(op: &Op) -> &RequestPlan {
        match op {
            Op::Request(request) => request,
            _ => panic!("no request"),
        }
    }
    program.ops.iter().map(request).collect()
}

fn header(request: &RequestPlan, wanted: &str) -> Option<String> {
    let mut found = request.headers.iter().filter(|(name, _)| name == wanted);
    let (_, template) = found.next()?;
    assert!(found.next().is_none(), "one of each");
    let (mut out, mut draw) = (String::new(), Draw::from_seed(1));
    template
        .render_into(
            &mut out,
            &mut RenderContext {
                user_id: 5,
                life: 2,
                class: "plain",
                iteration: 2,
                arrival: None,
                loop_index: 0,
                rows: stampede_scenarios::data::RowView::default(),
                response: &stampede_scenarios::response::NONE,
                draw: &mut draw,
                variables: &mut Variables::default(),
                around: &stampede_scenarios::template::NOWHERE,
            },
        )
        .expect("it can be computed");
    Some(out)
}

#[test]
fn limits_that_are_not_named_stay() {
    let plan = plan();
    let limits: Vec<_> = requests(&plan.classes[0].tasks[0].program)
        .iter()
        .map(|request| (request.timeouts.connect, request.timeouts.first_byte, request.timeouts.total))
        .collect();
    let s = Duration::from_secs;
    assert_eq!(limits[0], (Some(s(5)), Some(s(10)), s(60)));
    assert_eq!(limits[1], (Some(s(5)), Some(s(10)), s(2)));
    assert_eq!(limits[2], (None, Some(Duration::from_millis(500)), s(60)));
}

#[test]
fn the_nearest_way_counts() {
    let plan = plan();
    let all = requests(&plan.classes[0].tasks[0].program);
    let way = |index: usize| {
        let request = all[index];
        (request.http, request.connection, request.cookies, request.decompress)
    };
    assert_eq!(way(0), (HttpVersion::H1, Connection::PerUser, false, false));
    assert_eq!(way(1), (HttpVersion::H2, Connection::PerRequest, true, true));
    assert_eq!(way(2), way(0));
}

#[test]
fn auth_is_the_authorization_header() {
    let plan = plan();
    let all = requests(&plan.classes[0].tasks[0].program);
    let sent: Vec<_> = all.iter().map(|request| header(request, "authorization")).collect();
    // `anna:p:w`, and `u5:2` of user 5 in iteration 2.
    assert_eq!(
        sent.iter().map(Option::as_deref).collect::<Vec<_>>(),
        [
            Some("Bearer abc"),
            Some("Basic YW5uYTpwOnc="),
            Some("Bearer abc"),
            None,
            Some("Token 5"),
            Some("Basic dTU6Mg=="),
        ]
    );
    assert_eq!(header(all[3], "x-a").as_deref(), Some("1"));
    assert!(requests(&plan.classes[2].on_start)[0].headers.is_empty());
}

#[test]
fn a_proxy_asks_for_the_client_that_knows_proxies() {
    let mut plan = plan();
    let urls: Vec<_> = requests(&plan.classes[1].tasks[0].program)
        .iter()
        .map(|request| request.proxy.as_ref().map(|proxy| (proxy.url().to_owned(), proxy.to_string())))
        .collect();
    assert_eq!(
        urls,
        [
            Some(("http://load:secret@proxy.test:3128".into(), "http://proxy.test:3128".into())),
            Some(("socks5h://[::1]:1080/".into(), "socks5h://[::1]:1080".into())),
            None,
        ]
    );
    assert_eq!(
        plan.needs_reqwest().as_deref(),
        Some("`GET /through` goes through the proxy http://proxy.test:3128")
    );
    assert!(!format!("{plan:?}").contains("load:secret"), "a password is not for outputs");
    plan.classes.remove(1);
    assert_eq!(plan.needs_reqwest(), None);
}

#[test]
fn names_have_addresses_of_their_own() {
    let rules: Vec<_> = plan().resolve.iter().map(ToString::to_string).collect();
    assert_eq!(
        rules,
        [
            "shop.test → 192.0.2.7",
            "shop.test:8443 → 127.0.0.1:9443",
            "api.test → [2001:db8::1]:443",
            "v6.test → ::1",
        ]
    );
}

#[test]
fn tls_names_its_files_like_any_other() {
    let plan = plan();
    let path = |id: stampede_scenarios::plan::AssetId| plan.assets[id.0 as usize].path.as_str();
    let identity = plan.tls.identity.expect("both are given");
    assert_eq!(plan.tls.ca.map(path), Some("ca.pem"));
    assert_eq!((path(identity.cert), path(identity.key)), ("me.pem", "me.key"));
    assert_eq!(plan.tls.server_name.as_deref(), Some("inner.test"));
    assert!(plan.tls.resumption && !plan.tls.insecure);
}

#[test]
fn a_pipeline_is_http_1_without_redirects() {
    let plan = plan();
    assert_eq!(plan.classes.iter().map(|class| class.pipeline).collect::<Vec<_>>(), [1, 1, 10]);
    let fast = &plan.classes[2];
    for task in &fast.tasks {
        let request = requests(&task.program)[0];
        assert_eq!((request.http, request.redirects), (HttpVersion::H1, 0));
    }
    // What comes before the iterations is made one by one.
    let login = requests(&fast.on_start)[0];
    assert_eq!((login.http, login.redirects), (HttpVersion::Auto, 10));
}
