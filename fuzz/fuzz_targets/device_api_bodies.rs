//! Every request body of the device API and the pages.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    use nod_protocol::{device_api, pages};
    fn body<T: serde::de::DeserializeOwned + serde::Serialize>(data: &[u8]) {
        if let Ok(body) = serde_json::from_slice::<T>(data) {
            let written = serde_json::to_vec(&body).expect("a body can be written");
            assert!(serde_json::from_slice::<T>(&written).is_ok());
        }
    }
    body::<device_api::EnrolRequest>(data);
    body::<device_api::SessionRequest>(data);
    body::<device_api::EnrolPasskeyRequest>(data);
    body::<device_api::SubscriptionRequest>(data);
    body::<device_api::AnswerRequest>(data);
    body::<device_api::StageRequest>(data);
    body::<device_api::SelfTestRequest>(data);
    body::<device_api::RequestBody>(data);
    body::<pages::SignInPasskeyRequest>(data);
    body::<pages::EmptyRequest>(data);
    body::<pages::OpenRequest>(data);
    body::<pages::PasswordRequest>(data);
    body::<pages::ConfirmRequest>(data);
    body::<pages::IntroduceRequest>(data);
});
