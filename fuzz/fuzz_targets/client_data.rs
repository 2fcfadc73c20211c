//! WebAuthn client data: what parses survives writing.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    use nod_protocol::webauthn::ClientData;
    if let Ok(parsed) = ClientData::parse(data) {
        let written = parsed.to_bytes();
        if written.len() <= nod_protocol::webauthn::CLIENT_DATA_MAX_BYTES {
            assert_eq!(ClientData::parse(&written), Ok(parsed));
        }
    }
});
