//! Each rule by which two questions are told apart, or taken for one.

use super::*;

#[track_caller]
fn assert_all(is_same: bool, pairs: &[(&str, &str)]) {
    for (one, other) in pairs {
        let (first, second) = (Question::read(one), Question::read(other));
        assert_eq!(first.is_same_as(&second), is_same, "{one} | {other}\n{first:?}\n{second:?}");
        assert_eq!(second.is_same_as(&first), is_same, "the other way round: {one} | {other}");
    }
}

#[test]
fn courtesy_case_and_punctuation_change_nothing() {
    assert_all(
        true,
        &[
            ("How do I cancel a booking?", "Hello there, how do I cancel a booking please"),
            ("What is an API?", "what's an api??"),
            ("What is a mutex?", "Could you please tell me what a mutex is? Thanks!"),
            ("Write a poem about the sea.", "can you write a poem about the sea"),
            ("HOW DO I CLOSE MY ACCOUNT", "How do I close my account?"),
            ("I can't log in. What should I do?", "I cannot log in, what should I do?"),
            ("When does check-in close?", "when does check in close"),
            ("What does \u{201c}moot\u{201d} mean?", "What does \"moot\" mean?"),
        ],
    );
}

#[test]
fn what_is_said_in_usual_phrases_is_the_same() {
    assert_all(
        true,
        &[
            ("How do I reset my password?", "What do I have to do to reset my password?"),
            ("How do I reset my password?", "I want to reset my password, how does that work?"),
            ("How do I export contacts?", "What is the procedure for exporting contacts?"),
            ("How to sort a list in Rust", "In Rust, what is the way to sort a list?"),
            ("Can I bring a dog?", "Is it possible to bring a dog?"),
            ("How tall is Mount Everest?", "What is the height of Mount Everest?"),
            ("How much does the ticket cost?", "What is the price of the ticket?"),
            ("What does GDP mean?", "What is the meaning of GDP?"),
            ("What is the difference between TCP and UDP?", "How does UDP differ from TCP?"),
            ("When does it begin?", "What time does it start?"),
            ("How do I clean a suede shoe?", "How do I clean suede shoes?"),
        ],
    );
}

#[test]
fn numbers_ranks_and_versions_count() {
    assert_all(true, &[("How many days are in two weeks?", "How many days are in 2 weeks?")]);
    assert_all(true, &[("What is 15% of 1,000?", "What is 15 % of 1000?"), ("Who came 2nd?", "Who came second?")]);
    assert_all(
        false,
        &[
            ("What is 20% of 350?", "What is 25% of 350?"),
            ("Is there a discount for five?", "Is there a discount for fifteen?"),
            ("Who was the third king?", "Who was the fourth king?"),
            ("What is new in 3.11?", "What is new in 3.12?"),
            ("Who was Henry V?", "Who was Henry VI?"),
            ("What is 5 - 3?", "What is 5 + 3?"),
            ("What is -5 squared?", "What is 5 squared?"),
            ("What is 5!?", "What is 5?"),
            ("What is 1.5 times 2?", "What is 15 times 2?"),
            ("What is 1,5 times 2?", "What is 15 times 2?"),
        ],
    );
}

#[test]
fn units_and_currencies_count() {
    assert_all(
        false,
        &[
            ("What does the watch cost in dollars?", "What does the watch cost in euros?"),
            ("Is 5 °C too cold?", "Is 5 °F too cold?"),
            ("Is 5kg too much?", "Is 5lb too much?"),
            ("What is the timeout in seconds?", "What is the timeout in milliseconds?"),
            ("What can I get for $20?", "What can I get for €20?"),
        ],
    );
}

#[test]
fn names_quotations_code_and_addresses_count() {
    assert_all(
        false,
        &[
            ("What is the currency of Hungary?", "What is the currency of Turkey?"),
            ("how do i fly to oslo", "how do i fly to bergen"),
            ("Who directed Alien?", "Who directed Aliens?"),
            ("How do I write a loop in C?", "How do I write a loop in C#?"),
            ("What does `a` do in Rust?", "What does `A` do in Rust?"),
            ("How do you say \"good day\" in Czech?", "How do you say \"good night\" in Czech?"),
            ("Who owns a@example.com?", "Who owns b@example.com?"),
            ("What is on https://a.example/x?", "What is on https://a.example/y?"),
            ("What is x == y in C?", "What is x = y in C?"),
            ("How do I cook turkey?", "How do I cook in Turkey?"),
            ("How do I clean windows?", "How do I clean Windows?"),
            ("Can it help us?", "Can it help the US?"),
            ("Where do people go in May?", "Where may people go?"),
        ],
    );
}

#[test]
fn negations_count_and_so_does_what_they_negate() {
    assert_all(
        false,
        &[
            ("Why is my order shipped?", "Why is my order not shipped?"),
            ("Why did I get a mail?", "Why didn't I get a mail?"),
            ("Can I pay with a card?", "Can I pay without a card?"),
            ("Which items may I carry?", "Which items may I never carry?"),
            ("Is it valid if signed?", "Is it valid if unsigned?"),
            ("Which payments are refundable?", "Which payments are non-refundable?"),
            ("Which birds cannot fly but swim?", "Which birds can fly but not swim?"),
            ("Who voted?", "Who voted for nobody?"),
        ],
    );
}

#[test]
fn times_count() {
    assert_all(
        false,
        &[
            ("Are you open on Friday?", "Are you open on Saturday?"),
            ("What happened in March?", "What happened in May?"),
            ("Who won in 2010?", "Who won in 2014?"),
            ("Who is the king of Spain?", "Who was the king of Spain?"),
            ("When does the store open?", "When did the store open?"),
            ("Is the parcel here?", "Will the parcel be here?"),
            ("Can I eat before a blood draw?", "Can I eat after a blood draw?"),
        ],
    );
}

#[test]
fn opposites_and_degrees_count() {
    assert_all(
        false,
        &[
            ("How do I upload a file?", "How do I download a file?"),
            ("How do I turn on the light?", "How do I turn off the light?"),
            ("What is the largest lake?", "What is the smallest lake?"),
            ("What is the cheapest flight?", "What is the best flight?"),
            ("Do all members vote?", "Do any members vote?"),
            ("Is it fast?", "Is it faster?"),
            ("Is shipping free?", "Is express shipping free?"),
        ],
    );
}

#[test]
fn what_is_asked_for_counts() {
    assert_all(
        false,
        &[
            ("When was Ada Lovelace born?", "Where was Ada Lovelace born?"),
            ("How often do I water it?", "How much do I water it?"),
            ("How many people vote?", "How do people vote?"),
            ("Can I cancel my booking?", "How do I cancel my booking?"),
            ("Must I declare cash?", "May I declare cash?"),
            ("Should I wait?", "Can I wait?"),
            ("Why should I update it?", "How should I update it?"),
            ("Explain the function map.", "Write the function map."),
            ("Who is the member?", "Who are the members?"),
            ("Give me an example of a metaphor.", "Give me examples of a metaphor."),
            ("Show me how to book a flight.", "Book a flight."),
        ],
    );
}

#[test]
fn persons_count() {
    assert_all(
        false,
        &[
            ("How do I share my calendar?", "How do I share his calendar?"),
            ("Can we see it?", "Can they see it?"),
            ("Can I call you?", "Can you call me?"),
            ("Can I bring him my book?", "Can I bring him his book?"),
            ("Do I need a booster?", "Does my son need a booster?"),
            ("What is your phone number?", "What is the phone number?"),
            ("How do you handle returns?", "How do I handle returns?"),
        ],
    );
}

#[test]
fn directions_and_the_order_of_names_count() {
    assert_all(
        true,
        &[
            ("Is there a train from Milan to Rome?", "Is there a train to Rome from Milan?"),
            ("On Linux, which process uses a port?", "Which process uses a port on Linux?"),
        ],
    );
    assert_all(
        false,
        &[
            ("Is there a train from Milan to Rome?", "Is there a train from Rome to Milan?"),
            ("Convert 100 dollars to euros.", "Convert 100 euros to dollars."),
            ("Did Germany beat Brazil?", "Did Brazil beat Germany?"),
            ("Who did Brutus kill?", "Who killed Brutus?"),
            ("Who was killed by Brutus?", "Who was Brutus killed for?"),
            ("Should I put milk before tea?", "Should I put tea before milk?"),
            ("How many grams are in an ounce?", "How many ounces are in a gram?"),
            ("Translate \"cheese\" into Polish.", "Translate \"cheese\" from Polish."),
            ("Is a list of tuples a tuple of lists?", "Is a tuple of lists a list of tuples?"),
        ],
    );
}

#[test]
fn little_words_count_where_they_stand_alone() {
    assert_all(
        false,
        &[
            ("Can I travel with?", "Can I travel without?"),
            ("What is in milk?", "What is milk?"),
            ("What should I look for?", "What should I look at?"),
            ("Is it from you?", "Is it for you?"),
            ("Who called Ada?", "Who is called Ada?"),
            ("What does a steward do?", "What is a steward?"),
            ("What is the size of a list of tuples?", "What is the size of tuples of a list?"),
            ("Is melatonin bad for me?", "Is melatonin bad?"),
            ("Do you know Python?", "Python?"),
            ("What is the meaning of life?", "What is life?"),
            ("What is the geometric mean?", "What is geometric?"),
            ("What is rust?", "What is Rust?"),
            ("How do I stop smoking?", "How do I stop smoke?"),
            ("How do I get news?", "How do I get new?"),
        ],
    );
}

#[test]
fn other_languages_and_nothing_at_all_are_not_compared() {
    for text in
        ["", "?!", "Wie kann ich das Passwort ändern?", "¿Cómo cambio la contraseña para el correo?", "Как дела?"]
    {
        assert!(!Question::read(text).is_comparable(), "{text}");
    }
    assert!(Question::read("How far is Málaga from Zürich?").is_comparable());
}

#[test]
fn a_text_of_too_many_words_is_not_compared() {
    let text = |words: usize| (0..words).map(|number| format!("word{number} ")).collect::<String>();
    assert!(Question::read(&text(CONTENT_MAX)).is_comparable());
    assert!(!Question::read(&text(CONTENT_MAX + 1)).is_comparable());
}
