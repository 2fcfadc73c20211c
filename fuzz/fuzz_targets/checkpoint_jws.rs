//! One `nod-checkpoint+jwt`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(parsed) = nod_protocol::checkpoint::ParsedCheckpoint::parse(text) {
        let key = nod_protocol::SigningKey::from_entropy(&[1; 32]).expect("a fixed key");
        assert!(parsed.verify(key.jwk()).is_err());
    }
});
