//! Amounts of money.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::str::FromStr;

/// An amount of US dollars, counted in billionths: a token costs some tens of them, and stores that count in doubles are
/// still exact beyond nine million dollars. Sums stop at the largest amount, 18 billion dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(u64);

/// Billionths in a dollar.
const DOLLAR: u64 = 1_000_000_000;
/// Digits behind the point.
const DIGITS: usize = 9;

impl Money {
    /// None.
    pub const ZERO: Self = Self(0);

    /// So many billionths of a dollar.
    #[must_use]
    pub const fn from_nanodollars(nanodollars: u64) -> Self {
        Self(nanodollars)
    }

    /// How many billionths of a dollar.
    #[must_use]
    pub const fn nanodollars(self) -> u64 {
        self.0
    }

    /// In dollars, as near as a floating-point number is.
    #[must_use]
    pub fn dollars(self) -> f64 {
        // Prices have far fewer digits than are lost here.
        #[allow(clippy::cast_precision_loss)]
        let nanodollars = self.0 as f64;
        nanodollars / 1e9
    }

    /// What `tokens` cost at so much a million, rounded up.
    #[must_use]
    pub fn of_tokens(tokens: u64, a_million: Self) -> Self {
        let cost = (u128::from(tokens) * u128::from(a_million.0)).div_ceil(1_000_000);
        Self(u64::try_from(cost).unwrap_or(u64::MAX))
    }

    /// How many tokens this much of it pays for, if a million of them costs as much as `self`.
    #[must_use]
    pub fn tokens_for(self, money: Self) -> u64 {
        let tokens = (u128::from(money.0) * 1_000_000).checked_div(self.0.into());
        tokens.map_or(u64::MAX, |tokens| u64::try_from(tokens).unwrap_or(u64::MAX))
    }

    /// What is left of it; none if `other` is more.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add for Money {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// In dollars, without the zeros at the end: `0.00125`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (dollars, rest) = (self.0 / DOLLAR, self.0 % DOLLAR);
        if rest == 0 {
            return write!(f, "{dollars}");
        }
        let rest = format!("{rest:0DIGITS$}");
        write!(f, "{dollars}.{}", rest.trim_end_matches('0'))
    }
}

/// An amount cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotMoney;

impl fmt::Display for NotMoney {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "is not an amount of dollars with at most {DIGITS} digits behind the point, as \"0.25\"")
    }
}

impl std::error::Error for NotMoney {}

/// From dollars: `12`, `0.000075`.
impl FromStr for Money {
    type Err = NotMoney;

    fn from_str(text: &str) -> Result<Self, NotMoney> {
        let (dollars, rest) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(dollars) || !is_number(rest) || rest.len() > DIGITS {
            return Err(NotMoney);
        }
        let dollars: u64 = dollars.parse().map_err(|_| NotMoney)?;
        let rest: u64 = format!("{rest:0<DIGITS$}").parse().map_err(|_| NotMoney)?;
        dollars.checked_mul(DOLLAR).and_then(|dollars| dollars.checked_add(rest)).map(Self).ok_or(NotMoney)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_reads_as_it_is_written() {
        for text in ["0", "12", "0.00125", "3.000000001", "18446744073.709551615"] {
            assert_eq!(text.parse::<Money>().unwrap().to_string(), text);
        }
        assert_eq!("1.50".parse::<Money>().unwrap().to_string(), "1.5");
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e3", "1.0000000001", "1,5", "18446744073.709551616", "1.-5"] {
            assert_eq!(text.parse::<Money>(), Err(NotMoney), "{text}");
        }
    }

    #[test]
    fn tokens_are_never_cheaper_than_their_price() {
        let price: Money = "0.075".parse().unwrap();
        assert_eq!(Money::of_tokens(1_000_000, price), price);
        assert_eq!(Money::of_tokens(1, price).nanodollars(), 75);
        assert_eq!(Money::of_tokens(1, Money::from_nanodollars(1)).nanodollars(), 1);
        assert_eq!(Money::of_tokens(u64::MAX, Money::from_nanodollars(u64::MAX)).nanodollars(), u64::MAX);
    }

    #[test]
    fn sums_stop_at_the_largest_amount() {
        let most = Money::from_nanodollars(u64::MAX);
        assert_eq!([most, most].into_iter().sum::<Money>(), most);
        assert_eq!(Money::ZERO.saturating_sub(most), Money::ZERO);
    }
}
