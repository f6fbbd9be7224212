'use client'

// `tidings/react`: hearing events in components.
export type { ReceivedEvent } from '../client/connection/received-event.js'
export { type UsedEvents, type UseEventsOptions, useEvents, useLatest } from '../react/use-events.js'
