//! WebAuthn authenticator data: what parses is written the same again.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    use nod_protocol::webauthn::{AuthenticatorData, CredentialKey};
    if let Ok(parsed) = AuthenticatorData::parse(data) {
        assert_eq!(parsed.to_bytes(), data);
    }
    if let Ok(key) = CredentialKey::from_cose(data) {
        let written = key.to_cose().expect("a parsed key can be written");
        assert_eq!(CredentialKey::from_cose(&written), Ok(key));
    }
});
