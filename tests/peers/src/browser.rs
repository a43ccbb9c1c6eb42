//! A real headless Chromium, driven over WebDriver.
