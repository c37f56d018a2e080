//! Writes the head of a request, and a body that is small, into one buffer. Pure.

use http::Method;

use super::super::Request;

/// Bodies up to here are copied behind their head, so that one write sends both, in bytes.
pub const COPIED_BODY: usize = 16 << 10;

/// Appends the request to `out`: the head, and the body if it is small. Returns how much of the body is in it.
pub fn write(request: &Request<'_>, out: &mut Vec<u8>) -> usize {
    let mut put = |bytes: &[u8]| out.extend_from_slice(bytes);
    put(request.method.as_str().as_bytes());
    put(b" ");
    put(request.path.as_bytes());
    put(b" HTTP/1.1\r\n");
    if !request.names_host {
        put(b"host: ");
        put(request.origin.authority().as_bytes());
        put(b"\r\n");
    }
    put(request.headers);
    if !request.cookies.is_empty() {
        put(b"cookie: ");
        put(request.cookies);
        put(b"\r\n");
    }
    if request.options.closes {
        put(b"connection: close\r\n");
    }
    if !request.body.is_empty() || expects_body(request.method) {
        put(b"content-length: ");
        put_number(request.body.len(), &mut put);
        put(b"\r\n");
    }
    put(b"\r\n");
    if request.body.len() > COPIED_BODY {
        return 0;
    }
    put(request.body);
    request.body.len()
}

/// Whether a request without a body says so. RFC 9110, 8.6: where a body would be expected.
pub fn expects_body(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

fn put_number(number: usize, put: &mut impl FnMut(&[u8])) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut left = number;
    loop {
        at -= 1;
        // A digit is below ten.
        digits[at] = b'0' + u8::try_from(left % 10).unwrap_or_default();
        left /= 10;
        if left == 0 {
            break;
        }
    }
    put(&digits[at..]);
}
