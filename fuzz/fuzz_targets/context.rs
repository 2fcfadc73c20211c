//! CONTEXT: what parses survives writing.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    use nod_protocol::context::Context;
    if let Ok(parsed) = Context::parse(data)
        && let Ok(written) = parsed.context_bytes()
    {
        assert_eq!(Context::parse(&written), Ok(parsed));
    }
});
