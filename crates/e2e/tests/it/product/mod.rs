//! The whole product in real browsers, driven through the pages that a person sees.

mod chromium_phone;
mod codes;
mod desk;
mod film;
mod firefox_phone;
mod german;
mod handset;
mod keys;
mod look;
mod moving;
mod nodes;
mod oath;
mod portal;
mod recovery;
mod ringing;
mod screen;
mod site;
mod stage;
mod typed_code;
mod vectors;
