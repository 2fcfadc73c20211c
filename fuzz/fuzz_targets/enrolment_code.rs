//! Typed codes and digits: what is read is shown and read again the same.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    use nod_protocol::SixDigits;
    use nod_protocol::enrolment::EnrolmentCode;
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(code) = text.parse::<EnrolmentCode>() {
        assert_eq!(code.grouped().parse(), Ok(code));
    }
    if let Ok(digits) = SixDigits::parse_typed(text) {
        assert_eq!(SixDigits::parse_typed(&digits.grouped()), Ok(digits));
    }
    if let Ok(id) = text.parse::<nod_protocol::Id>() {
        assert_eq!(id.to_string(), text);
    }
});
