//! ASSERTION and REGISTRATION through the verifier: nothing unsigned is accepted.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    use nod_protocol::webauthn::{
        AssertionJson, CredentialKey, RegistrationJson, RelyingParty, verify_assertion, verify_registration,
    };
    let rp = RelyingParty { id: "nod.example.com".to_owned(), origin: "https://nod.example.com".to_owned() };
    if let Ok(assertion) = serde_json::from_slice::<AssertionJson>(data) {
        let key = nod_protocol::SigningKey::from_entropy(&[1; 32]).expect("a fixed key");
        let cose = CredentialKey::Es256(*key.jwk()).to_cose().expect("a fixed key");
        assert!(verify_assertion(&assertion, &[0x5A; 32], &rp, &cose).is_err());
    }
    if let Ok(registration) = serde_json::from_slice::<RegistrationJson>(data) {
        let _ = verify_registration(&registration, &[0x5A; 32], &rp);
    }
});
