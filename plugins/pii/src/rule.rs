//! What is found.

use sluicegate_plugin::scan;

/// The rules, strongest first: one with a check digit beats one with a range check beats a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    Iban,
    Card,
    Ssn,
    Email,
    Ip,
    DateOfBirth,
    Phone,
}

impl Rule {
    pub(crate) const ALL: [Self; 7] =
        [Self::Iban, Self::Card, Self::Ssn, Self::Email, Self::Ip, Self::DateOfBirth, Self::Phone];
}

impl scan::Rule for Rule {
    fn name(self) -> &'static str {
        match self {
            Self::Iban => "iban",
            Self::Card => "card",
            Self::Ssn => "ssn",
            Self::Email => "email",
            Self::Ip => "ip",
            Self::DateOfBirth => "date-of-birth",
            Self::Phone => "phone",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Iban => "a bank account number (IBAN)",
            Self::Card => "a payment card number",
            Self::Ssn => "a US social security number",
            Self::Email => "an e-mail address",
            Self::Ip => "an IP address",
            Self::DateOfBirth => "a date of birth",
            Self::Phone => "a telephone number",
        }
    }
}
