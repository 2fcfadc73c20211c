//! What somebody sees and does of their own account. What changes the set of factors needs a fresh sign-in (INV-15).

mod history;
mod own;
mod report;
mod tell;
mod view;
