//! Quantiles of the normal and of Student's distribution: how many standard errors a difference has to be.

/// The quantile of the standard normal distribution; `p` within (0, 1).
///
/// Source: P. J. Acklam, "An algorithm for computing the inverse normal cumulative distribution function", 2003; relative
/// error below 1.15e-9.
fn normal(p: f64) -> f64 {
    const A: [f64; 6] = [
        -39.696_830_286_653_8,
        220.946_098_424_521,
        -275.928_510_446_969,
        138.357_751_867_269,
        -30.664_798_066_147_2,
        2.506_628_277_459_24,
    ];
    const B: [f64; 5] = [
        -54.476_098_798_224_1,
        161.585_836_858_041,
        -155.698_979_859_887,
        66.801_311_887_719_7,
        -13.280_681_552_885_7,
    ];
    const C: [f64; 6] = [
        -0.007_784_894_002_430_29,
        -0.322_396_458_041_136,
        -2.400_758_277_161_84,
        -2.549_732_539_343_73,
        4.374_664_141_464_97,
        2.938_163_982_698_78,
    ];
    const D: [f64; 4] =
        [0.007_784_695_709_041_46, 0.322_467_129_070_04, 2.445_134_137_143, 3.754_408_661_907_42];
    let horner = |of: &[f64], at: f64| of.iter().fold(0.0, |sum, c| sum * at + c);
    let tail = |p: f64| {
        let q = (-2.0 * p.ln()).sqrt();
        horner(&C, q) / (horner(&D, q) * q + 1.0)
    };
    if p < 0.024_25 {
        tail(p)
    } else if p > 1.0 - 0.024_25 {
        -tail(1.0 - p)
    } else {
        let (q, r) = (p - 0.5, (p - 0.5) * (p - 0.5));
        horner(&A, r) * q / (horner(&B, r) * r + 1.0)
    }
}

/// The quantile of Student's distribution with `freedom` degrees of freedom (at least 4, for two decimals).
///
/// Source: Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.7.5: an expansion around the normal quantile.
pub(super) fn student(p: f64, freedom: f64) -> f64 {
    let x = normal(p);
    let x2 = x * x;
    let terms = [
        x * (x2 + 1.0) / 4.0,
        x * ((5.0 * x2 + 16.0) * x2 + 3.0) / 96.0,
        x * (((3.0 * x2 + 19.0) * x2 + 17.0) * x2 - 15.0) / 384.0,
    ];
    terms.iter().rev().fold(0.0, |sum, term| (sum + term) / freedom) + x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        let tables = [
            (normal(0.5), 0.0),
            (normal(0.975), 1.959_964),
            (normal(0.001), -3.090_232),
            (student(0.975, 10.0), 2.228_139),
            (student(0.995, 30.0), 2.749_996),
            (student(0.9995, 100.0), 3.390_491),
        ];
        for (found, table) in tables {
            assert!((found - table).abs() < 5e-3, "{found} is not {table}");
        }
    }
}
