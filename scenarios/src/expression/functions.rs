//! The functions of the language: their names, how many values they take, what they give.
//!
//! What is random takes from the user's generator, a fixed number of draws for fixed arguments, so that the same seed gives the
//! same course. The time comes from the clock that the context brings along.

use std::borrow::Cow;

use super::arithmetic::{compare, finite, fits, fraction};
use super::evaluate::{Scene, whole};
use super::node::{Comparison, Node};
use super::{EvaluateError, LONGEST_LIST, LONGEST_TEXT, access, bytes, clock};
use crate::draw::Draw;
use crate::value::Value;

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Uuid,
    RandomInt,
    RandomFloat,
    RandomString,
    RandomPick,
    RandomNormal,
    NowUnix,
    NowMillis,
    NowIso,
    Base64,
    Hex,
    UrlEncode,
    Sha256,
    HmacSha256,
    Json,
    Sin,
    Cos,
    Sqrt,
    Floor,
    Ceil,
    Min,
    Max,
    Abs,
    Round,
    Range,
}

/// Name, function, fewest and most arguments, an example.
type Row = (&'static str, Function, usize, usize, &'static str);

const ALL: [Row; 25] = [
    ("uuid", Function::Uuid, 0, 0, "uuid()"),
    ("random.int", Function::RandomInt, 2, 2, "random.int(1, 9)"),
    ("random.float", Function::RandomFloat, 2, 2, "random.float(0.5, 1.5)"),
    ("random.string", Function::RandomString, 1, 1, "random.string(12)"),
    ("random.pick", Function::RandomPick, 1, 1, "random.pick(['a', 'b'])"),
    ("random.normal", Function::RandomNormal, 2, 2, "random.normal(100, 15)"),
    ("now.unix", Function::NowUnix, 0, 0, "now.unix()"),
    ("now.millis", Function::NowMillis, 0, 0, "now.millis()"),
    ("now.iso", Function::NowIso, 0, 0, "now.iso()"),
    ("base64", Function::Base64, 1, 1, "base64(name)"),
    ("hex", Function::Hex, 1, 1, "hex(name)"),
    ("urlencode", Function::UrlEncode, 1, 1, "urlencode(name)"),
    ("sha256", Function::Sha256, 1, 1, "sha256(name)"),
    ("hmac_sha256", Function::HmacSha256, 2, 2, "hmac_sha256(key, text)"),
    ("json", Function::Json, 1, 1, "json(items)"),
    ("sin", Function::Sin, 1, 1, "sin(t)"),
    ("cos", Function::Cos, 1, 1, "cos(t)"),
    ("sqrt", Function::Sqrt, 1, 1, "sqrt(2)"),
    ("floor", Function::Floor, 1, 1, "floor(2.5)"),
    ("ceil", Function::Ceil, 1, 1, "ceil(2.5)"),
    ("min", Function::Min, 1, 100, "min(1, 2)"),
    ("max", Function::Max, 1, 100, "max(1, 2)"),
    ("abs", Function::Abs, 1, 1, "abs(-2)"),
    ("round", Function::Round, 1, 2, "round(2.345, 2)"),
    ("range", Function::Range, 1, 3, "range(5)"),
];

impl Function {
    /// The function of a name, how many arguments it takes, and an example.
    pub(crate) fn find(name: &str) -> Option<(Self, usize, usize, &'static str)> {
        let row = ALL.iter().find(|row| row.0 == name)?;
        Some((row.1, row.2, row.3, row.4))
    }

    /// Every name.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        ALL.iter().map(|row| row.0)
    }

    /// Whether it can stand behind a `|` as well, with what stands before that as its argument.
    pub(crate) fn is_filter(self) -> bool {
        matches!(
            self,
            Self::Base64 | Self::Hex | Self::Sha256 | Self::Json | Self::Floor | Self::Ceil | Self::Sqrt
        )
    }

    /// Whether it gives the same whenever it is given the same, without a user.
    pub(crate) fn is_pure(self) -> bool {
        !matches!(
            self,
            Self::Uuid
                | Self::RandomInt
                | Self::RandomFloat
                | Self::RandomString
                | Self::RandomPick
                | Self::RandomNormal
                | Self::NowUnix
                | Self::NowMillis
                | Self::NowIso
        )
    }

    /// Whether it always gives a text.
    pub(crate) fn gives_text(self) -> bool {
        matches!(
            self,
            Self::Uuid
                | Self::RandomString
                | Self::NowIso
                | Self::Base64
                | Self::Hex
                | Self::UrlEncode
                | Self::Sha256
                | Self::HmacSha256
                | Self::Json
        )
    }

    pub(super) fn call(self, nodes: &[Node], scene: &mut Scene<'_, '_>) -> Result<Value, EvaluateError> {
        let mut given = Vec::with_capacity(nodes.len());
        for node in nodes {
            given.push(node.value(scene)?);
        }
        let given = given.as_slice();
        Ok(match self {
            Self::Uuid => Value::Text(uuid(scene.user()?.draw)),
            Self::RandomInt => {
                let (lo, hi) = (access::whole(first(given)?)?, access::whole(second(given)?)?);
                if lo > hi {
                    return Err(EvaluateError::cannot("`random.int` needs the smaller number first"));
                }
                Value::Int(scene.user()?.draw.int(lo, hi))
            }
            Self::RandomFloat => {
                let (lo, hi) = (number(first(given)?)?, number(second(given)?)?);
                finite(lo + (hi - lo) * scene.user()?.draw.next_f64())?
            }
            Self::RandomString => random_string(access::whole(first(given)?)?, scene.user()?.draw)?,
            Self::RandomPick => pick(first(given)?, scene.user()?.draw)?,
            Self::RandomNormal => {
                let (mean, sd) = (number(first(given)?)?, number(second(given)?)?);
                finite(mean + sd * normal(scene.user()?.draw))?
            }
            Self::NowUnix => whole((scene.user()?.around.now)().as_secs()),
            Self::NowMillis => {
                let millis = (scene.user()?.around.now)().as_millis();
                whole(u64::try_from(millis).unwrap_or(u64::MAX))
            }
            Self::NowIso => Value::Text(clock::iso((scene.user()?.around.now)())),
            Self::Min | Self::Max => extreme(self == Self::Max, given)?,
            Self::Range => range(given)?,
            Self::Round => rounded(given)?,
            Self::HmacSha256 => {
                let (key, text) = (first(given)?.to_plain(), second(given)?.to_plain());
                Value::Text(bytes::hex(&bytes::hmac_sha256(key.as_bytes(), text.as_bytes())))
            }
            _ => self.of_one(first(given)?)?,
        })
    }

    fn of_one(self, value: &Value) -> Result<Value, EvaluateError> {
        let text = |made: String| {
            fits(made.len(), LONGEST_TEXT)?;
            Ok(Value::Text(made))
        };
        match self {
            Self::Base64 => text(bytes::base64(value.to_plain().as_bytes())),
            Self::Hex => text(bytes::hex(value.to_plain().as_bytes())),
            Self::UrlEncode => text(bytes::component(&value.to_plain())),
            Self::Sha256 => text(bytes::hex(&bytes::sha256(value.to_plain().as_bytes()))),
            Self::Json => text(value.to_json()),
            Self::Sin => finite(number(value)?.sin()),
            Self::Cos => finite(number(value)?.cos()),
            Self::Sqrt => match number(value)? {
                number if number < 0.0 => {
                    Err(EvaluateError::cannot("`sqrt` needs a number that is not negative"))
                }
                number => finite(number.sqrt()),
            },
            Self::Floor => toward(value, f64::floor),
            Self::Ceil => toward(value, f64::ceil),
            Self::Abs => match value {
                Value::Int(number) => number
                    .checked_abs()
                    .map(Value::Int)
                    .ok_or_else(|| EvaluateError::cannot("the result is too large for a number")),
                value => finite(number(value)?.abs()),
            },
            _ => Err(EvaluateError::cannot("this function takes other values")),
        }
    }
}

fn first<'v>(given: &'v [Cow<'_, Value>]) -> Result<&'v Value, EvaluateError> {
    given.first().map(|value| &**value).ok_or_else(|| EvaluateError::cannot("a value is missing"))
}

fn second<'v>(given: &'v [Cow<'_, Value>]) -> Result<&'v Value, EvaluateError> {
    first(given.get(1..).unwrap_or_default())
}

fn number(value: &Value) -> Result<f64, EvaluateError> {
    fraction(value).ok_or_else(|| {
        let hint = if matches!(value, Value::Text(_)) { "; write `… | float`" } else { "" };
        EvaluateError::cannot(format!("a number is needed here, not {}{hint}", value.found()))
    })
}

/// A fraction to a whole number, where one can hold it.
fn toward(value: &Value, to: fn(f64) -> f64) -> Result<Value, EvaluateError> {
    if let Value::Int(_) = value {
        return Ok(value.clone());
    }
    let number = to(number(value)?);
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and within the range")]
    Ok(if number.abs() < 9e15 { Value::Int(number as i64) } else { finite(number)? })
}

/// Half goes away from zero; with digits it stays a fraction.
fn rounded(given: &[Cow<'_, Value>]) -> Result<Value, EvaluateError> {
    let value = first(given)?;
    let digits = match given.get(1) {
        Some(digits) => access::whole(digits)?,
        None => 0,
    };
    if !(0..=15).contains(&digits) {
        return Err(EvaluateError::cannot("`round` takes 0 to 15 digits"));
    }
    if digits == 0 {
        return toward(value, f64::round);
    }
    let scale = 10_f64.powi(i32::try_from(digits).unwrap_or(0));
    let number = number(value)?;
    let scaled = (number * scale).round() / scale;
    // Too large to be scaled is too large to have digits behind the point.
    finite(if scaled.is_finite() { scaled } else { number })
}

/// The smallest or greatest of several values, or of a list.
fn extreme(greatest: bool, given: &[Cow<'_, Value>]) -> Result<Value, EvaluateError> {
    let all: Vec<&Value> = match given {
        [only] => match &**only {
            Value::List(items) => items.iter().collect(),
            other => vec![other],
        },
        several => several.iter().map(|value| &**value).collect(),
    };
    let mut best: Option<&Value> = None;
    for value in all {
        let wins = if greatest { Comparison::Greater } else { Comparison::Less };
        best = match best {
            Some(old) if !compare(wins, value, old)? => Some(old),
            _ => Some(value),
        };
    }
    best.cloned()
        .ok_or_else(|| EvaluateError::cannot("an empty list has neither a smallest nor a greatest value"))
}

/// As Python's.
fn range(given: &[Cow<'_, Value>]) -> Result<Value, EvaluateError> {
    let numbers: Vec<i64> = given.iter().map(|value| access::whole(value)).collect::<Result<_, _>>()?;
    let (from, to, step) = match *numbers.as_slice() {
        [to] => (0, to, 1),
        [from, to] => (from, to, 1),
        [from, to, step] => (from, to, step),
        _ => (0, 0, 1),
    };
    if step == 0 {
        return Err(EvaluateError::cannot("`range` cannot go in steps of 0"));
    }
    let ahead = |at: i64| if step > 0 { at < to } else { at > to };
    let mut items = Vec::new();
    let mut at = from;
    while ahead(at) {
        fits(items.len() + 1, LONGEST_LIST)?;
        items.push(Value::Int(at));
        match at.checked_add(step) {
            Some(next) => at = next,
            None => break,
        }
    }
    Ok(Value::List(items))
}

/// RFC 9562, version 4, from two draws.
fn uuid(draw: &mut Draw) -> String {
    let bits = u128::from(draw.next_u64()) << 64 | u128::from(draw.next_u64());
    let bits = bits & !(0xf << 76) | 4 << 76;
    let bits = bits & !(0x3 << 62) | 2 << 62;
    let digits = format!("{bits:032x}");
    let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
}

/// Letters and digits, a draw for each.
fn random_string(length: i64, draw: &mut Draw) -> Result<Value, EvaluateError> {
    const SIGNS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let length = usize::try_from(length)
        .map_err(|_| EvaluateError::cannot("`random.string` needs a length that is not negative"))?;
    fits(length, LONGEST_TEXT)?;
    let sign = |_| {
        let at = usize::try_from(draw.int(0, 61)).unwrap_or(0);
        char::from(SIGNS[at])
    };
    Ok(Value::Text((0..length).map(sign).collect()))
}

fn pick(value: &Value, draw: &mut Draw) -> Result<Value, EvaluateError> {
    let Value::List(items) = value else {
        return Err(EvaluateError::cannot(format!("`random.pick` needs a list, not {}", value.found())));
    };
    let last = i64::try_from(items.len()).unwrap_or(i64::MAX) - 1;
    let at = usize::try_from(draw.int(0, last.max(0))).unwrap_or(0);
    items
        .get(at)
        .cloned()
        .ok_or_else(|| EvaluateError::cannot("`random.pick` cannot choose from an empty list"))
}

/// Box and Muller, as in `wait.rs`: two draws.
fn normal(draw: &mut Draw) -> f64 {
    let radius = (-2.0 * (1.0 - draw.next_f64()).ln()).sqrt();
    radius * (std::f64::consts::TAU * draw.next_f64()).cos()
}
