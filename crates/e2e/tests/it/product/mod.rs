//! The whole product in real browsers, driven through the pages that a person sees.

mod chromium_phone;
mod desk;
mod firefox_phone;
mod handset;
mod look;
mod nodes;
mod screen;
mod site;
mod stage;
mod vectors;
