//! What is found and what is not.

use super::masked;

fn all_become(expected: &str, texts: &[&str]) {
    for text in texts {
        assert_eq!(masked(text), expected, "{text}");
    }
}

fn all_stay(texts: &[&str]) {
    for text in texts {
        assert_eq!(masked(text), *text);
    }
}

#[test]
fn email_addresses() {
    all_become(
        "[EMAIL]",
        &[
            "john.smith+news@mail.example.co.uk",
            "j_o'neil%x@my-host.example.com",
            "jürgen@müller.de",
            "a@xn--mller-kva.example",
            "john＠example．com",
            "jo\u{200B}hn@example.com",
        ],
    );
    assert_eq!(masked("(see <a@example.com>, or b@example.com.)"), "(see <[EMAIL]>, or [EMAIL].)");
    assert_eq!(masked("email=john@example.com-account"), "email=[EMAIL]-account");
    assert_eq!(masked("请联系john@example.com谢谢"), "请联系[EMAIL]谢谢");
    assert_eq!(masked("a@b.example@c.example"), "[EMAIL]");
    assert_eq!(masked(r#"print("\na@b.example\n+49 30 123456")"#), r#"print("\n[EMAIL]\n[PHONE]")"#);
}

#[test]
fn what_only_looks_like_an_email_address() {
    all_stay(&["@john", "john@", "john@localhost", "react@18.2.0", "a @ b.com", "x.@example.com", "@example.com"]);
}

#[test]
fn phone_numbers() {
    all_become(
        "[PHONE]",
        &[
            "+49 30 123456",
            "+49 (0)30 / 123456-20",
            "(+49) 171 1234567".trim_start_matches('('),
            "+1 (555) 234-5678",
            "+15552345678",
            "+33 1 23 45 67 89",
            "+44 20 7946 0958",
            "0049 30 123456",
            "004915112345678",
            "(555) 234-5678",
            "555-234-5678",
            "555.234.5678",
            "1-555-234-5678",
            "555‑234‑5678",
            "＋４９ ３０ １２３４５６",
            "030 1234567",
            "(030) 123456",
            "089/1234567",
            "01 23 45 67 89",
            "01.23.45.67.89",
            "07911 123456",
            "(11) 98765-4321",
        ],
    );
    assert_eq!(masked("Call +1 555 234 5678 2024 times."), "Call [PHONE] 2024 times.");
}

#[test]
fn what_only_looks_like_a_phone_number() {
    all_stay(&[
        "2024-01-02 10:30:45",
        "01.02.2024 10 Uhr",
        "01/02/24 1030 2040",
        "1234567890",
        "0123456789012",
        "3.1415926535",
        "12 345 678 901",
        "555-123-4567-8901",
        "+1 2 3",
        "x+12345678901",
        "155-234-5678",
        "ISBN 978-3-16-148410-0",
        "10 000 000 000",
        "550e8400-e29b-41d4-a716-446655440000",
    ]);
}

#[test]
fn payment_cards() {
    all_become(
        "[CARD]",
        &[
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "4111111111111111",
            "3782 822463 10005",
            "４１１１ １１１１ １１１１ １１１１",
            "4111\u{A0}1111\u{A0}1111\u{A0}1111",
        ],
    );
    assert_eq!(masked("12,4111111111111111,12/27"), "12,[CARD],12/27");
    assert_eq!(masked("4111 1111 1111 1111 5555 5555 5555 4444"), "[CARD] [CARD]");
    assert_eq!(masked("4111 1111 1111 1111 12/27 123"), "[CARD] 12/27 123");
}

#[test]
fn what_only_looks_like_a_card() {
    all_stay(&[
        "4111 1111 1111 1112",
        "1111111111111117",
        "0.4111111111111111",
        "a4111111111111111",
        "4111111111111111b",
        "41111111111111111111",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
    ]);
}

#[test]
fn bank_accounts() {
    all_become("[IBAN]", &["DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "gb29 nwbk 6016 1331 9268 19"]);
    assert_eq!(masked("IBAN: NO93 8601 1117 947."), "IBAN: [IBAN].");
    all_stay(&["DE88370400440532013000", "ZZ89 3704", "in20 words"]);
}

#[test]
fn social_security_numbers() {
    all_become("[SSN]", &["123-45-6789", "123 45 6789"]);
    all_stay(&[
        "000-45-6789",
        "666-45-6789",
        "912-45-6789",
        "123-00-6789",
        "123-45-0000",
        "123-45-67890",
        "1-123-45-6789",
        "123-45 6789",
    ]);
}

#[test]
fn ip_addresses() {
    all_become(
        "[IP]",
        &["192.168.10.20", "8.8.8.8", "2001:db8::8a2e:370:7334", "fe80::1ff:fe23:4567:890a", "::ffff:192.0.2.1"],
    );
    assert_eq!(masked("from 8.8.8.8:53, 10.0.0.0/8."), "from [IP]:53, [IP]/8.");
    all_stay(&[
        "127.0.0.1",
        "v1.2.3.4",
        "1.2.3.4.5",
        "1.2.3",
        "256.1.1.1",
        "::1",
        "std::fs::read",
        "a[1::2]",
        "12:30:45",
    ]);
}

#[test]
fn dates_of_birth() {
    for date in [
        "1980-03-14",
        "14.3.1980",
        "14/03/80",
        "3/14/1980",
        "14 March 1980",
        "14th of March, 1980",
        "March 14, 1980",
        "14. März 1980",
        "14 de marzo de 1980",
        "14 février 1980",
        "1980年3月14日",
        "14. 3. 1980",
    ] {
        assert_eq!(masked(&format!("DOB: {date}.")), "DOB: [DATE_OF_BIRTH].");
        assert_eq!(masked(&format!("On {date}, Ann was born.")), "On [DATE_OF_BIRTH], Ann was born.");
        assert_eq!(masked(&format!("The contract of {date} ends.")), format!("The contract of {date} ends."));
    }
    for word in [
        "date of birth: ",
        "born in Ulm, Germany, on ",
        "Geburtsdatum: ",
        "geb. ",
        "geb. am ",
        "geboren am ",
        "né le ",
        "Fecha de nacimiento: ",
        "nato il ",
        "BORN\n",
        "生年月日",
    ] {
        assert_eq!(masked(&format!("{word}14.03.1980")), format!("{word}[DATE_OF_BIRTH]"));
    }
}

#[test]
fn a_date_far_from_the_birth_word_or_in_another_sentence_stays() {
    all_stay(&[
        "She was born in Ulm. On 2020-01-02 the contract began.",
        "They met on 2020-01-02. Born leaders, both.",
        "stillborn 2020-01-02",
        "born in 1980",
        "born on the first of a month that nobody in the family could remember, 2020-01-02",
    ]);
}

#[test]
fn what_overlaps_is_one_match_of_the_strongest_rule() {
    assert_eq!(masked("0171 4111 1111 1111 1111"), "[CARD]");
    assert_eq!(masked("12345678901@example.com"), "[EMAIL]");
    assert_eq!(masked("555-234-5678@example.com"), "[EMAIL]");
}
