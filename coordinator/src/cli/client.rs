//! Whether the chosen HTTP client can do what the scenario asks for: said before the run, not found out in it.

use stampede_proto::prepare::ClientChoice;
use stampede_scenarios::plan::Plan;

use super::exit::Error;

/// Checks `client` against `plan`.
///
/// # Errors
/// When it cannot make these requests.
pub(super) fn check(plan: &Plan, client: ClientChoice) -> Result<(), Error> {
    let proxied = plan.requests().find(|request| request.proxy.is_some());
    let pipelined = plan.classes.iter().find(|class| class.pipeline > 1);
    let uses_reqwest = client == ClientChoice::Reqwest || proxied.is_some();
    if let Some(name) = plan.tls.server_name.as_ref().filter(|_| uses_reqwest) {
        return Err(Error::Usage(format!(
            "reqwest checks certificates for the host of the URL only, and the scenario has `tls.server_name: {name}`; \
             leave that out, or the proxy and --http-client"
        )));
    }
    match (client, proxied, pipelined) {
        (ClientChoice::Native, Some(request), _) => Err(Error::Usage(format!(
            "the native client does not go through proxies, and the request in line {} does; leave out \
             --http-client, and reqwest makes the requests that have a proxy",
            request.place.line
        ))),
        (ClientChoice::Reqwest, _, Some(class)) => Err(Error::Usage(format!(
            "reqwest does not pipeline, and class `{}` has `pipeline: {}`; leave out --http-client",
            class.name, class.pipeline
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use stampede_scenarios::compile::compile;
    use stampede_scenarios::source::{Overrides, Source};

    use super::*;

    fn plan(defaults: &str) -> Plan {
        let text = format!(
            "target: http://a.test\ndefaults: {{{defaults}}}\nusers: {{u: {{tasks: {{t: {{steps: [get: /]}}}}}}}}\n"
        );
        let plan = compile(&Source::new("t.yaml", text), &Overrides::default(), &|_| None, 1);
        plan.unwrap_or_else(|wrong| panic!("{wrong}"))
    }

    #[test]
    fn a_client_is_refused_what_it_cannot_do() {
        let (plain, proxied) = (plan(""), plan("proxy: 'http://p.test:3128'"));
        let pipelined = plan("pipeline: 4, redirects: 0, http: h1");
        for client in [ClientChoice::Auto, ClientChoice::Native, ClientChoice::Reqwest] {
            assert!(check(&plain, client).is_ok());
        }
        assert!(
            check(&proxied, ClientChoice::Auto).is_ok() && check(&proxied, ClientChoice::Reqwest).is_ok()
        );
        assert!(
            check(&pipelined, ClientChoice::Auto).is_ok() && check(&pipelined, ClientChoice::Native).is_ok()
        );
        let mut named = plain.clone();
        named.tls.server_name = Some("other.test".to_owned());
        assert!(check(&named, ClientChoice::Auto).is_ok());
        let said = |plan, client| check(plan, client).unwrap_err().to_string();
        insta::assert_snapshot!(said(&proxied, ClientChoice::Native), @"the native client does not go through proxies, and the request in line 3 does; leave out --http-client, and reqwest makes the requests that have a proxy");
        insta::assert_snapshot!(said(&named, ClientChoice::Reqwest), @"reqwest checks certificates for the host of the URL only, and the scenario has `tls.server_name: other.test`; leave that out, or the proxy and --http-client");
        insta::assert_snapshot!(said(&pipelined, ClientChoice::Reqwest), @"reqwest does not pipeline, and class `u` has `pipeline: 4`; leave out --http-client");
    }
}
