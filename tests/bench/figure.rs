//! A line of the table.

/// What was measured, and what it may be.
pub(crate) struct Figure {
    name: String,
    value: String,
    bound: Option<Bound>,
}

/// A bound of the design, and whether the value keeps it.
struct Bound {
    text: String,
    holds: bool,
}

impl Figure {
    /// A value without a bound.
    pub(crate) fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into(), bound: None }
    }

    /// The same with a bound in words.
    pub(crate) fn bound(self, text: impl Into<String>, holds: bool) -> Self {
        Self { bound: Some(Bound { text: text.into(), holds }), ..self }
    }

    pub(crate) fn print_head() {
        println!("{:<66} {:>24}   bound", "figure", "value");
    }

    pub(crate) fn print(figures: &[Self]) {
        for Self { name, value, bound } in figures {
            let bound = bound.as_ref().map(|Bound { text, holds }| {
                let verdict = if *holds { "holds" } else { "MISSED" };
                format!("   {text}: {verdict}")
            });
            println!("{name:<66} {value:>24}{}", bound.unwrap_or_default());
        }
    }
}

/// The value below which `share` of the values lie; sorts them.
pub(crate) fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1).expect("at least one value");
    values[(last as f64 * share).round() as usize]
}
