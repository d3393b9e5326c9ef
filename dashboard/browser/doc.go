// Package browser tests the dashboard's page in a real browser, Chromium without a screen. It is a module of its own, so
// that nobody who uses the pool sees what drives the browser.
package browser
