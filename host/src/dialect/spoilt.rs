//! Bodies that nobody would send in good faith, for the tests of all dialects: none of them may panic.

/// Documents like `json`, each with one value of it replaced by one that nobody would send in good faith.
pub(crate) fn spoilt(json: &str) -> Vec<String> {
    const NASTY: [&str; 9] =
        ["null", "true", "-1", "1e999", "4294967295", "\"\"", "[]", "{}", r#"[[{"type":[{"type":{}}]}]]"#];
    fn places(value: &serde_json::Value, at: &str, found: &mut Vec<String>) {
        found.push(at.to_owned());
        if let Some(fields) = value.as_object() {
            fields.iter().for_each(|(name, value)| places(value, &format!("{at}/{name}"), found));
        }
        if let Some(items) = value.as_array() {
            items.iter().enumerate().for_each(|(index, item)| places(item, &format!("{at}/{index}"), found));
        }
    }
    let whole: serde_json::Value = serde_json::from_str(json).unwrap();
    let mut found = Vec::new();
    places(&whole, "", &mut found);
    let spoil = |at: &String| {
        let mut spoilt = whole.clone();
        *spoilt.pointer_mut(at).unwrap() = "@@".into();
        NASTY.map(|nasty| spoilt.to_string().replace("\"@@\"", nasty))
    };
    found.iter().flat_map(spoil).collect()
}
