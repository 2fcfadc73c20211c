//! Public JWK: what parses survives writing.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    use nod_protocol::Jwk;
    if let Ok(jwk) = serde_json::from_slice::<Jwk>(data) {
        let written = serde_json::to_vec(&jwk).expect("a key can be written");
        assert_eq!(serde_json::from_slice::<Jwk>(&written).expect("and read"), jwk);
        assert_eq!(Jwk::from_point(&jwk.point()), Ok(jwk));
    }
});
