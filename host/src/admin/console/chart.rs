//! Pictures: SVG that the page's style colours, without a word of script. What a picture shows is also said in its titles, for
//! those who point at it and those who cannot see it.

use std::collections::BTreeMap;

use maud::{Markup, html};

/// Height of a picture in its own units; its style says how tall it is on the page.
const HEIGHT: f64 = 100.0;
/// Width of a bar with its gap, and of the bar alone.
const BAR: f64 = 10.0;
const BAR_ALONE: f64 = 8.0;

/// A bar of several parts, the lowest first.
#[derive(Debug, Default)]
pub(super) struct Bar {
    /// What it says.
    pub(super) title: String,
    /// How much of what: the name of a colour, and a number.
    pub(super) parts: Vec<(&'static str, f64)>,
}

/// Bars beside each other, as tall as the tallest needs.
pub(super) fn bars(name: &str, bars: &[Bar]) -> Markup {
    let height = |bar: &Bar| bar.parts.iter().map(|(_, number)| number).sum::<f64>();
    let tallest = bars.iter().map(height).fold(0.0, f64::max);
    let scale = if tallest > 0.0 { HEIGHT / tallest } else { 0.0 };
    let width = BAR * number(bars.len().max(1));
    html! {
        svg.chart viewBox=(format!("0 0 {width} {HEIGHT}")) preserveAspectRatio="none" role="img" aria-label=(name) {
            @for (place, bar) in bars.iter().enumerate() {
                g {
                    title { (bar.title) }
                    rect.all x=(place_of(place)) y="0" width=(BAR) height=(HEIGHT) {}
                    @for (colour, y, tall) in stacked(bar, scale) {
                        rect class=(colour) x=(place_of(place)) y=(y) width=(BAR_ALONE) height=(tall) {}
                    }
                }
            }
        }
    }
}

fn stacked(bar: &Bar, scale: f64) -> Vec<(&'static str, f64, f64)> {
    let mut top = HEIGHT;
    let drawn = bar.parts.iter().filter(|(_, number)| *number > 0.0).map(|(colour, number)| {
        // What is there is seen, however little it is.
        let tall = (number * scale).max(1.5);
        top -= tall;
        (*colour, round(top), round(tall))
    });
    drawn.collect()
}

/// Lines over the same places; where there is no number, a line is interrupted.
pub(super) fn lines(name: &str, places: usize, all: &[(&'static str, Vec<Option<f64>>)]) -> Markup {
    let highest = all.iter().flat_map(|(_, line)| line.iter().flatten()).copied().fold(0.0, f64::max);
    let scale = if highest > 0.0 { (HEIGHT - 4.0) / highest } else { 0.0 };
    let width = BAR * number(places.max(1));
    html! {
        svg.chart viewBox=(format!("0 0 {width} {HEIGHT}")) preserveAspectRatio="none" role="img" aria-label=(name) {
            @for (colour, line) in all {
                @for stretch in stretches(line, scale) {
                    polyline class=(format!("line {colour}")) points=(stretch) vector-effect="non-scaling-stroke" {}
                }
            }
        }
    }
}

/// The points of each stretch of a line that is not interrupted.
fn stretches(line: &[Option<f64>], scale: f64) -> Vec<String> {
    let mut stretches = Vec::<Vec<String>>::new();
    let mut goes_on = false;
    for (place, value) in line.iter().enumerate() {
        let Some(value) = value else {
            goes_on = false;
            continue;
        };
        let (x, y) = (number(place) * BAR, round(HEIGHT - 2.0 - value * scale));
        if !std::mem::replace(&mut goes_on, true) {
            // As wide as a bar at least, so that a number by itself is seen too.
            stretches.push(vec![format!("{},{y}", x + 1.0)]);
        }
        if let Some(stretch) = stretches.last_mut() {
            stretch.push(format!("{},{y}", x + BAR_ALONE));
        }
    }
    stretches.into_iter().map(|stretch| stretch.join(" ")).collect()
}

/// How something is distributed, from the first part of the scale that has any to the last.
pub(super) fn distribution(name: &str, parts: &[(i64, u64)], said: impl Fn(i64) -> String) -> Markup {
    let counts: BTreeMap<i64, u64> = parts.iter().copied().collect();
    let (Some((first, _)), Some((last, _))) = (counts.first_key_value(), counts.last_key_value()) else {
        return html! { p.none { "nothing yet" } };
    };
    let all: Vec<Bar> = (*first..=*last)
        .map(|bucket| {
            let count = counts.get(&bucket).copied().unwrap_or_default();
            Bar { title: format!("up to {}: {count}", said(bucket)), parts: vec![("plain", number_of(count))] }
        })
        .collect();
    html! {
        (bars(name, &all))
        div.axis { span { (said(*first)) } span { (said(*last)) } }
    }
}

/// A stretch of a time that is as wide as the page gives it: from where to where, of how much.
pub(super) fn stretch(colour: &str, at: u128, took: u128, all: u128) -> Markup {
    const WIDTH: u128 = 1_000;
    let place = |time: u128| (time.min(all) * WIDTH).checked_div(all).unwrap_or_default();
    // What is there is seen, however short it was.
    let (x, end) = (place(at).min(WIDTH - 4), place(at.saturating_add(took)));
    let width = end.saturating_sub(x).max(4);
    html! {
        svg.stretch viewBox=(format!("0 0 {WIDTH} 10")) preserveAspectRatio="none" aria-hidden="true" {
            rect.all x="0" y="0" width=(WIDTH) height="10" {}
            rect class=(colour) x=(x) y="1" width=(width) height="8" rx="2" {}
        }
    }
}

fn place_of(place: usize) -> f64 {
    number(place) * BAR
}

// Pictures have a few hundred places.
#[allow(clippy::cast_precision_loss)]
fn number(count: usize) -> f64 {
    count as f64
}

/// Near enough for a picture.
#[allow(clippy::cast_precision_loss)]
pub(super) fn number_of(count: u64) -> f64 {
    count as f64
}

fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_bar_stand_on_each_other() {
        let bar = Bar { title: String::new(), parts: vec![("good", 6.0), ("none", 0.0), ("bad", 2.0)] };
        assert_eq!(stacked(&bar, 10.0), [("good", 40.0, 60.0), ("bad", 20.0, 20.0)]);
    }

    #[test]
    fn a_line_is_interrupted_where_there_is_no_number() {
        let line = [Some(0.0), Some(9.6), None, Some(4.8)];
        assert_eq!(stretches(&line, 10.0), ["1,98 8,98 18,2", "31,50 38,50"]);
    }

    #[test]
    fn what_was_short_is_seen() {
        let drawn = stretch("plugin", 0, 1, 1_000_000).into_string();
        assert!(drawn.contains("x=\"0\" y=\"1\" width=\"4\""), "{drawn}");
        let after = stretch("plugin", 2_000, 500, 1_000).into_string();
        assert!(after.contains("x=\"996\""), "{after}");
        assert!(stretch("plugin", 0, 0, 0).into_string().contains("width=\"4\""));
    }
}
