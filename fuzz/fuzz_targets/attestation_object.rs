//! WebAuthn attestation object.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    use nod_protocol::webauthn::{CredentialKey, parse_attestation_object};
    if let Ok(parsed) = parse_attestation_object(data)
        && let Some(attested) = parsed.attested
    {
        let _ = CredentialKey::from_cose(&attested.public_key);
    }
});
