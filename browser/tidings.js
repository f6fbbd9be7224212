// What the hub serves at /tidings.js: a module for pages without a bundler, on any origin.
//
//   import { EventSource } from 'http://127.0.0.1:8080/tidings.js'

/** The browser's own, which resumes by itself: an event's id is its place in the log, and comes back as Last-Event-ID. */
export const EventSource = globalThis.EventSource
